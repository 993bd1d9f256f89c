"""Widgets of our own, where Textual's cannot keep up or pass terminal control on."""
