"""What the first row says: where we are, how it is there, and how much is under way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rich.cells import cell_len, set_cell_size

from hfaas_tui.ui.model import Gpu, Target
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.state import Store
from hfaas_tui.ui.stats import stats
from hfaas_tui.ui.widgets.chrome import Part

WIDE = 118
"""Columns from which everything is named; below there are figures only."""

LONGEST_WAIT_S = 600
LONGEST_NAME = 24
"""Cells of a name in the header; addresses and regions have fewer."""

_MODEL = re.compile(r"\b([A-Z]{1,3}\d{2,4}\w*|(?:RTX|GTX) ?\w+)")


def where(target: Target, *, is_read_only: bool) -> Iterator[Part]:
    """Say whether this is the emulator, or something that costs money."""
    yield Part(" hfaas  ")
    if target.is_live:
        name = target.kind.upper()
        yield Part(f" ▲ {name} LIVE ", "live")  # a part of its own: what is too long is dropped whole
        yield Part(f"{_short(target.shown)} {_short(target.region)} ", "live")
        if is_read_only:  # before what a narrow window has no room for
            yield Part(" read only ", "warn")
        if target.stand_in:
            yield Part(" STAND-IN ", "live")
            yield Part(f" {_short(target.stand_in.partition('://')[2])} ", "warn")
        if target.profile:
            yield Part(f" profile {_short(target.profile)}", "dim")
    else:
        yield Part("◆ LOCAL emulator ", "here")
        yield Part(_short(target.place), "here")
        yield Part(f"  {_short(target.region)}", "dim")
        if is_read_only:
            yield Part("  read only", "warn")


def _short(text: str) -> str:
    """Return a name that leaves room for where we are, which must never be pushed out."""
    text = clean(text, 4 * LONGEST_NAME)
    return text if cell_len(text) <= LONGEST_NAME else set_cell_size(text, LONGEST_NAME - 1) + "…"


def how(store: Store, now: float, width: int) -> Iterator[Part]:
    """Say how the target is and what it does, as long as the window has room for."""
    health = store.health
    if not health.is_up:
        wait = health.next_try - now
        again = f", next try in {wait:.0f} s" if 1 <= wait <= LONGEST_WAIT_S and width >= WIDE else ""
        what = "not signed in" if health.problem and health.problem.is_of_credentials else "no answer"
        yield Part(f"✗ {what}{again} " if health.problem else "connecting… ", "err" if health.problem else "dim")
        return
    running = sum(each.running for each in stats(store, now).values())
    queued = sum(each.queued for each in stats(store, now).values())
    checks = list(_checks(store))
    tone = "run" if running else "dim"
    if width < WIDE:
        good = sum(part.tone != "warn" for part in checks)
        yield Part(f"{running}▶ {queued}◌{'' if checks else ' '}", tone)
        if not checks:
            return
        yield Part(f"  ✓{good}/{len(checks)} ", "ok" if good == len(checks) else "warn")
        return
    yield from checks
    yield Part(f"jobs {running}▶ {queued}◌ ", tone)


def _checks(store: Store) -> Iterator[Part]:
    if store.target.is_live:
        return
    engine = store.health.status.get("engine")
    engine = engine if isinstance(engine, Mapping) else {}
    has_images = bool(engine.get("runs_images"))
    yield Part(
        f"{_short(str(engine.get('name', 'engine')))} {'✓' if has_images else '!'}  ",
        "ok" if has_images else "warn",
    )
    if gpus := store.machine.gpus:
        yield Part(f"gpu {_gpus(gpus)}  ", "ok")
    for kind in dict.fromkeys(place.uri.partition("://")[0] for place in store.places()):
        yield Part(f"{kind} ✓  ", "ok")


def _gpus(gpus: tuple[Gpu, ...]) -> str:
    """Return how many of which model there are, and how busy they are together: `1×H100 12%`."""
    found = _MODEL.search(gpus[0].name)
    busy = sum(gpu.utilisation for gpu in gpus) / len(gpus)
    return f"{len(gpus)}×{found[0] if found else gpus[0].name[:12]} {busy:.0%}"
