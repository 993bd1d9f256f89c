"""Stacks on AWS, or on an emulator: where they are, how one gets there, and what lies around a template."""
