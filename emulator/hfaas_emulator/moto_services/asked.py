"""When a request was made: its replay at a later start must come to the same result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

CLOSE_S = 5
"""How far the time of a signature, in whole seconds, may be from now to mean now."""


def moment(headers: Mapping[str, str]) -> float:
    """Return when a request was signed, or now for one that is new or says nothing."""
    now = time.time()
    try:
        signed = (
            datetime.strptime(headers.get("X-Amz-Date") or "", "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        )
    except ValueError:
        return now
    return now if abs(now - signed) < CLOSE_S else min(signed, now)
