"""What to show of an object: text, tables, bytes, and pictures that a child decodes."""
