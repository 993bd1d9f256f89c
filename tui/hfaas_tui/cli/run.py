"""`hfaas run` and `hfaas demo`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hfaas_tui.cli import options
from hfaas_tui.delegation import because
from hfaas_tui.failure import explanation
from hfaas_tui.output import console, milliseconds, print_error, print_json, print_text, table

SHOWN_FAILURES = 5
"""Failures told in full; where everything fails, it fails for one reason."""

TAIL_LINES = 30

if TYPE_CHECKING:
    from rich.table import Table

    from hfaas_tui.run import Order, Outcome
    from hfaas_tui.tally import Tally


@click.command()
@options.pipeline
@options.defaults
@click.option(
    "-i",
    "--input",
    "inputs",
    type=click.Path(),
    multiple=True,
    help="A file, or a folder of files, for the pipeline's entries; may be given again. "
    "onedata:FILE is for those in spaces only, s3:FILE for those in buckets.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Where the outputs go.")
@options.engine
@options.concurrency
@options.gpu
@options.scale_down
@options.build_arg
@click.option(
    "--timeout", "timeout_s", type=float, default=3600, show_default=True, help="Seconds to wait at most."
)
@options.state
@options.as_json
@click.argument("more", nargs=-1, type=click.Path(), metavar="[INPUT]...")
def run(
    file: Path,
    defaults: Path | None,
    inputs: tuple[str, ...],
    more: tuple[str, ...],
    output: Path,
    engine: str,
    concurrency: int | None,
    gpu: str,
    build_args: tuple[str, ...],
    timeout_s: float,
    state: Path | None,
    *,
    scale_down: bool,
    as_json: bool,
) -> int:
    """Run a pipeline on input files, offline, and bring the outputs back.

    The exit code is 1 when any invocation failed; its error and its log are shown.
    """
    from hfaas_deploy import fdl
    from hfaas_tui.run import Given, Order

    arguments = options.pairs(build_args, "--build-arg")
    order = Order(
        fdl.read(file, defaults),
        tuple(map(Given.parse, inputs + more)),
        output,
        engine,
        concurrency,
        arguments,
        timeout_s,
        state,
        gpu=gpu,
        scale_down=scale_down,
    )
    return _carry_out(order, as_json=as_json)


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("hfaas-demo"), show_default=True)
@options.engine
@options.gpu
@options.as_json
def demo(output: Path, engine: str, gpu: str, *, as_json: bool) -> int:
    """Run the video sample: people are found in a generated clip, frame by frame in Lambda and as a whole in Batch.

    A machine that is too small for the job runs it with what it has, and says so.
    """
    from hfaas_tui import demonstration

    order = demonstration.order(output, engine, print_text if not as_json else _quiet)
    return _carry_out(replace(order, gpu=gpu, scale_down=True), as_json=as_json)


def _quiet(text: str) -> None:
    """Take news that nobody asked for."""


def _carry_out(order: Order, *, as_json: bool) -> int:
    from hfaas_tui.progress import Live, Silent
    from hfaas_tui.run import run as carry_out

    with Silent() if as_json else Live() as progress:
        outcome = carry_out(order, progress)
    if as_json:
        print_json(outcome.to_json())
    else:
        show(outcome, order.output)
    return 0 if outcome.ok else 1


def show(outcome: Outcome, output: Path) -> None:
    """Print what a run came to: tables and where things are on standard output, what went wrong on standard error."""
    console().print(_table(outcome.tallies))
    for line in (*_looks(outcome.watchers), *_notes(outcome.tallies)):
        print_text(line)
    for job in outcome.stuck:
        print_error(f"job {job.job} of {job.function} can never start: {job.reason}", job.hint)
    for problem in outcome.problems:
        print_error(problem)
    for failure in outcome.failures[:SHOWN_FAILURES]:
        log = outcome.logs.get(failure.invocation)
        print_error(explanation(failure, _tail(log)), f"its log is {log}" if log else "")
    if outcome.failures[SHOWN_FAILURES:]:
        more = len(outcome.failures) - SHOWN_FAILURES
        print_error(f"{more} more failed", f"their logs are in {output / 'logs'}")
    if not outcome.engine["runs_images"]:
        print_text("engine process: the functions ran as plain processes, their images were not used")
    if outcome.ok and not outcome.outputs and outcome.logs:
        print_text(f"the functions left no output; what they said is in {output / 'logs'}")
    count = len(outcome.outputs)
    print_text(f"{count} output{'s' * (count != 1)} in {output} after {outcome.seconds:.1f} s")


def _tail(log: Path | None) -> list[str]:
    if log is None:
        return []
    with log.open(errors="replace") as lines:
        return list(deque((line.rstrip("\n") for line in lines), TAIL_LINES))


COLUMNS = ("function", ">invocations", ">failed", ">retries", ">p50", ">max", ">peak memory")


def _table(tallies: Sequence[Tally]) -> Table:
    """Build the table of a run; what went to Batch is a column where anything did."""
    batch = any(tally.jobs for tally in tallies)
    rows = [(*_measures(tally), *([_in_batch(tally)] if batch else [])) for tally in tallies]
    return table((*COLUMNS, "in Batch") if batch else COLUMNS, rows)


def _measures(tally: Tally) -> tuple[object, ...]:
    return (
        tally.function,
        tally.invocations,
        tally.failed,
        tally.retries,
        milliseconds(tally.p50),
        milliseconds(max(tally.durations, default=None)),
        (f"{tally.peak_mb} of {tally.memory_mb} MB" if tally.memory_mb else f"{tally.peak_mb} MB")
        if tally.peak_mb
        else "-",
    )


def _in_batch(tally: Tally) -> str:
    """Say how many jobs there were, and why invocations were delegated."""
    if not tally.jobs:
        return "-"
    causes = ", ".join(f"{count} because {because(cause)}" for cause, count in tally.causes.items())
    return f"{tally.jobs} job{'s' * (tally.jobs != 1)}" + (f": {causes}" if causes else "")


def _looks(watchers: Sequence[Tally]) -> Iterator[str]:
    """Say how often OneTrigger looked into spaces, and for whom."""
    for each in watchers:
        times = f"{each.invocations} time{'s' * (each.invocations != 1)}"
        yield f"OneTrigger looked {times} for {each.watched}: {milliseconds(each.p50)}, {each.peak_mb} MB"


def _notes(tallies: Sequence[Tally]) -> Iterator[str]:
    """Say in what jobs got less than they asked for."""
    for tally in tallies:
        for note, count in tally.notes.items():
            yield f"{tally.function}: {count} job{'s' * (count != 1)} got less than asked for: {note}"
