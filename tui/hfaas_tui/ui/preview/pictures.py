"""Pictures and frames of videos as a few coloured pixels; the decoding is done by a child that may be killed."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from hfaas_tui.ui.preview import picture_child

PATIENCE_S = 10.0
"""Seconds a picture may take; the first one waits for the decoder's libraries, too."""

MOST_PIXELS = picture_child.MOST_PIXELS
MISSING = "previews of pictures need OpenCV: apt-get install libgl1 libglib2.0-0 libxcb1, or install hfaas anew"


class Undecodable(Exception):
    """A picture cannot be shown; the text says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels, three bytes each, row by row; `width` and `height` are those of the original."""

    columns: int
    lines: int
    pixels: bytes
    width: int
    height: int
    frame: int = 0
    frames: int = 0
    fps: float = 0


class Decoder:
    """One child, started when the first picture is asked for and anew after it had to be killed."""

    def __init__(self, command: tuple[str, ...] = ()) -> None:
        self._command = command or (sys.executable, "-P", str(Path(picture_child.__file__)))
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_closed = False

    def image(self, path: Path, size: tuple[int, int], room: tuple[int, int]) -> Picture:
        """Return an image file of this size, shrunk to a room of columns and rows of cells."""
        return self._ask({"kind": "image", "path": str(path), "width": size[0], "height": size[1]}, room)

    def frame(self, path: Path, at: float, room: tuple[int, int]) -> Picture:
        """Return a frame of a video file: `at` is 0 for its first one and 1 for its last."""
        return self._ask({"kind": "video", "path": str(path), "at": at}, room)

    def close(self) -> None:
        """End the child for good; a worker that waits for it finds that it is gone."""
        self._is_closed = True
        if child := self._child:
            child.kill()
        with self._lock:
            self._end()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe:
                    pipe.close()

    def _ask(self, request: dict[str, Any], room: tuple[int, int]) -> Picture:
        request |= {"columns": max(1, room[0]), "rows": max(1, room[1])}
        with self._lock:
            try:
                head, pixels = self._exchange(json.dumps(request).encode() + b"\n")
            except (OSError, EOFError, ValueError) as error:
                self._end()
                reason = str(error) if isinstance(error, TimeoutError) else "the decoder broke off"
                raise Undecodable(f"{reason}: the file is damaged or hostile") from error
        return _picture(request, head, pixels)

    def _exchange(self, line: bytes) -> tuple[dict[str, Any], bytes]:
        deadline = time.monotonic() + PATIENCE_S
        child = self._running()
        assert child.stdin
        assert child.stdout
        os.write(child.stdin.fileno(), line)
        buffer = _Buffer(child.stdout.fileno(), deadline)
        head = json.loads(buffer.line())
        return head, buffer.take(head["bytes"])

    def _running(self) -> subprocess.Popen[bytes]:
        if not self._is_closed and (self._child is None or self._child.poll() is not None):
            self._end()
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_ENVIRONMENT},
                start_new_session=True,  # ^C is for the terminal UI
            )
        if self._is_closed or self._child is None:  # looked at again: `close` kills the child that it finds
            raise EOFError("nobody wants a picture any more")
        return self._child


_ENVIRONMENT = {
    "OPENCV_IO_MAX_IMAGE_PIXELS": str(MOST_PIXELS),
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "protocol_whitelist;file",  # a film may name addresses to be fetched
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OPENBLAS_NUM_THREADS": "1",
}


class _Buffer:
    """Reads a pipe until a deadline."""

    def __init__(self, file: int, deadline: float) -> None:
        self._file, self._deadline, self._data = file, deadline, b""

    def line(self) -> bytes:
        while b"\n" not in self._data:
            self._more()
        line, _, self._data = self._data.partition(b"\n")
        return line

    def take(self, count: int) -> bytes:
        while len(self._data) < count:
            self._more()
        return self._data[:count]

    def _more(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._file, selectors.EVENT_READ)
            if not selector.select(max(0.0, self._deadline - time.monotonic())):
                raise TimeoutError(f"decoding took longer than {PATIENCE_S:.0f} s")
        piece = os.read(self._file, 1 << 20)
        if not piece:
            raise EOFError("the decoder ended")
        self._data += piece


def _picture(request: dict[str, Any], head: dict[str, Any], pixels: bytes) -> Picture:
    if "missing" in head:
        raise Undecodable(f"{MISSING} ({head['missing']})")
    if "error" in head:
        raise Undecodable(head["error"])
    return Picture(
        head["columns"],
        head["lines"],
        pixels,
        head.get("width", request.get("width", 0)),
        head.get("height", request.get("height", 0)),
        head.get("frame", 0),
        head.get("frames", 0),
        head.get("fps", 0),
    )


# --- painting

Row = tuple[Segment, ...]
_RAMP = " .:-=+*#%@"


def painted(picture: Picture, *, is_plain: bool = False, is_dark: bool = True) -> tuple[Row, ...]:
    """Return a picture as lines of half blocks, two pixels in a cell; without colour as a ramp of characters."""
    wide = 3 * picture.columns
    rows = [picture.pixels[at : at + wide] for at in range(0, len(picture.pixels), wide)]
    if len(rows) % 2:
        rows.append(rows[-1])
    paint = (lambda upper, lower: _ramp(upper, lower, is_dark=is_dark)) if is_plain else _blocks
    return tuple(paint(rows[at], rows[at + 1]) for at in range(0, len(rows), 2))


def _blocks(upper: bytes, lower: bytes) -> Row:
    segments: list[Segment] = []
    last, count = (-1, -1), 0
    for at in range(0, len(upper), 3):
        pair = _coarse(upper, at), _coarse(lower, at)
        if pair != last and count:
            segments.append(Segment("▀" * count, _style(*last)))
            count = 0
        last = pair
        count += 1
    segments.append(Segment("▀" * count, _style(*last)))
    return tuple(segments)


def _coarse(row: bytes, at: int) -> int:
    """Return a colour of 64 levels a channel: neighbours become equal, and styles are used again."""
    return (row[at] & 0xFC) << 16 | (row[at + 1] & 0xFC) << 8 | row[at + 2] & 0xFC


@lru_cache(maxsize=16384)
def _style(upper: int, lower: int) -> Style:
    return Style(color=_colour(upper), bgcolor=_colour(lower))


@lru_cache(maxsize=16384)
def _colour(value: int) -> Color:
    return Color.from_rgb(value >> 16, value >> 8 & 255, value & 255)


def _ramp(upper: bytes, lower: bytes, *, is_dark: bool) -> Row:
    ramp = _RAMP if is_dark else _RAMP[::-1]
    text = "".join(
        ramp[(_light(upper, at) + _light(lower, at)) * len(ramp) // 512] for at in range(0, len(upper), 3)
    )
    return (Segment(text),)


def _light(row: bytes, at: int) -> int:
    return (77 * row[at] + 150 * row[at + 1] + 29 * row[at + 2]) >> 8
