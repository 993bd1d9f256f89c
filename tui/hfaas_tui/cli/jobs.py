"""`hfaas jobs`, `job` and `cancel`: what AWS Batch was asked to do and how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import click

from hfaas_tui.cli import options
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.jobs import STATUSES, Job, Jobs, flat, short_id
from hfaas_tui.output import console, duration, print_error, print_json, print_news, print_text, table
from hfaas_tui.where import Where

COLUMNS = ("job", "name", "status", "queue", ">attempts", ">age", ">ran", "reason")

SHOWN = 50
"""Jobs that a screen has use for."""


@click.command()
@click.option("--queue", help="Only the jobs of this queue.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(STATUSES, case_sensitive=False),
    help="Only jobs in this state; may be given again.",
)
@click.option("--all", "everything", is_flag=True, help="Also the children of arrays and the nodes of groups.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    help=f"List so many of the newest.  [default: {SHOWN}, with --json all]",
)
@options.where
@options.as_json
def jobs(
    queue: str | None,
    statuses: tuple[str, ...],
    limit: int | None,
    where: Where,
    *,
    everything: bool,
    as_json: bool,
) -> int:
    """List the jobs of Batch, the newest first; with --target oscar those of the service that --queue names."""
    if where.kind == "oscar":
        from hfaas_tui import oscar

        if not queue:
            raise UsageError("a cluster lists the jobs of one service", "name it with --queue SERVICE")
        return oscar.jobs(queue, where, as_json=as_json)
    batch = ask(where)
    most = limit or (sys.maxsize if as_json else SHOWN)
    shown, more = _all(batch, queue, statuses, most) if everything else _newest(batch, queue, statuses, most)
    if as_json:
        print_json([job.to_json() for job in shown])
    elif shown:
        console().print(table(COLUMNS, map(_row, shown)))
    else:
        print_text("no jobs" if not (queue or statuses) else "no such jobs")
    if more > 0:
        print_news(f"... and {more} older: --limit {len(shown) + more} lists all")
    return 0


def _newest(batch: Jobs, queue: str | None, statuses: Sequence[str], most: int) -> tuple[list[Job], int]:
    """Return the newest jobs, and how many there are beside."""
    ids = batch.ids(queue, statuses)
    return batch.newest(ids[:most]), len(ids) - most


def _all(batch: Jobs, queue: str | None, statuses: Sequence[str], most: int) -> tuple[list[Job], int]:
    """Do the same with children and nodes; one of them is not in the state that its parent is in."""
    found = [job for job in flat(batch, batch.all(queue)) if not statuses or job.status in statuses]
    return found[:most], len(found) - most


def ask(where: Where) -> Jobs:
    """Return Batch, as AWS has it or as the emulator plays it."""
    return Jobs(where.client("batch"))


def _row(job: Job) -> tuple[object, ...]:
    now = time.time() * 1000
    ran = duration(((job.stopped or now) - job.started) / 1000) if job.started else "-"
    age = duration((now - job.created) / 1000)
    return short_id(job.id), job.name, job.status, job.queue, job.attempts, age, ran, job.note or job.why


@click.command()
@click.argument("id")
@options.where
@options.as_json
def job(id: str, where: Where, *, as_json: bool) -> int:
    """Show everything of one job; the beginning of its ID is enough."""
    from hfaas_tui import job_story

    batch = ask(where)
    found = batch.find(id)
    if as_json:
        print_json({**found.document, "children": [each.to_json() for each in batch.children(found)]})
    else:
        for label, text in job_story.lines(found, batch):
            if text:
                print_text(f"{label:<12}{text}")
    return 0


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", default="cancelled with `hfaas cancel`", show_default=True, help="What the job will say.")
@options.where
@options.as_json
def cancel(ids: tuple[str, ...], reason: str, where: Where, *, as_json: bool) -> int:
    """Cancel jobs that have not begun, and terminate those that run; exit code 1 when one is unknown."""
    batch = ask(where)
    told = [_cancel(batch, each, reason) for each in ids]
    if as_json:
        print_json(told)
    for each in told:
        if "error" in each:
            print_error(each["error"], each["hint"])
        elif not as_json:
            print_text(f"{short_id(each['jobId'])} {each['jobName']}: {each['done']}")
    return 1 if any("error" in each for each in told) else 0


def _cancel(batch: Jobs, id: str, reason: str) -> dict[str, str]:
    """Stop one job and tell how; an id that names none does not keep the others running."""
    try:
        found = batch.find(id)
    except CliError as error:
        return {"jobId": id, "error": error.message, "hint": error.hint}
    return {"jobId": found.id, "jobName": found.name, "done": batch.stop(found, reason)}
