"""One line of a log as strips: what stands before its text, and the text with the colours it came with."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip

from hfaas_tui.ui.logs import ansi
from hfaas_tui.ui.logs.ansi import Look
from hfaas_tui.ui.logs.store import LEVELS, LogStore
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.widgets.vtable import fit
from hfaas_tui.units import size

STRIPS_KEPT = 512
TONES = ("", "debug", "info", "warn", "error")
"""Component classes of the levels, in the order of LEVELS."""
COLOURS = 4
"""Colours that tell functions apart."""
LEVEL_WIDTH = 6


@dataclass(frozen=True, slots=True)
class Columns:
    """What stands before a line's text."""

    has_time: bool = True
    has_fraction: bool = True
    function: int = 0
    """Width of the function's name; 0 for no column."""
    has_request: bool = True


class Lines:
    """Makes strips of lines, those seen last kept; `style` gives the style of a component class."""

    def __init__(self, store: LogStore, style: Callable[[str], Style]) -> None:
        self.columns = Columns()
        self.is_dark = True
        self._store = store
        self._style = style
        self._kept: LRUCache[int, tuple[Strip, Strip]] = LRUCache(STRIPS_KEPT)
        self._whole: LRUCache[int, tuple[object, Strip]] = LRUCache(STRIPS_KEPT)

    def forget(self) -> None:
        """Make all strips anew: the theme or the columns changed."""
        self._kept.clear()
        self._whole.clear()

    def strips(self, number: int) -> tuple[Strip, Strip]:
        """Return what stands before a line's text, and the text, without a background."""
        found = self._kept.get(number)
        if found is None:
            found = self._kept[number] = self._before(number), self._text(number)
        return found

    def whole(self, number: int, lead: str, width: int, base: Style) -> Strip:
        """Return all of a line as it is painted where nothing is special about it: one strip, few segments."""
        key = lead, width, base
        found = self._whole.get(number)
        if found is None or found[0] != key:
            found = self._whole[number] = key, self._painted(number, lead, width, base)
        return found[1]

    def _painted(self, number: int, lead: str, width: int, base: Style) -> Strip:
        before, text = self.strips(number)
        room = max(8, width - len(lead) - before.cell_length)
        is_cut = text.cell_length > room
        parts = [*before, *(text.crop(0, room - 1) if is_cut else text)]
        parts += [Segment("…", self._style("time"))] if is_cut else [Segment(" " * (room - text.cell_length))]
        segments: list[Segment] = []
        last, said = base, lead
        for part, own, _ in parts:
            style = base + own if own else base
            if style != last and said:
                segments.append(Segment(said, last))
                said = ""
            last, said = style, said + part
        return Strip([*segments, Segment(said, last)], width)

    def plain(self, number: int) -> str:
        """Return a line as it looks, without colours."""
        return "".join(segment.text for strip in self.strips(number) for segment in strip)

    def _before(self, number: int) -> Strip:
        columns, store, segments = self.columns, self._store, []
        if columns.has_time:
            at = clock(store.times[number], columns.has_fraction)
            segments.append(Segment(at + " ", self._style("time")))
        if columns.function:
            name = tail(clean(store.function(number)), columns.function)
            tone = f"function{store.function_numbers[number] % COLOURS}"
            segments.append(Segment(fit(name, columns.function) + " ", self._style(tone)))
        if columns.has_request:
            segments.append(Segment(fit(clean(store.request(number))[:8], 8) + " ", self._style("request")))
        return Strip(segments)

    def _text(self, number: int) -> Strip:
        raw, level = self._store.raw(number), self._store.levels[number]
        tone = self._style(TONES[level]) if level else Style.null()
        segments = []
        if level and LEVELS[level].encode() not in raw[:24]:
            segments.append(Segment(fit(LEVELS[level], LEVEL_WIDTH), tone))
        base = tone if TONES[level] in {"debug", "error"} else Style.null()
        for text, look in ansi.pieces(raw):
            segments.append(Segment(text, base if look is ansi.PLAIN else base + rendered(look, self.is_dark)))
        if (more := len(raw) - ansi.LONGEST) > 0 and b"\r" not in raw:
            segments.append(Segment(f"… {size(more)} more ⏎", self._style("time")))
        return Strip(segments)


@lru_cache(maxsize=512)
def rendered(look: Look, is_dark: bool) -> Style:
    """Return a look as a style; colours that the screen would swallow stay away."""
    colour = None
    if isinstance(look.colour, int):
        colour = Color.from_ansi(look.colour)
    elif look.colour:
        colour = Color.from_rgb(*look.colour)
    if colour and not is_dark and min(colour.get_truecolor()) > 255 - ansi.DARKEST:
        colour = None
    return Style(color=colour, bold=look.bold or None, dim=look.dim or None, underline=look.underline or None)


def tail(text: str, width: int) -> str:
    """Cut a name in front, if possible between words: the functions of a stack differ in how they end."""
    if cell_len(text) <= width:
        return text
    end = text[-(width - 1) :]
    words = re.search(r"[-_.](?=\w{4})", end)
    return "…" + (end[words.end() :] if words and not text[: -len(end)].endswith(("-", "_", ".")) else end)


@lru_cache(maxsize=4096)
def _clock(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


def clock(at: float, has_fraction: bool = True) -> str:
    """Return the time of day here."""
    try:
        second, fraction = divmod(round(at * 1000), 1000)
        shown = _clock(second)
    except (ValueError, OverflowError, OSError):
        return "??:??:??.???" if has_fraction else "??:??:??"
    return f"{shown}.{fraction:03d}" if has_fraction else shown
