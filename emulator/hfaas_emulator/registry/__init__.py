"""What ECR is here: a registry of images that runs beside the emulator, read and written by its HTTP API."""
