"""The terminal UI on a real terminal of 120x36: start, floods of lines, idleness, large tables, a busy emulator.

    uv run python -m benchmarks tui [--only start,idle,busy,logs,remote,tables,peers] [--json]

Keys are pressed on a pty and timed until what they change is painted. Textual's own widgets take the same load in the
same run. The UI runs at nice -10 where we may; the emulator and the source of lines share the machine with it.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict

from benchmarks.figures import table
from benchmarks.tui import cases, live
from benchmarks.tui.measured import Figure

ALONE: dict[str, Callable[[], Iterator[Figure]]] = {
    "logs": cases.logs,
    "remote": cases.remote,
    "tables": cases.tables,
    "peers": cases.peers,
}
AT_AN_EMULATOR: dict[str, Callable[[live.Live], Iterator[Figure]]] = {
    "start": live.first,
    "idle": live.idle,
    "busy": live.busy,
}


def run(arguments: list[str]) -> None:
    """Measure and print the table."""
    every = (*AT_AN_EMULATOR, *ALONE)
    parser = argparse.ArgumentParser("benchmarks tui", description=__doc__)
    parser.add_argument("--only", default=",".join(every), help="cases, separated by commas")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args(arguments)
    wanted = chosen.only.split(",")
    if unknown := set(wanted) - set(every):
        parser.error(f"no case {', '.join(sorted(unknown))}: there are {', '.join(every)}")
    began, before = time.monotonic(), os.getloadavg()[0]
    figures = list(measured(wanted))
    about = {
        "load_before": before,
        "load_after": os.getloadavg()[0],
        "cores": os.cpu_count(),
        "seconds": round(time.monotonic() - began),
    }
    if chosen.json:
        print(
            json.dumps({**about, "figures": [{**asdict(each), "held": each.is_held} for each in figures]}, indent=2)
        )
        return
    print(table(("case", "measured", "beside it", "bar"), (each.row() for each in figures)))
    print(
        f"\nload of the machine: {before:.1f} before, {about['load_after']:.1f} after, on {os.cpu_count()} cores;"
    )
    print(f"{sum(not each.is_held for each in figures)} bars missed; {about['seconds']} s")


def measured(wanted: Iterable[str]) -> Iterator[Figure]:
    """Yield the figures of all cases; one that cannot be measured is a figure that says so."""
    with ExitStack() as stack:
        at = stack.enter_context(live.live()) if set(wanted) & set(AT_AN_EMULATOR) else None
        for name in (each for each in AT_AN_EMULATOR if each in wanted and at):
            yield from told(name, lambda name=name: AT_AN_EMULATOR[name](at))  # type: ignore[misc, arg-type]
    for name in (each for each in ALONE if each in wanted):
        yield from told(name, ALONE[name])


def told(name: str, case: Callable[[], Iterator[Figure]]) -> Iterator[Figure]:
    """Yield the figures of a case, and why there are no more when it breaks off."""
    try:
        yield from case()
    except TimeoutError as error:
        yield Figure(f"{name} breaks off: {str(error).partition(chr(10))[0]}", float("inf"), "", bar=0)
