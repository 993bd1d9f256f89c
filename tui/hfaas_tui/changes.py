"""What the trace says of files in spaces."""

from __future__ import annotations

from collections.abc import Sequence

from hfaas_emulator.trace import Hop, What

ORIGIN = "onetrigger:"
LOOK = "onedata:"
"""How origins begin: of an event that OneTrigger sent, and of a call to OneTrigger because a space changed."""

FINISHED, REMOVED = "finished", "removed"


def file_of(hop: Hop) -> str:
    """Return the file whose event is queued here, if OneTrigger sent it."""
    if hop.what is not What.EVENT_QUEUED:
        return ""
    origin = str(hop.detail.get("origin", ""))
    return f"onedata:/{origin.removeprefix(ORIGIN)}" if origin.startswith(ORIGIN) else ""


def is_change(hop: Hop, space: str, path: str) -> bool:
    """Tell whether a hop is about the file."""
    return hop.what is What.SPACE_CHANGED and hop.detail.get("path") == f"/{space}/{path}"


def of_file(hops: Sequence[Hop], space: str, path: str) -> list[Hop]:
    """Return the hops of a file from the last time its content began to change: itself, looks, events."""
    url = f"onedata://{space}/{path}"
    changes = [hop for hop in hops if is_change(hop, space, path)]
    if not changes:
        return []
    ended = [number for number, hop in enumerate(changes[:-1], 1) if hop.detail.get("change") == FINISHED]
    first = changes[ended[-1] if ended else 0]
    written = [hop for hop in hops if hop.what is What.OUTPUT_UPLOADED and hop.detail.get("url") == url][-1:]
    events = {hop.invocation for hop in hops if hop.seq > first.seq and file_of(hop) == url}
    return [
        hop
        for hop in hops
        if (hop in written)
        or (hop.seq >= first.seq and (hop in changes or hop.invocation in events or _is_look(hop, space)))
    ]


def verdict(story: Sequence[Hop], space: str) -> tuple[str, bool]:
    """Say where a file is that OneTrigger has sent no event of."""
    last = [hop for hop in story if hop.what is What.SPACE_CHANGED][-1]
    if last.detail.get("change") == REMOVED:
        return "it was removed", False
    if any(hop.what is What.OUTPUT_UPLOADED for hop in story):
        return "arrived: a function wrote it, and no other takes it", True
    if last.detail.get("change") != FINISHED:
        return "its upload is not finished: OneTrigger waits for that", False
    if any(hop.seq > last.seq and _is_look(hop, space) for hop in story):
        return (
            f"OneTrigger looked into {space} and sent no event of it: folder or suffix do not fit, or it waits",
            False,
        )
    return f"stopped in the space: no OneTrigger watches {space}, or it has not looked yet", False


def _is_look(hop: Hop, space: str) -> bool:
    return hop.what is What.EVENT_QUEUED and hop.detail.get("origin") == f"{LOOK}{space}"
