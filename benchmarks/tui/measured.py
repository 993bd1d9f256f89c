"""Keys and how soon they are painted; figures and the bars they are held against."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Row, percentile
from benchmarks.tui.terminal import Terminal

HERE = Path(__file__).parent
OURS = str(Path(sys.executable).with_name("hfaas-tui"))
KEYS = 50
PAUSE_S = (0.06, 0.16)
LOST_S = 3.0
"""A key that was not painted by then counts as so much; a program that swallows three is given up."""

Key = tuple[str, str]
"""What is pressed, and a pattern of what is painted then."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table; `bar` and `value` say whether it holds."""

    case: str
    value: float
    unit: str
    beside: str = ""
    bar: float | None = None
    more: str = ""

    @property
    def is_held(self) -> bool:
        return self.bar is None or self.value <= self.bar

    def row(self) -> Row:
        """Return it as a row of the table."""
        if self.bar is None:
            aim = ""
        else:
            aim = f"<= {number(self.bar)} {self.unit}: {'holds' if self.is_held else 'MISSED'}"
        return self.case, f"{number(self.value)} {self.unit}{self.more}", self.beside, aim


def number(value: float) -> str:
    """Return a value with as many digits as say something."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def program(name: str, *arguments: object) -> list[str]:
    """Return the command of a program of this folder."""
    return [sys.executable, str(HERE / f"{name}.py"), *map(str, arguments)]


def latencies(screen: Terminal, keys: Iterable[Key]) -> list[float]:
    """Press keys at irregular moments; return the milliseconds until each was painted."""
    taken: list[float] = []
    pauses = random.Random(1)
    for key, pattern in keys:
        time.sleep(pauses.uniform(*PAUSE_S))
        mark, pressed = screen.press(key)
        try:
            taken.append((screen.wait(pattern, mark, LOST_S) - pressed) * 1000)
        except TimeoutError:
            taken.append(LOST_S * 1000)
            if taken.count(LOST_S * 1000) >= 3:
                break
    return taken


def down(name: str, start: int, count: int = KEYS) -> Iterator[Key]:
    """Yield keys that move the cursor of a table whose rows are numbered."""
    for row in range(start + 1, start + count + 1):
        yield "j", f"▸[^▸]{{0,24}}{name}-{row:05d}"


def counted(start: int = 0, count: int = KEYS, key: str = "\x1bOQ") -> Iterator[Key]:
    """Yield keys for a peer, which counts them."""
    for each in range(start + 1, start + count + 1):
        yield key, f"keys {each} end"


def both(taken: list[float]) -> tuple[float, float]:
    """Return the median and the 95th percentile."""
    return percentile(taken, 0.5), percentile(taken, 0.95)


def words(taken: list[float]) -> str:
    """Return both in words."""
    p50, p95 = both(taken)
    lost = sum(each >= LOST_S * 1000 for each in taken)
    return f"{number(p50)} / {number(p95)} ms" + (f", {lost} of {len(taken)} keys lost" if lost else "")
