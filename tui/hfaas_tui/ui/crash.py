"""What is left of a defect: one line on the terminal, and a file of which secrets are taken out."""

from __future__ import annotations

import os
import platform
import re
import secrets
import sys
import time
import traceback
from pathlib import Path

from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.settings import state_folder

HIDDEN = "•••"
_PLACE = '  File "'
"""How the lines of a traceback begin that say where: long paths look like secrets."""

_SECRETS = re.compile(
    r"(?i)((?:token|secret|password|passwd|key|credential|authorization)[\w-]*[\"']?\s*[=:]\s*[\"']?)[^\s\"',}]+"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\b[A-Za-z0-9+/_-]{32,}={0,2}"
)


def redacted(text: str) -> str:
    """Return a text without what may be a secret, and without the name of the user's home."""
    lines = text.replace(str(Path.home()), "~").split("\n")
    return "\n".join(line if line.startswith(_PLACE) else _SECRETS.sub(_hide, line) for line in lines)


def _hide(found: re.Match[str]) -> str:
    return f"{found[1] or ''}{HIDDEN}"


def _visible(text: str) -> str:
    """Return a text of several lines that no terminal obeys when somebody shows the file."""
    return "\n".join(line[: len(line) - len(line.lstrip())] + clean(line.lstrip()) for line in text.split("\n"))


def write(error: BaseException, folder: Path | None = None) -> Path | None:
    """Write a crash file that only its owner can read; None when that cannot be."""
    folder = folder or state_folder() / "crashes"
    told = traceback.TracebackException.from_exception(error, capture_locals=False)
    head = f"hfaas-tui on Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    head += f", TERM {os.environ.get('TERM', 'not set')}\n{time.strftime('%Y-%m-%dT%H:%M:%S%z')}\n\n"
    file = folder / f"crash-{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(2)}.txt"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write(head + redacted(_visible("".join(told.format()))))
    except OSError:
        return None
    return file


def report(error: BaseException, folder: Path | None = None) -> int:
    """Say in one line that a defect ended the UI, and where more of it stands."""
    file = write(error, folder)
    where = f"; {file} says where (secrets taken out)" if file else ""
    said = clean(redacted(str(error).partition("\n")[0]), 200)
    sys.stderr.write(f"hfaas-tui was ended by a defect: {type(error).__name__}: {said}{where}\n")
    return 1
