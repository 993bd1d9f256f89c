"""Why work was handed over to Batch, in words; the supervisor names the cause in one word."""

from __future__ import annotations

REASONS = {
    "time": "time was over",
    "memory": "memory was used up",
    "space": "its input is larger than what is free in /tmp",
    "gpu": "it asks for a GPU",
    "exit": "its script ended with code 75",
    "mode": "its mode is batch",
}
AT_ONCE = {"gpu", "mode", "space"}


def because(cause: str, seconds: object = None) -> str:
    """Put a cause into words: `time after 285.0 s` becomes `time was over after 285.0 s`."""
    word, _, rest = cause.partition(" ")
    if seconds and not rest:
        rest = f"after {seconds} s"
    return " ".join(part for part in (REASONS.get(word, word), "" if word in AT_ONCE else rest) if part)
