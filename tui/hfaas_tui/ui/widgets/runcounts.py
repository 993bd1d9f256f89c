"""The line above the runs: tabs, range and counts; and what stands there when there are none. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hfaas_tui.ui import glyphs
from hfaas_tui.ui.model import Condition, Health
from hfaas_tui.ui.safe import ago
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.runtable import Tab

RANGES: dict[str, tuple[str, float]] = {
    "1m": ("last 1 m", 60),
    "15m": ("last 15 m", 900),
    "1h": ("last 1 h", 3600),
    "all": ("all", 0),
}
"""How far to look back: in words, and in seconds; 0 for all."""

COUNTED = (
    (Condition.QUEUED, "queued", True),
    (Condition.RUNNING, "running", True),
    (Condition.OK, "ok", True),
    (Condition.FAILED, "failed", True),
    (Condition.RETRYING, "retrying", False),
    (Condition.TIMED_OUT, "timed out", False),
    (Condition.STOPPED, "stopped", False),
)
"""States in the order of the line; whether a count of none is worth a word."""

NOUNS: dict[Tab, str] = {"all": "runs", "invocation": "invocations", "job": "batch jobs"}


def line(tab: Tab, span: str, counts: Counter[Condition], *, is_short: bool) -> list[Part]:
    """Return tabs, the range, and how many runs are how."""
    names = {"all": "All", "invocation": "Invocations", "job": "Batch" if is_short else "Batch jobs"}
    parts = [Part(" ")]
    for each, name in names.items():
        is_here = each == tab
        text = f"[{name}]" if is_here else f" {name} "
        parts.append(Part(text, "active" if is_here else "", f"screen.tab('{each}')"))
    words = span if is_short else RANGES[span][0]
    parts.append(Part(f"  {words} ▾  " if is_short else f"   {words} ▾   ", "key", "screen.range"))
    return [*parts, *_counted(counts, is_short=is_short)]


def legend(*, is_short: bool) -> list[Part]:
    """Return what the bars are made of."""
    return [Part("░queue ▒run █done " if is_short else "░queued ▒run █done ", "dim")]


def _counted(counts: Counter[Condition], *, is_short: bool) -> Iterator[Part]:
    for state, name, is_always in COUNTED:
        count = counts[state]
        if count or is_always:
            look = glyphs.LOOKS[state]
            text = f"{look.glyph}{count} " if is_short else f"{name} {count}  "
            yield Part(text, look.tone if count else "dim")


def why_empty(tab: Tab, span: str, health: Health, newest_s: float | None) -> Iterator[str]:
    """Say why there are no runs and what to press; `newest_s` is how long ago the last one ended."""
    if not health.is_up and health.problem:
        yield f"✗ Cannot read runs: {health.problem.message}"
        yield f"  {health.problem.hint}" if health.problem.hint else "  It is tried again all the time."
        return
    yield f"No {NOUNS[tab]} yet." if span == "all" else f"No {NOUNS[tab]} in the {RANGES[span][0]}."
    yield ""
    if span != "all":
        yield "  r  look further back" + (f" (the last one ended {ago(newest_s)})" if newest_s is not None else "")
    if tab != "all":
        yield "  [  show invocations and jobs"
    yield "  1  go to Functions and invoke one with i"


UNMATCHED = ("No run matches the filter.", "", "  esc  take it back")
