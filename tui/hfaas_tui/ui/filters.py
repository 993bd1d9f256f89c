"""The last wall before the terminal: what every widget paints, ours and Textual's, passes here."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from hfaas_tui.ui.glyphs import plain
from hfaas_tui.ui.safe import visible


class Harmless(LineFilter):
    """Takes out whatever a terminal could obey; text that widgets cleaned already passes unchanged."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        if all(segment.text.isprintable() for segment in segments):
            return segments
        return [_harmless(segment) for segment in segments]


class Ascii(LineFilter):
    """Shows everything in ASCII, for terminals that know no more."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        if all(segment.text.isascii() for segment in segments):
            return segments
        return [segment if segment.text.isascii() else _plain(segment) for segment in segments]


def _harmless(segment: Segment) -> Segment:
    text, style, control = segment
    if control or text.isprintable():
        return segment
    # as wide as before: what stands to the right of it must not move
    return Segment(set_cell_size(visible(text), segment.cell_length), style)


def _plain(segment: Segment) -> Segment:
    text, style, control = segment
    if control:
        return segment
    # an accent has no cell of its own, so it goes with what it stood on
    shown = plain("".join(each for each in text if each.isascii() or cell_len(each)))
    return Segment(set_cell_size(shown, segment.cell_length), style)
