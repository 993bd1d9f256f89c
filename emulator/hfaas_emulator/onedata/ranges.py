"""The `Range` header: which bytes of a file somebody wants."""

from __future__ import annotations

import re

_ONE = re.compile(r"(\d{0,18})-(\d{0,18})")
MOST = 100
"""Ranges of one request."""


class Unsatisfiable(Exception):
    """There are no such bytes."""


def read(header: str, size: int) -> list[tuple[int, int]]:
    """Return the ranges as (start, stop), clipped to the size; Unsatisfiable when one is none."""
    unit, _, listed = header.partition("=")
    texts = [text.strip() for text in listed.split(",")]
    if unit.strip() != "bytes" or len(texts) > MOST:
        raise Unsatisfiable
    return [_range(text, size) for text in texts]


def _range(text: str, size: int) -> tuple[int, int]:
    found = _ONE.fullmatch(text)
    if not found or text == "-":
        raise Unsatisfiable
    first, last = found.groups()
    if first:
        start, stop = int(first), min(int(last) + 1 if last else size, size)
    else:
        start, stop = max(size - int(last), 0), size
    if start >= stop:
        raise Unsatisfiable
    return start, stop
