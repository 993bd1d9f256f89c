"""Shares as a row of cells."""

from __future__ import annotations

from collections.abc import Sequence

from hfaas_tui.ui.widgets.spark import BLOCKS

CELLS = 10


def gauge(share: float, cells: int = CELLS) -> str:
    """Return a share 0..1 as cells: filled ones high, the others low."""
    filled = max(0, min(cells, round(share * cells)))
    if share > 0 and not filled:
        filled = 1
    return "▇" * filled + "▁" * (cells - filled)


def tone(share: float) -> str:
    """Return how worrying a share is."""
    return "err" if share >= 0.98 else "warn" if share >= 0.9 else ""


def course(shares: Sequence[float], cells: int) -> str:
    """Return shares 0..1 as blocks on a scale that stays the same, the newest at the right."""
    shown = list(shares)[-cells:]
    top = len(BLOCKS) - 1
    blocks = (BLOCKS[max(0, min(top, round(share * top)))] for share in shown)
    return (BLOCKS[0] * (cells - len(shown))) + "".join(blocks)
