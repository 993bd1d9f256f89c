"""`hfaas-tui`: the terminal UI. Producers append to a store; widgets look at its versions and paint what is visible."""
