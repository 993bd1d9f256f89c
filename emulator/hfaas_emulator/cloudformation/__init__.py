"""CloudFormation: the real API, our own stack engine, the emulator's own public services below."""
