"""The promotions that this window began: the newest of each pipeline to each place, whatever is looked at meanwhile.

A promotion goes on in its thread while another target is looked at, and what it came to is not forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfaas_tui.ui.project.undertaking import Undertaking
    from hfaas_tui.where import Where

UNDER_WAY = "A promotion is under way. AWS finishes what it was told; promoting again goes on from there."


@dataclass
class Undertakings:
    """Belongs to the window; `file` and `where` are what was chosen last, `step` the one that was shown last."""

    file: Path | None = None
    where: Where | None = None
    step: int = 1
    _newest: dict[tuple[Path, Where], Undertaking] = field(default_factory=dict)

    def put(self, file: Path, one: Undertaking) -> None:
        """Keep a promotion of this file in place of the one before it."""
        self._newest[file, one.where] = one

    def of(self, file: Path, where: Where) -> Undertaking | None:
        """Return the newest promotion of a file to a place."""
        return self._newest.get((file, where))

    @property
    def running(self) -> Undertaking | None:
        """Return the one that is under way; there is one at most."""
        return next((one for one in self._newest.values() if one.is_running), None)
