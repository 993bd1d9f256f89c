"""How the user wants it: from the command line, the environment and `~/.config/hfaas`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

FPS = 12
FPS_REMOTE = 5
"""Paints per second over SSH: a follower at 12 sends 120 KiB/s."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Read once at the start."""

    theme: str = "hfaas-dark"
    fps: int = FPS
    ascii: bool = False
    read_only: bool = False
    mouse: bool = True
    folder: Path = field(default_factory=Path)
    state: Path | None = None
    endpoint: str = ""
    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def poll_s(self) -> float:
        """Return the seconds between two looks at the store."""
        return 1 / self.fps


def wants_ascii(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the terminal cannot show more than ASCII."""
    encoding = (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "")
    return environ.get("TERM") == "linux" or encoding not in {"utf8", "utf16"}


def usual_fps(environ: Mapping[str, str] = os.environ) -> int:
    """Return how often to paint: less often where each byte travels."""
    return FPS_REMOTE if environ.get("SSH_CONNECTION") else FPS
