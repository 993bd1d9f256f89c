"""How the user wants it: from the command line, the environment and `~/.config/hfaas`."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

FPS = 12
FPS_REMOTE = 4
"""Paints per second over SSH: a follower at 4 sends 50 KiB/s."""

FPS_LIMITS = (1, 60)
THEME = "hfaas-dark"


@dataclass(frozen=True, slots=True)
class Settings:
    """Read once at the start."""

    theme: str = THEME
    fps: int = FPS
    ascii: bool = False
    read_only: bool = False
    mouse: bool = True
    folder: Path = field(default_factory=Path)
    state: Path | None = None
    endpoint: str = ""
    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    pipeline: Path | None = None
    build_args: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What functions that are built from a Dockerfile are built with."""

    is_named: bool = False
    """Whether the user, or the demo, said which pipeline; else the Deploy view asks where there are several."""

    problems: tuple[str, ...] = ()
    """What in the user's files could not be used; told in toasts."""

    @property
    def poll_s(self) -> float:
        """Return the seconds between two looks at the store."""
        return 1 / self.fps


@dataclass(frozen=True, slots=True)
class Wishes:
    """What `settings.toml` and the environment say of the looks; None where they say nothing."""

    theme: str | None = None
    fps: int | None = None
    ascii: bool | None = None
    mouse: bool | None = None
    problems: tuple[str, ...] = ()


KINDS: Mapping[str, type] = {"theme": str, "fps": int, "ascii": bool, "mouse": bool}


def config_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the user's `keys.toml` and `settings.toml` are."""
    return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "hfaas"


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where what outlives a session is kept, crash files among it."""
    return Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "hfaas"


def document(file: Path) -> tuple[dict[str, Any], list[str]]:
    """Read a TOML file of the user's, and say what is wrong with it; one that is not there is empty."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8")), []
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError) as error:
        return {}, [f"{file} cannot be used: {error}"]


def wishes(environ: Mapping[str, str] = os.environ) -> Wishes:
    """Read what the user wishes: the environment comes before the file."""
    file = config_folder(environ) / "settings.toml"
    told, problems = document(file)
    found: dict[str, Any] = {}
    for name, value in told.items():
        kind = KINDS.get(name)
        if kind is None:
            problems.append(f"{file}: there is no setting {name}; there are {', '.join(KINDS)}")
        elif type(value) is not kind:
            problems.append(f"{file}: {name} must be {_words(kind)}")
        else:
            found[name] = value
    if theme := environ.get("HFAAS_THEME"):
        found["theme"] = theme
    if fps := environ.get("HFAAS_FPS"):
        if fps.isdecimal():
            found["fps"] = int(fps)
        else:
            problems.append("HFAAS_FPS must be a number")
    if "fps" in found:
        found["fps"] = min(max(found["fps"], FPS_LIMITS[0]), FPS_LIMITS[1])
    return Wishes(**found, problems=tuple(problems))


def wants_ascii(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the terminal cannot show more than ASCII."""
    encoding = (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "")
    return environ.get("TERM") == "linux" or encoding not in {"utf8", "utf16"}


def usual_fps(environ: Mapping[str, str] = os.environ) -> int:
    """Return how often to paint: less often where each byte travels."""
    return FPS_REMOTE if environ.get("SSH_CONNECTION") else FPS


def _words(kind: type) -> str:
    return {str: "a text", int: "a number", bool: "true or false"}[kind]
