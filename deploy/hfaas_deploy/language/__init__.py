"""The pipeline file as a text: its keys, its places, its older forms, and what an editor needs of it."""
