"""How functions and places hang together, what goes along the edges, and how that is painted."""
