"""What to show of an object: bytes become lines of text, rows of a table or a picture. Nothing in here draws.

The first 64 KB tell what an object is; pictures and videos are read whole when they are small enough. Whatever is
wrong with a file becomes a sentence: files come from anywhere.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.cells import cell_len, set_cell_size

from hfaas_tui.ui.preview import sniff
from hfaas_tui.ui.preview.pictures import MOST_PIXELS, Decoder, Picture, Row, Undecodable, painted
from hfaas_tui.ui.safe import clean, clip
from hfaas_tui.units import size

TEXT_BYTES = 64 * 1024
MOST_BYTES = 32 * 1024 * 1024
MOST_LINES = 2000
HEX_BYTES = 4096
LINE = 1000
"""Characters of one line; more than any terminal is wide."""

_CELL, _COLUMNS, _ROWS = 24, 40, 500

Read = Callable[[str, int], bytes]
"""Returns the first bytes of an object."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands in the preview: a few words about the object, and lines, a picture or bytes."""

    words: str = ""
    lines: tuple[str, ...] = ()
    has_header: bool = False
    picture: Picture | None = None
    rows: tuple[Row, ...] = ()
    """The picture, painted."""
    data: bytes = b""
    """Bytes to be shown as numbers, as many in a row as fit."""
    note: str = ""
    """What is missing or wrong, in a sentence."""

    @property
    def is_video(self) -> bool:
        return self.picture is not None and self.picture.frames > 1

    @property
    def frame(self) -> str:
        """Return which frame of a video this is, and when it comes."""
        if self.picture is None or not self.is_video:
            return ""
        text = f"{self.picture.frame + 1} of {self.picture.frames}"
        return text + (f"  {self.picture.frame / self.picture.fps:.1f} s" if self.picture.fps else "")


class Previewer:
    """Makes previews, one at a time; keeps the bytes of the last object, so that another size needs no reading."""

    def __init__(self, decoder: Decoder | None = None) -> None:
        self._decoder = decoder or Decoder()
        self.is_plain = False
        """Whether pictures are characters, for terminals without colour."""
        self.is_dark = True
        self._folder = ""
        self._holds: tuple[str, str] = ("", "")
        self._lock = threading.Lock()
        self._is_closed = False

    def look(
        self, read: Read, uri: str, version: str, count: int | None, room: tuple[int, int], at: float = 0
    ) -> Shown:
        """Return what to show of an object of `count` bytes; `version` changes when the object does."""
        start = read(uri, TEXT_BYTES)
        total = len(start) if count is None or count < len(start) else count
        kind = sniff.kind(start)
        if kind is None or not kind.is_picture:
            return document(start, total, uri.rpartition("/")[2], kind)
        try:
            return self._picture(read, (uri, version), start, total, kind, room, at)
        except Undecodable as error:
            return Shown(kind.name, data=start[:HEX_BYTES], note=f"No preview: {error}")
        except OSError as error:
            return Shown(
                kind.name, data=start[:HEX_BYTES], note=f"No preview: no room on the disk: {error.strerror}"
            )

    def close(self) -> None:
        """End the decoder and remove what was kept, for good."""
        self._decoder.close()
        with self._lock:
            self._is_closed = True
            if self._folder:
                with contextlib.suppress(OSError):
                    (Path(self._folder) / "object").unlink(missing_ok=True)
                    Path(self._folder).rmdir()
                self._folder, self._holds = "", ("", "")

    def _picture(
        self,
        read: Read,
        key: tuple[str, str],
        start: bytes,
        total: int,
        kind: sniff.Kind,
        room: tuple[int, int],
        at: float,
    ) -> Shown:
        if total > MOST_BYTES:
            raise Undecodable(f"it has {size(total)}, and previews end at {size(MOST_BYTES)}; ^s saves it")
        file = self._file(read, key, start, total)
        wide, high = (0, 0) if kind.is_video else self._dimensions(file, start, kind.name)
        picture = (
            self._decoder.frame(file, at, room) if kind.is_video else self._decoder.image(file, (wide, high), room)
        )
        words = f"{picture.width}×{picture.height}  {kind.name}"
        rows = painted(picture, is_plain=self.is_plain, is_dark=self.is_dark)
        return Shown(words, picture=picture, rows=rows)

    def _dimensions(self, file: Path, start: bytes, format: str) -> tuple[int, int]:
        found = sniff.dimensions(start, format) or sniff.dimensions(file.read_bytes(), format)
        if found is None:
            raise Undecodable("its header is damaged")
        wide, high = found
        if wide * high > MOST_PIXELS:
            most = MOST_PIXELS // 10**6
            raise Undecodable(f"it says it is {wide}×{high}, and previews end at {most} million pixels")
        return found

    def _file(self, read: Read, key: tuple[str, str], start: bytes, total: int) -> Path:
        """Return a file with all of the object in it; decoders want one, and it is read again for each frame."""
        is_held = self._holds == key
        data = b"" if is_held else start if total <= len(start) else read(key[0], MOST_BYTES)
        with self._lock:
            if self._is_closed:  # what was made now would stay for ever
                raise Undecodable("it is not wanted any more")
            if not self._folder:
                self._folder = tempfile.mkdtemp(prefix="hfaas-preview-")
            file = Path(self._folder) / "object"
            if not is_held:
                self._holds = ("", "")
                descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with open(descriptor, "wb") as out:
                    out.write(data)
                self._holds = key
        return file


def document(start: bytes, total: int, name: str, kind: sniff.Kind | None = None) -> Shown:
    """Return what to show of anything but a picture, of which `start` are the first bytes."""
    if not total:
        return Shown("empty", note="Empty: it has no bytes.")
    is_whole = total <= len(start)
    found = _decoded(start, is_whole=is_whole) if kind is None else None
    if found is None:
        words = kind.name if kind else "bytes"
        rest = f"the first {size(HEX_BYTES)} of {size(total)}" if total > HEX_BYTES else ""
        return Shown(words, data=start[:HEX_BYTES], note=rest)
    text, is_utf8 = found
    shown = _structured(text, name, is_whole=is_whole) or _text(text)
    notes = [] if is_whole else [f"the first {size(len(start))} of {size(total)}"]
    if not is_utf8:
        notes.append("not all of it is UTF-8: � stands for the rest")
    if len(shown.lines) >= MOST_LINES:
        notes.append(f"the first {MOST_LINES} lines")
    return replace(shown, note="; ".join(notes))


def _decoded(data: bytes, *, is_whole: bool) -> tuple[str, bool] | None:
    """Return a text and whether it was good UTF-8 (or UTF-16); None for what is no text."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16", "replace"), True
    control = len(data) - len(data.translate(None, _NO_TEXT))
    if b"\0" in data or control > len(data) // 20:
        return None
    try:
        return data.decode("utf-8-sig"), True
    except UnicodeDecodeError as error:
        if not is_whole and error.start >= len(data) - 3:  # a character was cut in two where the reading ended
            return data[: error.start].decode("utf-8-sig"), True
    text = data.decode("utf-8-sig", "replace")
    return None if text.count("�") > len(text) // 4 else (text, False)


_NO_TEXT = bytes(code for code in range(32) if code not in b"\t\n\f\r\x1b\b")


def _text(text: str) -> Shown:
    lines = text.splitlines() if "\r" in text else text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return Shown("text", tuple(clean(line, LINE) for line in lines[:MOST_LINES]))


def _structured(text: str, name: str, *, is_whole: bool) -> Shown | None:
    suffix = name.rpartition(".")[2].lower()
    if is_whole and (suffix in {"json", "geojson", "ipynb"} or text.lstrip()[:1] in {"{", "["}):
        return _json(text)
    if suffix in {"csv", "tsv"}:
        return _table(text, is_whole=is_whole)
    return None


def _json(text: str) -> Shown | None:
    """Return JSON with its structure in sight; None when it is none, or more than one value."""
    pieces, count = [], 0
    try:
        for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(json.loads(text)):
            pieces.append(piece)
            count += len(piece)
            if count > 4 * TEXT_BYTES:  # nesting makes a short text long
                break
    except (ValueError, RecursionError):
        return None
    return replace(_text("".join(pieces)), words="JSON")


def _table(text: str, *, is_whole: bool) -> Shown | None:
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    lines = text.splitlines()
    if not is_whole and len(lines) > 1:
        lines.pop()  # it may have been cut
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            rows.append([clean(cell, 200) for cell in row[:_COLUMNS]])
            if len(rows) > _ROWS:
                break
    except csv.Error:
        return None
    if not rows or len(rows[0]) < 2:
        return None
    return Shown(f"CSV  {len(rows[0])} columns", _aligned(rows), has_header=True)


def _aligned(rows: list[list[str]]) -> tuple[str, ...]:
    count = max(len(row) for row in rows)
    widths = [0] * count
    for row in rows:
        for at, cell in enumerate(row):
            widths[at] = min(_CELL, max(widths[at], cell_len(cell)))
    return tuple("  ".join(_fit(cell, widths[at]) for at, cell in enumerate(row)).rstrip() for row in rows)


def _fit(text: str, width: int) -> str:
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def hexadecimal(data: bytes, width: int) -> list[str]:
    """Return bytes as numbers and characters, as many in a row as fit into `width`."""
    count = next((n for n in (16, 8, 4) if 5 + 4 * n <= width), 4)
    lines = []
    for at in range(0, len(data), count):
        row = data[at : at + count]
        text = "".join(chr(code) if 32 <= code < 127 else "." for code in row)
        lines.append(clip(f"{at:04x} {row.hex(' '):<{3 * count - 1}} {text}", max(width, 1)))
    return lines
