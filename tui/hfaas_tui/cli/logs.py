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
from hfaas_tui.jobs import SHORT_ID, WHOLE_ID, Job, Jobs, short_id
from hfaas_tui.log import RequestFilter, pages
from hfaas_tui.output import print_news, print_text

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
POLL_S = 0.3


@click.command()
@click.argument("function", required=False)
@click.option("--job", "job_id", metavar="ID", help="The log of a job instead; the beginning of its id is enough.")
@click.option("-f", "--follow", is_flag=True, help="Go on as new lines come; with --job until it has ended.")
@click.option(
    "--request-id",
    "--request",
    "request_id",
    help="Only the lines of one invocation, those of the job it was delegated to as well.",
)
@click.option("--since", metavar="30m", help="Only lines younger than this (s, m, h, d).")
@options.endpoint
@options.state
@options.as_json
def logs(
    function: str | None,
    job_id: str | None,
    request_id: str | None,
    since: str | None,
    endpoint: str | None,
    state: Path | None,
    *,
    follow: bool,
    as_json: bool,
) -> int:
    """Show the log of a function or of a job, oldest line first."""
    _one_of(function, job_id, request_id)
    start = int((time.time() - _seconds(since)) * 1000) if since else 0
    address = watch.find(endpoint, state).endpoint
    if job_id:
        return _job_log(address, job_id, start, follow=follow, as_json=as_json)
    events = _events(_client(address), f"/aws/lambda/{function}", start, request_id, follow=follow)
    shown = _show(events, as_json=as_json)
    if request_id and not shown:
        raise CliError(f"{function} has no log of request {request_id}", "`hfaas logs FUNCTION` shows all requests")
    return 0


def _one_of(function: str | None, job_id: str | None, request_id: str | None) -> None:
    if (function is None) == (job_id is None):
        raise UsageError("name a function or a job", "`hfaas logs FUNCTION`, or `hfaas logs --job ID`")
    if job_id and request_id:
        raise UsageError("a job has no other requests to leave out", "leave out --request-id")


def _client(address: str) -> Any:
    from hfaas_tui.transfer import client

    return client(address, "logs")


def _show(events: Iterator[dict[str, Any]], *, as_json: bool) -> int:
    """Print log events and return how many there were."""
    count = 0
    for count, event in enumerate(events, 1):  # noqa: B007 (the last one is the answer)
        if as_json:
            import json

            click.echo(json.dumps(event))
        else:
            clock = time.strftime("%H:%M:%S", time.localtime(event["timestamp"] / 1000))
            child = f"{short_id(event['jobId'])[SHORT_ID:]:<5}" if len(event.get("jobId", "")) > WHOLE_ID else ""
            print_text(f"{clock}.{event['timestamp'] % 1000:03d}  {child}{event['message'].rstrip()}")
    return count


def _job_log(address: str, job_id: str, start: int, *, follow: bool, as_json: bool) -> int:
    """Print the log of a job; news of its state go to standard error."""
    from hfaas_tui.job_log import JobLog
    from hfaas_tui.transfer import client

    batch = Jobs(client(address, "batch"))
    job = batch.find(job_id)
    log = JobLog(batch, _client(address), job.id, start)
    shown = _show(log.follow(_tell) if follow else log.lines(), as_json=as_json)
    if not shown and not follow:
        _tell(job)
    return 0


def _tell(job: Job) -> None:
    print_news(": ".join(word for word in (f"job {short_id(job.id)}", job.status, job.why) if word))


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not match:
        raise UsageError(f"--since {text!r} is no duration", "it looks like 30s, 5m, 2h or 1d")
    return float(match[1]) * UNITS[match[2]]


def _events(api: Any, group: str, start: int, request_id: str | None, *, follow: bool) -> Iterator[dict[str, Any]]:
    """Yield log events; following asks again from the newest time seen and leaves out what was shown."""
    seen: set[str] = set()
    of_request = RequestFilter(request_id)
    while True:
        newest = start
        try:
            events = list(pages(api, group, start))
        except api.exceptions.ResourceNotFoundException:
            if not follow:
                raise CliError(f"there is no log group {group}", "`hfaas ls` shows the functions") from None
            events = []
        for event in of_request.keep(each for each in events if each["eventId"] not in seen):
            yield {name: event[name] for name in ("timestamp", "message", "logStreamName")}
        for event in events:
            newest = max(newest, event["timestamp"])
        seen = {event["eventId"] for event in events if event["timestamp"] >= newest}
        start = newest
        if not follow:
            return
        time.sleep(POLL_S)
