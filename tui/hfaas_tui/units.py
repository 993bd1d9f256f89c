"""Figures in units that people read: the same ones on the command line and in the terminal UI."""

from __future__ import annotations


def size(count: float | None) -> str:
    """Return bytes in a unit people read, at most 7 characters; a dash for none."""
    if count is None:
        return "-"
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
