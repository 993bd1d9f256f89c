"""The pipeline of the user: its files, what is wrong with them, deploying and promoting them, what runs cost."""
