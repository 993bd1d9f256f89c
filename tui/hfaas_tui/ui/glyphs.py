"""How states look: a glyph and a word always, a colour besides; every glyph is one cell wide."""

from __future__ import annotations

from dataclasses import dataclass

from hfaas_tui.ui.model import Condition


@dataclass(frozen=True, slots=True)
class Look:
    """A state on the screen; `tone` is a component class without its prefix: ok, err, warn, run, dim."""

    glyph: str
    ascii: str
    word: str
    tone: str


LOOKS: dict[Condition, Look] = {
    Condition.OK: Look("✓", "+", "ok", "ok"),
    Condition.READY: Look("✓", "+", "ready", "ok"),
    Condition.RUNNING: Look("▶", ">", "run", "run"),
    Condition.QUEUED: Look("◌", "o", "queue", "dim"),
    Condition.RETRYING: Look("!", "!", "retry", "warn"),
    Condition.BUILDING: Look("◌", "o", "build", "dim"),
    Condition.FAILED: Look("✗", "x", "fail", "err"),
    Condition.TIMED_OUT: Look("!", "!", "tmo", "warn"),
    Condition.WARNING: Look("!", "!", "warn", "warn"),
    Condition.DRIFT: Look("!", "!", "drift", "warn"),
    Condition.STOPPED: Look("■", "#", "stop", "dim"),
    Condition.PENDING: Look("·", ".", "wait", "dim"),
    Condition.NONE: Look("-", "-", "-", "dim"),
}

_PLAIN = str.maketrans(
    {
        **{look.glyph: look.ascii for look in LOOKS.values()},
        **dict(zip("◆▲◇●▸▾▴▼◀⏎⌫↑↓←→⇧λ…·×≥≤≈", "*^o*>v^v<<<^v<>^L~.x><~", strict=True)),
        **dict(zip("─│╭╮╰╯┌┐└┘├┤┬┴┼━┃┏┓┗┛", "-|+++++++++++++-|++++", strict=True)),
        **dict(zip("░▒▓█▏▎▍▌▋▊▉▁▂▃▄▅▆▇▀", ".:=#|||||##_..--==#^"[:19], strict=True)),
    }
)


def plain(text: str) -> str:
    """Return a text of ours for a terminal that knows ASCII only; other characters become `?`."""
    return text.translate(_PLAIN).encode("ascii", "replace").decode()
