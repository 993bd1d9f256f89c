"""The keys of the current view, made of the registry of actions, and what the signs on it mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from hfaas_tui.ui import actions, glyphs
from hfaas_tui.ui.actions import Action
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.safe import clip
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.sheet import Sheet
from hfaas_tui.ui.widgets.textpane import Line

Key = tuple[str, str]
WIDE = 90
STATES = (
    (Condition.READY, "ready"),
    (Condition.RUNNING, "running"),
    (Condition.QUEUED, "build, queue"),
    (Condition.FAILED, "failed"),
    (Condition.TIMED_OUT, "retry, timed out, drift"),
    (Condition.STOPPED, "stopped"),
)
MODES = (
    ("lambda", "runs as a Lambda container, at most 900 s"),
    ("lambda-batch", "tries Lambda; on timeout or out of memory the event is handed to Batch"),
    ("batch", "always a Batch job (GPU, hours)"),
)
MOUSE = "Mouse: click selects, double click opens, a header sorts, drag selects text. ⇧drag: the terminal's own."


class Help(Sheet):
    """What can be done here; searchable."""

    def __init__(self, view: str, allowed: Sequence[Action]) -> None:
        self._view = view
        self._here = [(each.label, each.help) for each in allowed]
        title = f"Keys · {view.capitalize()}"
        super().__init__(title, _one_column(self._here), name="keys")

    def lines(self) -> Sequence[Line]:
        room = self.app.size.width * 96 // 100 - 6
        is_wide = room >= WIDE
        columns = [self._here, list(actions.MOVES), _everywhere()]
        lines = list(_columns(columns, min(room, 100), is_wide=is_wide))
        return [*lines, (), *_legend(self._view, is_wide=is_wide)]


def _everywhere() -> list[Key]:
    views = [("1…8", "views")]
    return views + [(each.label, each.help) for each in actions.EVERYWHERE if not each.id.startswith("app.view-")]


def _one_column(keys: Iterable[Key]) -> list[Line]:
    return [(Part(f"{key:>9}  ", "key"), Part(text)) for key, text in (*keys, *actions.MOVES, *_everywhere())]


def _columns(columns: Sequence[Sequence[Key]], room: int, *, is_wide: bool) -> Iterable[Line]:
    """Return the columns side by side, each key before its words."""
    margin = 2 if is_wide else 1
    key_wide = [max((len(key) for key, _ in column), default=0) for column in columns]
    middle = key_wide[1] + margin + max(len(text) for _, text in columns[1]) + 3
    first = (room - middle) // 2
    widths = [first, middle, room - middle - first]
    titles = zip(("This view", "Move", "Everywhere"), widths, strict=True)
    yield tuple(Part(f"{title:<{wide}}", "head") for title, wide in titles)
    if is_wide:
        yield ()
    for row in zip_longest(*columns):
        line: list[Part] = []
        for cell, keys, wide in zip(row, key_wide, widths, strict=True):
            key, text = cell or ("", "")
            text = text.partition(" (")[0]  # examples are for those who search
            line.append(Part(f"{key:>{keys}}", "key"))
            line.append(Part(f"{' ' * margin}{clip(text, wide - keys - margin - 1)}".ljust(wide - keys)))
        yield tuple(line)


def _legend(view: str, *, is_wide: bool) -> Iterable[Line]:
    gap = "    " if is_wide else "  "
    states: list[Part] = []
    for condition, words in STATES:
        look = glyphs.LOOKS[condition]
        states += [Part(look.glyph, look.tone), Part(f" {words}{gap}")]
    if is_wide:
        yield (Part("STATE", "head"),)
        yield (Part("  "), *states)
        yield ()
    else:
        yield tuple(states)
    if view == "functions":
        yield from _modes(is_wide=is_wide)
    yield (Part(MOUSE, "dim"),)


def _modes(*, is_wide: bool) -> Iterable[Line]:
    if not is_wide:
        yield (Part("lambda ≤900 s · lambda-batch falls over to Batch · batch always Batch"),)
        return
    yield (Part("MODE", "head"),)
    for mode, words in MODES:
        yield (Part(f"  {mode:<14}", "key"), Part(words))
    yield ()
