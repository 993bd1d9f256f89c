"""`hfaas logs`."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from hfaas_tui import watch
from hfaas_tui.cli import options
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.log import of_request, pages
from hfaas_tui.output import print_text

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
POLL_S = 0.3


@click.command()
@click.argument("function")
@click.option("-f", "--follow", is_flag=True, help="Go on as new lines come.")
@click.option("--request-id", help="Only the lines of one invocation.")
@click.option("--since", metavar="30m", help="Only lines younger than this (s, m, h, d).")
@options.endpoint
@options.state
@options.as_json
def logs(
    function: str,
    request_id: str | None,
    since: str | None,
    endpoint: str | None,
    state: Path | None,
    *,
    follow: bool,
    as_json: bool,
) -> int:
    """Show the log of a function, oldest line first."""
    from hfaas_tui.transfer import client

    start = int((time.time() - _seconds(since)) * 1000) if since else 0
    api = client(watch.find(endpoint, state).endpoint, "logs")
    shown = False
    for event in _events(api, f"/aws/lambda/{function}", start, request_id, follow=follow):
        shown = True
        if as_json:
            import json

            click.echo(json.dumps(event))
        else:
            clock = time.strftime("%H:%M:%S", time.localtime(event["timestamp"] / 1000))
            print_text(f"{clock}.{event['timestamp'] % 1000:03d}  {event['message'].rstrip()}")
    if request_id and not shown:
        raise CliError(f"{function} has no log of request {request_id}", "`hfaas logs FUNCTION` shows all requests")
    return 0


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not match:
        raise UsageError(f"--since {text!r} is no duration", "it looks like 30s, 5m, 2h or 1d")
    return float(match[1]) * UNITS[match[2]]


def _events(api: Any, group: str, start: int, request_id: str | None, *, follow: bool) -> Iterator[dict[str, Any]]:
    """Yield log events; following asks again from the newest time seen and leaves out what was shown."""
    seen: set[str] = set()
    while True:
        newest = start
        try:
            events = list(pages(api, group, start))
        except api.exceptions.ResourceNotFoundException:
            if not follow:
                raise CliError(f"there is no log group {group}", "`hfaas ls` shows the functions") from None
            events = []
        for event in of_request(events, request_id):
            if event["eventId"] not in seen:
                yield {name: event[name] for name in ("timestamp", "message", "logStreamName")}
        for event in events:
            newest = max(newest, event["timestamp"])
        seen = {event["eventId"] for event in events if event["timestamp"] >= newest}
        start = newest
        if not follow:
            return
        time.sleep(POLL_S)
