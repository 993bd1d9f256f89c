"""`hfaas why`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from hfaas_emulator.trace import Hop, What
from hfaas_tui import watch
from hfaas_tui.cli import options
from hfaas_tui.location import ONEDATA, parse
from hfaas_tui.output import print_json, print_text

TOLD_BEFORE = {"name", "queue", "function", "log_group", "peak_mb"}


@click.command()
@click.argument("object", metavar="s3://BUCKET/KEY|onedata://SPACE/PATH")
@options.endpoint
@options.state
@options.as_json
def why(object: str, endpoint: str | None, state: Path | None, as_json: bool) -> int:
    """Tell what became of a file: every hop it caused, and the one where it stopped.

    The exit code is 1 when something stopped it.
    """
    from hfaas_tui.why import tell, tell_of_space

    place = parse(object)
    hops = watch.find(endpoint, state).hops()
    story = (tell_of_space if place.storage == ONEDATA else tell)(hops, place.bucket, place.key)
    if as_json:
        print_json(story.to_json())
    else:
        for hop in story.hops:
            print_text(line(hop))
        print_text(f"=> {story.verdict}")
    return 0 if story.arrived else 1


def line(hop: Hop) -> str:
    """Return a hop as one line: time, place, what, details."""
    clock = time.strftime("%H:%M:%S", time.localtime(hop.time)) + f".{int(hop.time % 1 * 1000):03d}"
    return f"{clock}  {hop.where:<18} {hop.what:<22} {_details(_telling(hop))}"


def _telling(hop: Hop) -> Mapping[str, Any]:
    """Leave out of a job's states what was told when it was submitted, and what is not so."""
    if hop.what is not What.JOB_STATE:
        return hop.detail
    return {name: value for name, value in hop.detail.items() if name not in TOLD_BEFORE and value is not False}


def _details(detail: Mapping[str, Any]) -> str:
    return "  ".join(f"{name}={_first_line(value)}" for name, value in detail.items() if value not in ("", None))


def _first_line(value: Any) -> str:
    first, _, more = str(value).partition("\n")
    return f"{first} ..." if more else first
