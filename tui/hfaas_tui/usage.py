"""What the runs of an emulator used of the things that AWS has prices for, from the hops of its trace.

What OneTrigger does here says nothing of AWS, where it looks on a schedule: it is a standing cost and left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfaas_deploy import cost
from hfaas_deploy.cost import Usage
from hfaas_deploy.pipeline import Batch
from hfaas_emulator.trace import Hop, What
from hfaas_tui.tally import Tally

LINE_OVERHEAD = 26
"""Bytes that CloudWatch Logs adds to each line."""

APIS = {"HTTP API", "REST API"}
UNKNOWN = cost.like(1, 2048, gpu=False)
"""Taken for a job that Batch does not know any more."""


@dataclass(frozen=True, slots=True)
class Size:
    """What the trace does not tell of a function."""

    tmp_mb: int = cost.FREE_TMP_MB
    architecture: str = "x86_64"


@dataclass(frozen=True, slots=True)
class Measured:
    """What was used, and by how many runs: a run is what one file or call from outside set off."""

    usage: Usage
    runs: int
    invocations: int
    jobs: int

    @property
    def of_one(self) -> Usage:
        """Return what a run used on average."""
        return self.usage.times(1 / self.runs) if self.runs else Usage()


@dataclass(slots=True)
class Meter:
    """Reads hops in order; `functions` and `jobs` tell what hops do not, by name and by id."""

    functions: Mapping[str, Size] = field(default_factory=dict)
    jobs: Mapping[str, Batch] = field(default_factory=dict)
    _usages: list[Usage] = field(default_factory=list)
    _runs: set[str] = field(default_factory=set)
    _invocations: int = 0
    _jobs: set[str] = field(default_factory=set)
    _from_s3: set[str] = field(default_factory=set)
    _began: dict[str, float] = field(default_factory=dict)

    def feed(self, hops: Iterable[Hop]) -> Measured:
        """Take the hops and return what they come to."""
        for hop in hops:
            self._take(hop)
        return Measured(cost.total_of(self._usages), len(self._runs), self._invocations, len(self._jobs))

    def _take(self, hop: Hop) -> None:
        detail = hop.detail
        match hop.what:
            case What.INVOCATION_SUCCEEDED | What.INVOCATION_FAILED:
                self._invocation(hop)
            case What.JOB_STATE:
                self._job(hop)
            case What.PERMISSION_GRANTED:
                self._from_s3.add(hop.invocation)
            case What.SCRIPT_STARTED if hop.invocation in self._from_s3:
                self._usages.append(cost.transfers(gets=1))
            case What.OBJECT_CREATED:
                self._usages.append(cost.transfers(puts=1))
            case What.OUTPUT_UPLOADED if str(detail.get("url")).startswith("onedata://"):
                self._usages.append(cost.transfers(egress_bytes=int(detail.get("bytes") or 0)))
            case What.ENDPOINT_CALLED if detail.get("kind") in APIS:
                self._usages.append(Usage({"http_request": 1}))
            case What.EVENT_DELIVERED if ":sqs:" in str(detail.get("destination")):
                self._usages.append(Usage({"sqs_request": 1}))
            case What.SCHEDULE_FIRED if not Tally(_function(detail.get("target"))).is_onetrigger:
                self._usages.append(Usage({"schedule": 1}))
            case _:
                pass

    def _invocation(self, hop: Hop) -> None:
        name = _function(hop.detail.get("function"))
        if Tally(name).is_onetrigger:
            return
        size = self.functions.get(name, Size())
        billed = float(hop.detail.get("billed_ms") or 0) / 1000
        memory = int(hop.detail.get("memory_mb") or 0)
        self._usages.append(cost.invocation(memory, billed, tmp_mb=size.tmp_mb, architecture=size.architecture))
        self._invocations += 1
        self._runs.add(hop.run or hop.invocation)

    def _job(self, hop: Hop) -> None:
        """Add an attempt when the job's state says that it no longer runs."""
        name, detail = str(hop.detail.get("job") or hop.invocation), hop.detail
        if detail.get("status") == "RUNNING":
            self._began.setdefault(name, _seconds(detail.get("started"), hop.time))
        elif (began := self._began.pop(name, None)) is not None:
            lasted = max(0.0, _seconds(detail.get("stopped"), hop.time) - began)
            parent = name.partition(":")[0].partition("#")[0]
            self._usages.append(cost.job(lasted, self.jobs.get(name) or self.jobs.get(parent) or UNKNOWN))
            self._jobs.add(name)
            self._runs.add(hop.run or hop.invocation)


def batch_of(document: Mapping[str, Any], container: Mapping[str, Any]) -> Batch:
    """Return what DescribeJobs says of a job's size, and on what it ran."""
    needs = {each.get("type"): float(each.get("value") or 0) for each in container.get("resourceRequirements", ())}
    vcpus = needs.get("VCPU") or float(container.get("vcpus") or 1)
    memory = int(needs.get("MEMORY") or container.get("memory") or 2048)
    on_ec2 = "FARGATE" not in (document.get("platformCapabilities") or ())
    return cost.like(vcpus, memory, gpu=bool(needs.get("GPU")), ec2=on_ec2)


def of_lines(texts: Iterable[str]) -> Usage:
    """Return what CloudWatch Logs takes in with these lines."""
    return cost.transfers(log_bytes=sum(len(text.encode(errors="replace")) + LINE_OVERHEAD for text in texts))


def _function(told: Any) -> str:
    """Return the name in a function's ARN; a name as it is."""
    return str(told or "?").rsplit(":function:", maxsplit=1)[-1].split(":", maxsplit=1)[0]


def _seconds(ms: Any, otherwise: float) -> float:
    return float(ms) / 1000 if ms else otherwise
