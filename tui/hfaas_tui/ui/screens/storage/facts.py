"""What stands beside the list: a headline for the entry under the cursor, and what is known of it."""

from __future__ import annotations

import time
from collections.abc import Mapping

from hfaas_tui.ui.model import Entry
from hfaas_tui.ui.preview.preview import Shown
from hfaas_tui.ui.safe import clean, clip
from hfaas_tui.ui.screens.storage.listing import name_of
from hfaas_tui.ui.state import Store
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.units import size

LABEL = 10
"""Columns before the value of a fact."""

DAY = 20 * 3600
"""Seconds for which the time of day says enough."""


def when(seconds: float, now: float) -> str:
    """Return a time of day for today, else a day."""
    if not seconds:
        return "-"
    local = time.localtime(seconds)
    if abs(now - seconds) < DAY:
        return time.strftime("%H:%M:%S", local)
    return time.strftime("%d %b" if now - seconds < 300 * 86400 else "%b %Y", local)


def headline(entry: Entry | None, shown: Shown) -> list[Part]:
    """Return the line above the preview."""
    if entry is None:
        return []
    parts = [Part(f" {name_of(entry.uri)}" + ("/" if entry.is_folder else ""), "here")]
    if shown.words:
        parts.append(Part(f"  {shown.words}"))
    if entry.size is not None:
        parts.append(Part(f"  {size(entry.size)}", "dim"))
    return parts


def facts(
    entry: Entry | None, shown: Shown, about: Mapping[str, str], store: Store, now: float, width: int
) -> list[list[Part]]:
    """Return label and value, one in a line; the run and its source can be opened."""
    if entry is None:
        return []
    room = max(8, width - LABEL)
    if entry.is_folder:
        return [
            _fact("uri", entry.uri, room=room),
            *([] if not entry.changed else [_fact("changed", when(entry.changed, now))]),
        ]
    by, run = store.writer(entry.uri)
    by = by or entry.by
    source = getattr(store.run(run), "origin", "")
    lines = [_fact("frame", f"{shown.frame}  ← →")] if shown.frame else []
    if about.get("etag"):
        lines.append(_fact("etag", clip(about["etag"].strip('"'), 12)))
    if about.get("type") and about["type"] != "binary/octet-stream":
        lines.append(_fact("type", about["type"], room=room))
    at = when(entry.changed, now)
    if by and len(by) + len(at) < room:
        lines.append(_fact("by", f"{by} {at}"))
    else:
        lines += [*([_fact("by", by, room=room)] if by else []), _fact("changed", at)]
    if run:
        lines.append([*_fact("run", clip(run, 9), "open_run"), Part("   ⏎ opens it", "dim", "open_run")])
    if source:
        place = "/".join(entry.uri.split("/")[:3]) + "/"
        name = source.removeprefix(place)
        lines.append(_fact("source", name, "open_source" if "://" in source else "", room=room))
    return lines


def _fact(label: str, value: str, action: str = "", *, room: int = 80) -> list[Part]:
    value = clean(value)
    if len(value) > room:  # the end of a name says most
        value = "…" + value[1 - room :]
    return [Part(f" {label:<8} ", "dim"), Part(value, "here" if action else "", action)]
