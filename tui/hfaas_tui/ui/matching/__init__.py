"""What people type behind `/`, and the child that tries their regexes."""
