"""What toasts said."""

from __future__ import annotations

import time
from collections.abc import Sequence

from hfaas_tui.ui import glyphs
from hfaas_tui.ui.state import Message
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.sheet import Sheet
from hfaas_tui.ui.widgets.textpane import Line


class Messages(Sheet):
    """The newest 500 of them, the newest first."""

    def __init__(self, messages: Sequence[Message]) -> None:
        nothing: list[Line] = [(Part("Nothing was said yet.", "dim"),)]
        super().__init__("Messages", [_line(each) for each in reversed(messages)] or nothing, name="messages")


def _line(message: Message) -> Line:
    look = glyphs.LOOKS[message.state]
    clock = time.strftime("%H:%M:%S", time.localtime(message.time))
    return Part(f"{clock} ", "dim"), Part(f"{look.glyph} ", look.tone), Part(message.text)
