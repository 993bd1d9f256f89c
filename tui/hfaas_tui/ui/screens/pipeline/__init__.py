"""The fifth view: how functions and places hang together."""
