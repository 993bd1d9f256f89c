"""Series of numbers as a row of blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

BLOCKS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float], width: int, join: Callable[[Iterable[float]], float] = sum) -> str:
    """Return a series in `width` blocks; `join` makes one value of those that share a block."""
    if not values or width < 1:
        return ""
    count = min(width, len(values))
    edges = [len(values) * n // count for n in range(count + 1)]
    joined = [join(values[start:end]) for start, end in pairwise(edges)]
    top = max(joined)
    if top <= 0:
        return BLOCKS[0] * count
    steps = len(BLOCKS) - 1
    return "".join(BLOCKS[max(round(value / top * steps), int(value > 0))] for value in joined)
