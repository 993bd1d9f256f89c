"""What a function wrote, made text that cannot do anything to a terminal; its colours stay.

Of all escape sequences only SGR is looked at, and of that only the foreground, bold, dim and underline. A background
of its own would hide the cursor and the selection, and black text would vanish on a dark screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from hfaas_tui.ui.safe import visible

LONGEST = 4096
"""Bytes of a line that are parsed and shown in a list."""
TAB = 4
DARKEST = 48
"""Below this in all three channels a colour is black."""

Colour = int | tuple[int, int, int]
"""One of the 256, or red, green and blue."""


class Look(NamedTuple):
    """How a piece of text looks; no colour is the usual one."""

    colour: Colour | None = None
    bold: bool = False
    dim: bool = False
    underline: bool = False


class Piece(NamedTuple):
    """Harmless text of one look."""

    text: str
    look: Look


PLAIN = Look()

_SEQUENCE = re.compile(
    "(?:\x1b\\[|\x9b)([0-9;:]*)m"
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?"  # OSC, DCS, SOS, PM, APC
    "|(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    "|\x1b[ -/]*[0-~]?"
)


def pieces(raw: bytes, longest: int = LONGEST) -> list[Piece]:
    """Return a line as it is shown; of a progress bar what it showed last."""
    raw = raw.rstrip(b"\r")
    text = raw[raw.rfind(b"\r") + 1 :][:longest].decode("utf-8", "replace")
    if text.isprintable():
        return [Piece(shown, PLAIN)] if (shown := visible(text)) else []
    found: list[Piece] = []
    column = 0
    for part, look in _parts(text):
        if shown := _harmless(part, column):
            column += len(shown)
            found.append(Piece(shown, look))
    return found


def plain(raw: bytes, longest: int = LONGEST) -> str:
    """Return a line without its colours."""
    return "".join(piece.text for piece in pieces(raw, longest))


def _parts(text: str) -> Iterator[tuple[str, Look]]:
    look, at = PLAIN, 0
    for sequence in _SEQUENCE.finditer(text):
        yield text[at : sequence.start()], look
        at = sequence.end()
        if (codes := sequence[1]) is not None:
            look = _after(look, codes)
    yield text[at:], look


def _harmless(text: str, column: int) -> str:
    if "\t" in text:
        before = " " * (column % TAB)
        text = (before + text).expandtabs(TAB)[len(before) :]
    return visible(text)


def _after(look: Look, codes: str) -> Look:
    """Return the look after an SGR sequence; what it does not know it skips."""
    todo = iter(codes.replace(":", ";").split(";"))
    for code in todo:
        match _number(code):
            case 0:
                look = PLAIN
            case 1:
                look = look._replace(bold=True)
            case 2:
                look = look._replace(dim=True)
            case 4:
                look = look._replace(underline=True)
            case 22:
                look = look._replace(bold=False, dim=False)
            case 24:
                look = look._replace(underline=False)
            case 38:
                look = look._replace(colour=_extended(todo))
            case 48 | 58:
                _extended(todo)
            case 39 | 30:
                look = look._replace(colour=None)
            case number if 31 <= number <= 37:
                look = look._replace(colour=number - 30)
            case number if 90 <= number <= 97:
                look = look._replace(colour=number - 82)
    return look


def _extended(codes: Iterator[str]) -> Colour | None:
    """Take the numbers behind 38 or 48; none when they are no colour, or one that is black."""
    kind = next(codes, "")
    wanted = {"5": 1, "2": 3}.get(kind, 0)
    numbers = [number for number in map(_number, islice(codes, wanted)) if number < 256]
    if len(numbers) != wanted or not wanted:
        return None
    if wanted == 1:
        return None if numbers[0] in {0, 16} or 232 <= numbers[0] <= 235 else numbers[0]
    red, green, blue = numbers
    return None if max(numbers) < DARKEST else (red, green, blue)


def _number(code: str) -> int:
    """Return the number of a code; an empty one is 0, one that is too long nothing we know."""
    return int(code or 0) if len(code) < 4 else 999
