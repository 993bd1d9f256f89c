"""What runs would cost on AWS, from what the store knows of them: estimates, never asked of AWS.

    run (memory, time, size, outputs) -> usage -> dated prices -> dollars

`load` belongs into a worker; until it was called nobody knows a price.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from hfaas_tui.ui.model import Function, Run

if TYPE_CHECKING:
    from hfaas_deploy.cost import Usage
    from hfaas_deploy.pipeline import Function as Wanted
    from hfaas_deploy.pipeline import Pipeline

USUAL_REGION = "us-east-1"
RUNS = 1000
"""Of how many runs the price is told besides that of one."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Dollars: of all runs that were seen, of one on average by what is paid for, and of a month without any."""

    region: str = USUAL_REGION
    runs: int = 0
    total: float = 0
    groups: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    standing: float = 0
    written: str = ""
    is_old: bool = False
    notes: tuple[str, ...] = ()

    @property
    def one(self) -> float | None:
        """Return the price of one run; None before any was seen."""
        return self.total / self.runs if self.runs else None


def load() -> None:
    """Import what the figures need."""
    import hfaas_deploy.cost
    import hfaas_deploy.prices  # noqa: F401


def of_run(run: Run, now: float | None = None, region: str = USUAL_REGION) -> float | None:
    """Return dollars for one run; None before it began, and as long as its memory or the prices are not known."""
    if "hfaas_deploy.cost" not in sys.modules:
        return None
    from hfaas_deploy import cost, prices

    used = usage_of(run, now)
    return None if used is None else cost.total(used, prices.nearest(region))


def usage_of(run: Run, now: float | None = None, wanted: Wanted | None = None) -> Usage | None:
    """Return what a run used; `wanted` is its function in the pipeline, which knows sizes that runs do not tell."""
    from hfaas_deploy import cost

    seconds = _seconds(run, now)
    if seconds is None or not run.memory_mb:
        return None
    if run.kind == "job":
        known = wanted.batch if wanted and wanted.has_jobs else None
        used = cost.job(seconds, known or cost.like(run.vcpus, run.memory_mb, gpu=bool(run.gpus)))
    elif wanted:
        used = cost.invocation(run.memory_mb, seconds, tmp_mb=wanted.tmp, architecture=wanted.architecture)
    else:
        used = cost.invocation(run.memory_mb, seconds)
    puts = sum(uri.startswith("s3://") for uri in run.outputs)
    gets = int(run.origin.startswith("s3://") and not run.job)  # one that was handed over read nothing
    return used + cost.transfers(puts=puts, gets=gets, egress_bytes=run.sent)


def _seconds(run: Run, now: float | None) -> float | None:
    if run.kind == "invocation" and run.billed_ms:
        return run.billed_ms / 1000
    if now is None and run.ended is None:
        return None
    return run.seconds(now or 0)


def estimate(runs: Iterable[Run], pipeline: Pipeline, now: float, region: str = "") -> Estimate:
    """Return what the runs of a pipeline's functions come to in a region; for a worker: there may be 50,000 of them."""
    from hfaas_deploy import cost, prices

    table = prices.nearest(region or pipeline.region)
    wanted = {each.name: each for each in pipeline.functions}
    entries = entry_names(pipeline)
    over = [run for run in runs if run.function in wanted and run.is_over and not _is_inside(run)]
    used = [usage for run in over if (usage := usage_of(run, None, wanted[run.function]))]
    begun = sum(run.function in entries and not run.invocation and run.started is not None for run in over)
    whole = cost.total_of(used)
    today = datetime.fromtimestamp(now, UTC).date()
    return Estimate(
        table.region,
        begun,
        cost.total(whole, table),
        MappingProxyType(cost.by_group(whole.times(1 / begun), table) if begun else {}),
        cost.total(cost.standing(pipeline), table),
        str(table.written),
        table.is_old(today),
        cost.assumptions(pipeline),
    )


def entry_names(pipeline: Pipeline) -> set[str]:
    """Return the functions that begin a run: those that files or calls from outside reach; all, in a circle."""
    found = {entry.function.name for entry in pipeline.entry()}
    found |= {each.name for each in pipeline.functions if not each.inputs}
    return found or {each.name for each in pipeline.functions}


def _is_inside(run: Run) -> bool:
    """Tell whether a row is told by another: a child or node by its parent, and OneTrigger's by the month."""
    return ":" in run.id or "#" in run.id or Function(run.function).is_onetrigger
