"""The second view: the log lines of all functions."""
