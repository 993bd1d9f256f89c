"""The fourth view: buckets and spaces, what is in them, and what is done with it."""
