"""Services on OSCAR clusters, made from the same pipeline file that a rehearsal runs."""
