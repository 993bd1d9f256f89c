"""Quantities as Kubernetes writes them: 512Mi, 0.2, 200m, 1e3."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

QUANTITY = re.compile(
    r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)(?:(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)|([eE][+-]?[0-9]{1,2}))?"
)
FACTORS = {
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
    **{unit: Decimal(1000) ** -power for power, unit in enumerate(("m", "u", "n"), 1)},
}


def amount(text: str) -> Decimal | None:
    """How much a quantity is; None where the text is none."""
    found = QUANTITY.fullmatch(text.strip()) if len(text) <= 40 else None
    if not found:
        return None
    number, unit, exponent = found.groups()
    try:
        return Decimal(f"{number}{exponent or ''}") * FACTORS.get(unit or "", Decimal(1))
    except InvalidOperation:
        return None


def same(one: str, other: str) -> bool:
    """Say whether both are as much; texts that are no quantities are compared as they are."""
    left, right = amount(one), amount(other)
    return one == other if left is None or right is None else left == right
