"""How amounts of money are written."""

from __future__ import annotations

LEAST = 0.0001


def dollars(amount: float) -> str:
    """Return an amount with as many digits as say something."""
    if 0 < amount < LEAST:
        return f"< {LEAST} $"
    return f"{amount:.4f} $" if 0 < amount < 1 else f"{amount:,.2f} $"


def approximately(amount: float) -> str:
    """Return an amount that is an estimate."""
    told = dollars(amount)
    return told if told.startswith("<") else f"≈ {told}"
