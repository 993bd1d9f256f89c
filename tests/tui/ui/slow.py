"""A machine that has other things to do."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def late_python(folder: Path, seconds: float) -> str:
    """Return a Python that is there only after a while, without having computed for it."""
    return _script(folder / "late-python", f'sleep {seconds}\nexec {shlex.quote(sys.executable)} "$@"')


def no_python(folder: Path) -> str:
    """Return a Python that never begins, and is gone when it is killed."""
    return _script(folder / "no-python", "exec sleep 600")


def _script(file: Path, lines: str) -> str:
    file.write_text(f"#!/bin/sh\n{lines}\n")
    file.chmod(0o700)
    return str(file)
