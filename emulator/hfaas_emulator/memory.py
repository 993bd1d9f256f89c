"""Gives memory back to the machine: glibc would keep what a burst of work freed."""

from __future__ import annotations

import ctypes

ARENAS = 2
"""Heaps of glibc; by default every thread may get one, eight for each processor."""

_M_ARENA_MAX = -8


def limit_heaps() -> None:
    """Share few heaps between all threads; before there are threads."""
    _glibc("mallopt", _M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Return freed memory; takes a few milliseconds, without holding other threads up."""
    _glibc("malloc_trim", 0)


def _glibc(name: str, *arguments: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None)  # musl and macOS have neither
    if function is not None:
        function(*arguments)
