"""`hfaas logs`."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import click

from hfaas_tui import log
from hfaas_tui.cli import options
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.jobs import SHORT_ID, WHOLE_ID, Job, Jobs, short_id
from hfaas_tui.output import print_news, print_text
from hfaas_tui.where import Where

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
RECENT = "1h"
"""How far back AWS is asked unless told otherwise: a log group there may hold a year."""


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
@click.option(
    "--since",
    metavar="30m",
    help=f"Only lines younger than this (s, m, h, d).  [default: all; of a function on AWS {RECENT}]",
)
@options.where
@options.as_json
def logs(
    function: str | None,
    job_id: str | None,
    request_id: str | None,
    since: str | None,
    where: Where,
    *,
    follow: bool,
    as_json: bool,
) -> int:
    """Show the log of a function or of a job, oldest line first."""
    if where.kind == "oscar":
        return _of_service(
            function, job_id or "", where, narrowed=bool(request_id or since or follow), as_json=as_json
        )
    _one_of(function, job_id, request_id)
    if job_id:
        return _job_log(where, job_id, _start(since), follow=follow, as_json=as_json)
    if not (where.is_local or since or request_id):
        since = RECENT
        print_news(f"of the last {RECENT}; --since 1d shows a day's")
    events = _events(where, str(function), _start(since), request_id, follow=follow)
    shown = _show(events, as_json=as_json)
    if request_id and not shown:
        raise CliError(f"{function} has no log of request {request_id}", "`hfaas logs FUNCTION` shows all requests")
    return 0


def _of_service(service: str | None, job: str, where: Where, *, narrowed: bool, as_json: bool) -> int:
    """Show the log of a service's latest job, or of the one named; a cluster keeps them apart by job alone."""
    from hfaas_tui import oscar

    if not service:
        raise UsageError("name a service", "`hfaas logs SERVICE --target oscar`, and --job for one of its jobs")
    if narrowed:
        raise UsageError("--follow, --since and --request-id are not for clusters", "leave them out")
    return oscar.logs(service, where, job=job, as_json=as_json)


def _start(since: str | None) -> int:
    """Return the time of the first line wanted in Unix ms; 0 for all."""
    return int((time.time() - _seconds(since)) * 1000) if since else 0


def _one_of(function: str | None, job_id: str | None, request_id: str | None) -> None:
    if (function is None) == (job_id is None):
        raise UsageError("name a function or a job", "`hfaas logs FUNCTION`, or `hfaas logs --job ID`")
    if job_id and request_id:
        raise UsageError("a job has no other requests to leave out", "leave out --request-id")


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


def _job_log(where: Where, job_id: str, start: int, *, follow: bool, as_json: bool) -> int:
    """Print the log of a job; news of its state go to standard error."""
    from hfaas_tui.job_log import LATE_S, POLL_AWS_S, POLL_S, JobLog

    batch = Jobs(where.client("batch"))
    job = batch.find(job_id)
    poll, late = (POLL_S, 0.0) if where.is_local else (POLL_AWS_S, LATE_S)
    lines = JobLog(batch, where.client("logs"), job.id, start, poll, late)
    shown = _show(lines.follow(_tell) if follow else lines.lines(), as_json=as_json)
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


def _events(
    where: Where, function: str, start: int, request_id: str | None, *, follow: bool
) -> Iterator[dict[str, Any]]:
    """Yield the events of a function's log group that are wanted."""
    api, group = where.client("logs"), f"/aws/lambda/{function}"
    of_request = log.RequestFilter(request_id)
    pace = log.LOCAL if where.is_local else log.AWS
    looks = log.follow(api, group, start, pace) if follow else iter([log.pages(api, group, start)])
    while True:
        try:
            for news in looks:
                for event in of_request.keep(news):
                    yield {name: event[name] for name in ("timestamp", "message", "logStreamName")}
        except api.exceptions.ResourceNotFoundException:
            if not (
                follow and where.is_local
            ):  # the emulator makes the group with the first line, AWS's is the Stack's
                hint = f"`hfaas ls{where.again}` shows the functions"
                raise CliError(f"there is no log group {group}", hint) from None
            time.sleep(log.LOCAL.quiet)
            looks = log.follow(api, group, start, pace)
            continue
        return
