"""AWS as a target, by its standard APIs alone; what an emulator shares with it is here, too."""
