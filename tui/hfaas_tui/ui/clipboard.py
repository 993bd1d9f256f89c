"""The clipboard: the terminal's own, by OSC 52, and that of the machine where there is a program for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

from hfaas_tui.ui import safe

PATIENCE_S = 2.0
LONGEST = 1_000_000
"""Characters that are copied; terminals drop what is longer, many much less."""

PROGRAMS = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("", ("pbcopy",)),
)


def harmless(text: str) -> str:
    """Return a text whose lines stay lines, without what a terminal would obey where somebody pastes it."""
    return "\n".join(
        "\t".join(safe.clean(piece, LONGEST) for piece in line.removesuffix("\r").split("\t"))
        for line in text.split("\n")
    )


def programs(environ: Mapping[str, str] = os.environ) -> list[tuple[str, ...]]:
    """Return the programs that copy: tmux's own, and one of the desktop unless we came here by SSH."""
    found: list[tuple[str, ...]] = []
    if environ.get("TMUX"):
        found.append(("tmux", "load-buffer", "-w", "-"))
    if not environ.get("SSH_CONNECTION"):
        found += [call for needs, call in PROGRAMS if not needs or environ.get(needs)][:2]
    return [call for call in found if shutil.which(call[0], path=environ.get("PATH"))]


def copy(text: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Hand a text to the programs; returns the names of those that took it. Blocks."""
    took = []
    for call in programs(environ):
        try:
            subprocess.run(
                call,
                input=text[:LONGEST].encode("utf-8", "replace"),
                timeout=PATIENCE_S,
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(environ),
            )
        except (OSError, subprocess.SubprocessError):
            continue
        took.append(call[0])
    return took
