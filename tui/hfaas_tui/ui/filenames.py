"""Names of files for names of objects, which come from anywhere and never become paths of this machine."""

from __future__ import annotations

import contextlib
import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path

NAME_BYTES = 200

_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")


def safe_name(name: str) -> str:
    """Return a file name for a name from outside: no path, no control character, not too long."""
    text = "".join("_" if _is_bad(char) else char for char in name).rstrip(" .") if name.strip(".") else ""
    text = text.encode("utf-8", "replace").decode().strip() or "_"
    if _RESERVED.match(text):
        text = f"_{text}"
    if len(text.encode()) > NAME_BYTES:
        stem, dot, suffix = text.rpartition(".")
        suffix = dot + suffix if stem and len(suffix.encode()) <= 16 else ""
        mark = "~" + hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
        room = NAME_BYTES - len((mark + suffix).encode())
        text = text.encode()[:room].decode("utf-8", "ignore") + mark + suffix
    return text


def _is_bad(char: str) -> bool:
    return char in '/\\:*?"<>|' or unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co"}


def safe_path(folder: Path, relative: str) -> Path:
    """Return the path below a folder for an object's name, whose slashes are folders: it cannot lead out of it."""
    parts = [safe_name(part) for part in relative.split("/") if part]
    return folder.joinpath(*parts or ["_"])


def is_safe(relative: str) -> bool:
    """Tell whether a name can be a file's as it is."""
    return safe_path(Path(), relative) == Path(relative) and not relative.startswith("/")


def targets(folder: Path, names: Iterable[str]) -> list[Path]:
    """Return a path for each name, no two the same, and none that is another's folder."""
    found: list[Path] = []
    taken: set[str] = set()
    folders: set[str] = set()
    for name in names:
        path = free(safe_path(folder, name), lambda each: each in taken or each in folders)
        inside = [str(parent).lower() for parent in path.parents if parent != folder and folder in parent.parents]
        if any(parent in taken for parent in inside):  # `a` and `a/b` are both fine as names of objects
            path = free(folder / safe_name(name), lambda each: each in taken or each in folders)
            inside = []
        taken.add(str(path).lower())
        folders.update(inside)
        found.append(path)
    return found


def free(path: Path, is_taken: Callable[[str], bool]) -> Path:
    """Return the path, or the first of `name (2)`, `name (3)` that nobody has."""
    if not is_taken(str(path).lower()):
        return path
    return next(
        other
        for number in count(2)
        if not is_taken(str(other := path.with_name(f"{path.stem} ({number}){path.suffix}")).lower())
    )


def default_folder() -> Path:
    """Return where downloads go unless the user says otherwise."""
    usual = Path.home() / "Downloads"
    with contextlib.suppress(OSError):
        if usual.is_dir():
            return usual
    return Path.cwd()
