"""The eighth view: the machine and the emulator."""
