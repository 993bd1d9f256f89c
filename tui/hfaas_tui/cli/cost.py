"""`hfaas cost`: what AWS would have asked for what the emulator has seen. An estimate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hfaas_tui import watch
from hfaas_tui.cli import options
from hfaas_tui.output import console, print_json, print_news, print_text, table

if TYPE_CHECKING:
    from hfaas_deploy.cost import Line, Usage
    from hfaas_deploy.pipeline import Batch, Pipeline
    from hfaas_deploy.prices import Prices
    from hfaas_tui.usage import Measured, Size

COLUMNS = ("for", "what", ">used", "", ">price", ">dollars")
USUAL_FILE = Path("pipeline.yaml")
RUNS = 1000


@click.command()
@click.option("--region", metavar="NAME", help="Take the prices of this region.  [default: the pipeline's]")
@click.option(
    "-f",
    "--file",
    type=click.Path(path_type=Path),
    help="The pipeline file, whose standing cost is told too  [default: pipeline.yaml if there is one]",
)
@options.endpoint
@options.state
@options.as_json
def cost(region: str | None, file: Path | None, endpoint: str | None, state: Path | None, *, as_json: bool) -> int:
    """Estimate what AWS would ask for what the emulator has seen since it started.

    Times, memory, requests and bytes are measured, the prices are of a dated table. Nothing is asked of AWS.
    """
    from hfaas_deploy import cost as costs
    from hfaas_deploy import prices

    pipeline = _pipeline(file)
    chosen = prices.of(region) if region else prices.nearest(pipeline.region if pipeline else prices.USUAL)
    measured = measure(watch.find(endpoint, state))
    standing = costs.standing(pipeline) if pipeline else None
    notes = ("an estimate, without free tier, discounts and taxes", chosen.note(date.today()))
    taken = costs.assumptions(pipeline) if pipeline else ()
    if as_json:
        print_json(document(measured, chosen, standing, (*notes, *taken)))
        return 0
    if measured.usage.amounts:
        console().print(table(COLUMNS, _rows(costs.lines(measured.usage, chosen))))
        print_text("")
    for line in summary(measured, chosen, standing):
        print_text(line)
    for note in (*notes, *taken):
        print_news(note)
    return 0


def measure(emulator: watch.Emulator) -> Measured:
    """Return what an emulator has seen, from its trace; sizes of functions and jobs from Lambda and Batch."""
    from dataclasses import replace

    from hfaas_tui import usage

    hops = emulator.hops()
    found = usage.Meter(_functions(emulator.endpoint), _jobs(emulator.endpoint)).feed(hops)
    first = min((hop.time for hop in hops), default=0.0)
    batches = emulator.log_lines(follow=False) if hops else ()
    logged = usage.of_lines(line[4] for batch in batches for line in batch.lines if line[0] >= first)
    return replace(found, usage=found.usage + logged)


def _functions(endpoint: str) -> dict[str, Size]:
    from hfaas_tui.transfer import client
    from hfaas_tui.usage import Size

    api: Any = client(endpoint, "lambda")
    pages = api.get_paginator("list_functions").paginate()
    return {
        each["FunctionName"]: Size(
            each.get("EphemeralStorage", {}).get("Size", Size().tmp_mb),
            (each.get("Architectures") or [Size().architecture])[0],
        )
        for page in pages
        for each in page["Functions"]
    }


def _jobs(endpoint: str) -> dict[str, Batch]:
    from hfaas_tui import usage
    from hfaas_tui.jobs import Jobs
    from hfaas_tui.transfer import client

    return {job.id: usage.batch_of(job.document, job.container) for job in Jobs(client(endpoint, "batch")).all()}


def _pipeline(file: Path | None) -> Pipeline | None:
    """Read the pipeline that was named, or the usual one where that is there and can be read."""
    from hfaas_deploy import fdl
    from hfaas_deploy.errors import DeployError

    if file:
        return fdl.read(file)
    try:
        return fdl.read(USUAL_FILE) if USUAL_FILE.exists() else None
    except DeployError:
        return None


def _rows(lines: tuple[Line, ...]) -> Iterator[tuple[str, ...]]:
    for line in lines:
        used = f"{line.quantity:,.0f}" if not line.item.unit else f"{line.quantity:,.4g}"
        yield line.item.group, line.item.words, used, line.item.unit, f"{line.price:.10f}".rstrip("0"), _exact(line)


def _exact(line: Line) -> str:
    return f"{line.amount:.6f}"


def summary(measured: Measured, prices: Prices, standing: Usage | None) -> Iterator[str]:
    """Yield what it comes to: in all, for a run, for a thousand, and while nothing happens."""
    from hfaas_deploy import cost as costs
    from hfaas_tui.money import approximately, dollars

    if not measured.runs:
        yield "nothing has run yet: what a run would cost is not known"
    else:
        whole = costs.total(measured.usage, prices)
        runs = "1 run" if measured.runs == 1 else f"{measured.runs} runs"
        yield f"{runs} ({measured.invocations} invocations, {measured.jobs} jobs) {approximately(whole)}"
        one = whole / measured.runs
        parts = [f"{group} {dollars(part)}" for group, part in costs.by_group(measured.of_one, prices).items()]
        yield f"one run {approximately(one)} ({', '.join(parts)})"
        yield f"{RUNS:,} runs {approximately(RUNS * one)}"
    if standing is not None:
        yield f"standing {approximately(costs.total(standing, prices))} a month"


def document(measured: Measured, prices: Prices, standing: Usage | None, notes: tuple[str, ...]) -> dict[str, Any]:
    """Return all that for programs."""
    from hfaas_deploy import cost as costs

    whole = costs.total(measured.usage, prices)
    return {
        "estimate": True,
        "currency": "USD",
        "region": prices.region,
        "pricesWritten": prices.written.isoformat(),
        "runs": measured.runs,
        "invocations": measured.invocations,
        "jobs": measured.jobs,
        "lines": [
            {"name": each.name, "quantity": each.quantity, "price": each.price, "amount": each.amount}
            for each in costs.lines(measured.usage, prices)
        ],
        "total": whole,
        "perRun": whole / measured.runs if measured.runs else None,
        "per1000Runs": RUNS * whole / measured.runs if measured.runs else None,
        "standingPerMonth": None if standing is None else costs.total(standing, prices),
        "notes": list(notes),
    }
