"""Jobs of AWS Batch, through its standard API alone: what works here works on AWS.

ListJobs knows one queue and one state at a time, and of an array only the parent; DescribeJobs knows the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from hfaas_tui.errors import CliError

STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
DESCRIBED_AT_ONCE = 100
PARALLEL = 8
SHORT_ID, WHOLE_ID = 8, 36
"""Characters of an id: enough for people, and all without the place in an array."""
LOG_GROUP = "/aws/batch/job"
NOTE = "hfaas:note"
LIST = "`hfaas jobs` shows them"
_WHOLE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Job:
    """A job as DescribeJobs tells it: times in Unix ms, None for what has not happened."""

    id: str
    name: str
    status: str
    reason: str
    queue: str
    definition: str
    created: int
    started: int | None
    stopped: int | None
    document: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, document: dict[str, Any]) -> Job:
        """Take over one entry of DescribeJobs."""
        return cls(
            document["jobId"],
            document.get("jobName", ""),
            document.get("status", ""),
            document.get("statusReason", ""),
            short(document.get("jobQueue", "")),
            short(document.get("jobDefinition", "")),
            document.get("createdAt", 0),
            document.get("startedAt"),
            document.get("stoppedAt"),
            document,
        )

    @property
    def is_final(self) -> bool:
        return self.status in {"SUCCEEDED", "FAILED"}

    @property
    def has_begun(self) -> bool:
        """Tell whether something of it runs, so that it must be terminated: no cancellation reaches that."""
        children = self.document.get("arrayProperties", {}).get("statusSummary", {})
        return self.status in {"STARTING", "RUNNING"} or any(children.get(each) for each in ("STARTING", "RUNNING"))

    @property
    def container(self) -> dict[str, Any]:
        """Return its container; a group of nodes shows that of its main node."""
        nodes = self.document.get("nodeProperties", {})
        ranges = nodes.get("nodeRangeProperties") or [{}]
        found: dict[str, Any] = self.document.get("container") or ranges[0].get("container") or {}
        return found

    @property
    def variables(self) -> dict[str, str]:
        return {each["name"]: each.get("value", "") for each in self.container.get("environment", ())}

    @property
    def is_array(self) -> bool:
        return "size" in self.document.get("arrayProperties", {}) and ":" not in self.id

    @property
    def is_group(self) -> bool:
        """Tell whether it is a parent of nodes."""
        return bool(self.document.get("nodeProperties")) and "#" not in self.id

    @property
    def exit(self) -> int | None:
        """Return the exit code of its latest attempt."""
        code: int | None = self.container.get("exitCode")
        return code

    @property
    def note(self) -> str:
        """Return in what it got less than it asked for."""
        return str(self.document.get("tags", {}).get(NOTE, ""))

    @property
    def attempts(self) -> int:
        """Return how often it has been started."""
        ended = len(self.document.get("attempts", ()))
        return ended + (self.status in {"STARTING", "RUNNING"} and not self.is_array and not self.is_group)

    @property
    def why(self) -> str:
        """Return in one line why it is where it is; an array that goes on, how far its children are."""
        if self.status != "FAILED":
            return self.reason or (self.counts if self.is_array and not self.is_final else "")
        code = f"exit {self.exit}" if self.exit is not None else ""
        return ": ".join(each for each in (code, self.reason, self.container.get("reason")) if each)

    @property
    def counts(self) -> str:
        """Return how many children are in which state."""
        counts = self.document.get("arrayProperties", {}).get("statusSummary", {})
        return ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts.get(status))

    @property
    def log(self) -> tuple[str, str]:
        """Return log group and stream of its current attempt; the stream is empty before one began."""
        options = self.container.get("logConfiguration", {}).get("options", {})
        return options.get("awslogs-group") or LOG_GROUP, self.container.get("logStreamName", "")

    def to_json(self) -> dict[str, Any]:
        """Return what a list shows, in AWS's words."""
        return {
            "jobId": self.id,
            "jobName": self.name,
            "status": self.status,
            "statusReason": self.reason,
            "reason": self.why,
            "jobQueue": self.queue,
            "jobDefinition": self.definition,
            "attempts": self.attempts,
            "exitCode": self.exit,
            "note": self.note,
            "createdAt": self.created,
            "startedAt": self.started,
            "stoppedAt": self.stopped,
        }


class Jobs:
    """Asks Batch; `client` is boto3's."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def all(self, queue: str | None = None, statuses: Sequence[str] = ()) -> list[Job]:
        """Return the jobs of one queue or of all, newest first; arrays and groups of nodes without what is in them."""
        return self.newest(self.ids(queue, statuses))

    def newest(self, ids: Iterable[str]) -> list[Job]:
        """Return the jobs that exist of these, newest first."""
        return sorted(self.describe(ids), key=lambda job: job.created, reverse=True)

    def ids(self, queue: str | None = None, statuses: Sequence[str] = ()) -> list[str]:
        """Return the ids of the jobs of one queue or of all, newest first."""
        queues = [self._known(queue)] if queue else self.queues()
        with ThreadPoolExecutor(PARALLEL) as pool:
            found = pool.map(lambda queue: self._listed({"jobQueue": queue}, statuses), queues)
            created = {job["jobId"]: job["createdAt"] for jobs in found for job in jobs}
        return sorted(created, key=created.__getitem__, reverse=True)

    def _known(self, queue: str) -> str:
        known = self.queues()
        if short(queue) not in known:
            names = ", ".join(known) or "none"
            raise CliError(f"there is no job queue {queue}", f"these there are: {names}")
        return short(queue)

    def queues(self) -> list[str]:
        """Return the names of all queues."""
        pages = self._client.get_paginator("describe_job_queues").paginate()
        return [queue["jobQueueName"] for page in pages for queue in page["jobQueues"]]

    def _listed(self, of: dict[str, str], statuses: Sequence[str] = ()) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("list_jobs")
        return [
            job
            for status in statuses or STATUSES
            for page in pages.paginate(**of, jobStatus=status)
            for job in page["jobSummaryList"]
        ]

    def describe(self, ids: Iterable[str]) -> list[Job]:
        """Return the jobs that exist of these."""
        wanted = list(dict.fromkeys(ids))  # one that changed its state meanwhile was listed twice
        return [
            Job.read(document)
            for at in range(0, len(wanted), DESCRIBED_AT_ONCE)
            for document in self._client.describe_jobs(jobs=wanted[at : at + DESCRIBED_AT_ONCE])["jobs"]
        ]

    def children(self, job: Job, statuses: Sequence[str] = ()) -> list[Job]:
        """Return the children of an array, or the nodes of a group, in order; nothing for any other job."""
        if not (job.is_array or job.is_group):
            return []
        of = {"arrayJobId": job.id} if job.is_array else {"multiNodeJobId": job.id}
        ids = (child["jobId"] for child in self._listed(of, statuses))
        return sorted(self.describe(ids), key=lambda child: index(child.id))

    def find(self, text: str) -> Job:
        """Return the job with this id, or the only one whose id begins so; CliError when there is none."""
        text = text.rpartition(":job/")[2]
        base, mark, place = _split(text)
        whole = base if _WHOLE.fullmatch(base) else self._complete(base)
        for job in self.describe([whole + mark + place]):
            return job
        raise CliError(f"there is no job {text}", LIST)

    def _complete(self, begin: str) -> str:
        found = sorted(each for each in self.ids() if each.startswith(begin))
        if len(found) == 1 and begin:
            return found[0]
        if not found:
            raise CliError(f"there is no job whose id begins with {begin!r}", LIST)
        raise CliError(f"{len(found)} jobs have ids that begin with {begin!r}", _choice(found))

    def stop(self, job: Job, reason: str) -> str:
        """Cancel a job, or terminate one that runs; returns what was done."""
        if job.is_final:
            return f"is {job.status} already"
        if not job.has_begun:
            self._client.cancel_job(jobId=job.id, reason=reason)
            if not any(each.has_begun for each in self.describe([job.id])):
                return "cancelled before it began"
        self._client.terminate_job(jobId=job.id, reason=reason)  # a cancellation passes by what began meanwhile
        return "terminated while it ran"


def short(name: str) -> str:
    """Return the name at the end of an ARN."""
    return name.rpartition("/")[2]


def short_id(id: str) -> str:
    """Return enough of an id to name it, and the place of a child in its array."""
    return id[:SHORT_ID] + id[WHOLE_ID:]


def index(id: str) -> int:
    """Return the place of a child in its array, or of a node in its group."""
    place = _split(id)[2]
    return int(place) if place.isdigit() else -1


def _split(id: str) -> tuple[str, str, str]:
    """Divide an id from the index of a child or node."""
    return id.partition("#") if "#" in id else id.partition(":")


def _choice(ids: Sequence[str]) -> str:
    return "give more of one: " + ", ".join(ids[:5]) + (" ..." if ids[5:] else "")


def flat(jobs: Jobs, parents: Iterable[Job]) -> Iterator[Job]:
    """Yield jobs, each followed by its children or nodes."""
    for job in parents:
        yield job
        yield from jobs.children(job)
