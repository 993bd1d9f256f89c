"""The second leg of invocations: the jobs they were delegated to, and jobs that stand for themselves.

A child of an array (`ID:INDEX`) and a node of a group (`ID#INDEX`) is inside its parent: it is measured, but the
parent's end is the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hfaas_emulator.trace import Hop, What
from hfaas_tui.tally import Failure, Tally

FINAL = {"SUCCEEDED", "FAILED"}


@dataclass(slots=True)
class Leg:
    """One job as its hops tell it; `function` is whom it counts for, `began` when its attempt began to run, in s."""

    job: str
    invocation: str
    function: str = ""
    status: str = "SUBMITTED"
    reason: str = ""
    note: str = ""
    stuck: bool = False
    attempt: int = 1
    began: float | None = None
    log_group: str = ""
    log_stream: str = ""
    exit: int | None = None
    is_new: bool = True

    @property
    def parent(self) -> str:
        """Return the id of the array or group it is inside of; its own when it is inside of none."""
        return self.job.partition(":")[0].partition("#")[0]

    @property
    def is_inside(self) -> bool:
        return self.parent != self.job

    @property
    def is_delegated(self) -> bool:
        """Tell whether it carries on an invocation: it is traced under the id of that."""
        return self.invocation != self.parent

    def take(self, hop: Hop) -> None:
        """Become what a hop says."""
        detail = hop.detail
        self.status = str(detail.get("status", self.status))
        self.reason = reason(detail, self.status)
        self.stuck = bool(detail.get("stuck")) and self.status not in FINAL
        self.log_group = str(detail.get("log_group") or self.log_group)
        self.log_stream = str(detail.get("log_stream") or self.log_stream)
        self.exit = detail.get("exit")

    def measure(self, hop: Hop, tally: Tally) -> None:
        """Add to a tally what a hop ends: an attempt's time and memory, its retries, its notes."""
        if self.is_new and not self.is_inside:
            tally.jobs += 1
        self.is_new = False
        if hop.attempt > self.attempt:
            tally.retries += hop.attempt - self.attempt
            self.attempt = hop.attempt
        if (note := str(hop.detail.get("note") or "")) and note != self.note:
            tally.notes[note] += 1
            self.note = note
        self._measure_time(hop, tally)
        self._measure_memory(hop.detail, tally)

    def _measure_time(self, hop: Hop, tally: Tally) -> None:
        if self.status == "RUNNING":
            self.began = self.began or _seconds(hop.detail.get("started"), hop.time)
        elif self.began is not None:
            tally.durations.append((_seconds(hop.detail.get("stopped"), hop.time) - self.began) * 1000)
            self.began = None

    def _measure_memory(self, detail: Any, tally: Tally) -> None:
        """Take over a job's peak, and the memory it had: not that of the function that delegated to it."""
        peak = int(detail.get("peak_mb") or 0)
        if peak > tally.peak_mb:
            tally.peak_mb, tally.memory_mb = peak, int(detail.get("memory_mb") or 0)


class Legs:
    """All jobs of a run."""

    def __init__(self) -> None:
        self._legs: dict[str, Leg] = {}

    def take(self, hop: Hop) -> Leg:
        """Bring the job of a hop up to date and return it."""
        job = str(hop.detail.get("job") or hop.invocation)
        leg = self._legs.setdefault(job, Leg(job, hop.invocation))
        if hop.what is What.JOB_STATE:
            leg.take(hop)
        return leg

    def state(self, leg: Leg) -> str:
        """Return how a job counts; a parent whose children run has no state that says so."""
        if leg.status in FINAL:
            return "succeeded" if leg.status == "SUCCEEDED" else "failed"
        runs = leg.status == "RUNNING" or any(each.status == "RUNNING" for each in self._inside(leg))
        return "running" if runs else "queued"

    def _inside(self, leg: Leg) -> list[Leg]:
        return [each for each in self._legs.values() if each.is_inside and each.parent == leg.job]

    def failure(self, leg: Leg, function: str, cause: str) -> Failure:
        """Put the end of a job into words, with the log of what failed inside of it."""
        failed = leg
        if not leg.log_stream:
            failed = next((each for each in self._inside(leg) if each.status == "FAILED"), leg)
        within = f" in {failed.job[len(leg.job) :]}" if failed is not leg else ""
        code = f", exit code {failed.exit}" if failed.exit is not None else ""
        message = f"job {leg.job}: {leg.reason}{within}{code}"
        return Failure(
            function, leg.invocation, cause, "JobFailed", message, failed.log_group, failed.log_stream, leg.job
        )

    def stuck(self, pending: Iterable[str]) -> list[Leg]:
        """Return the stuck jobs when everything that is pending is a job that is stuck or waits for one that is."""
        live = [leg for leg in self._legs.values() if leg.status not in FINAL]
        if any(each not in self._legs for each in pending):
            return []
        if not all(leg.stuck or leg.status == "PENDING" for leg in live):
            return []
        told = {leg.parent: leg for leg in live if leg.stuck}  # of an array with all its children one
        return list(told.values())


def _seconds(ms: Any, otherwise: float) -> float:
    return float(ms) / 1000 if ms else otherwise


def reason(detail: Mapping[str, Any], status: str) -> str:
    """Return why a job is in its state; of a failed one, also what its container said about it."""
    of_container = detail.get("container_reason") if status == "FAILED" else ""
    return ": ".join(str(each) for each in (detail.get("reason"), of_container) if each)


def why_delegated(hop: Hop) -> str:
    """Return the first word of the cause: time, memory, space, gpu, exit, mode."""
    return str(hop.detail.get("cause") or "").partition(" ")[0] or "?"
