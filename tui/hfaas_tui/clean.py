"""Text from outside (logs, object names, error messages) made harmless for a terminal."""

from __future__ import annotations

import re

# C0 but tab and line feed, DEL and C1, and the marks that turn the direction of writing around
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Replace everything a terminal could obey by U+FFFD; a carriage return before a line feed just goes."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))
