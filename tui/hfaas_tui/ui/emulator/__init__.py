"""The emulator as a target: found, asked, followed; its trace made into what the views show."""
