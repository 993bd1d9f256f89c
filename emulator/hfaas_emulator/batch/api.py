"""The jobs of AWS Batch over HTTP; queues, environments and definitions are the control plane's.

POST /v1/submitjob  describejobs  listjobs  canceljob  terminatejob  getjobqueuesnapshot
GET  /v1/tags/<a job's ARN>
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hfaas_emulator.batch import intake, view
from hfaas_emulator.batch.job import Status
from hfaas_emulator.batch.limits import number, objects, refusal
from hfaas_emulator.batch.records import ControlPlane, JobQueue
from hfaas_emulator.batch.service import Batch
from hfaas_emulator.batch.state import Job
from hfaas_emulator.wire.caller import Caller, caller
from hfaas_emulator.wire.jobs import action_of, tagged

DESCRIBED = 100
FRONT = 100


async def handle(request: Request, jobs: Batch, control: ControlPlane, run_of: Callable[[str], str]) -> Response:
    """Answer a request about jobs; `run_of` tells which run an invocation belongs to."""
    api = Api(jobs, control, run_of, caller(request.headers, request.url.query))
    path = request.url.path
    if arn := tagged(path):
        return JSONResponse(api.tags(request.method, arn))
    if request.method != "POST":
        raise refusal(f"{request.method} {path} is no operation on jobs")
    return JSONResponse(await api.answer(action_of(path), _read(await request.body())))


def _read(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body or b"{}")
    except ValueError as error:
        raise refusal(f"The request is not JSON: {error}") from error
    if not isinstance(read, dict):
        raise refusal("The request is not a JSON object")
    return {name: value for name, value in read.items() if value is not None}


class Api:
    """Answers one caller."""

    def __init__(self, jobs: Batch, control: ControlPlane, run_of: Callable[[str], str], who: Caller) -> None:
        self._jobs = jobs
        self._control = control
        self._run_of = run_of
        self._who = who

    async def answer(self, action: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Answer an action with what it says."""
        match action:
            case "submitjob":
                return await self.submit(asked)
            case "describejobs":
                return self._describe(asked)
            case "listjobs":
                return await self._list(asked)
            case "getjobqueuesnapshot":
                return await self._snapshot(asked)
        job, reason = self._named(asked)
        end = self._jobs.cancel if action == "canceljob" else self._jobs.terminate
        await end(job.id, reason)
        return {}

    async def submit(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Take a job on."""
        told = intake.entry(str(uuid.uuid4()), self._who.account, self._who.region)
        made = await intake.settle(asked, self._control, told, self._run_of)
        await self._jobs.submit(made)
        return {"jobArn": made.arn, "jobName": made.name, "jobId": made.id}

    def _describe(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        wanted = asked.get("jobs")
        if not isinstance(wanted, list):
            raise refusal("jobs must be a list of job ids")
        if len(wanted) > DESCRIBED:
            raise refusal(f"jobs takes at most {DESCRIBED} job ids, not {len(wanted)}")
        found = (self._find(str(each)) for each in dict.fromkeys(map(str, wanted)))
        return {"jobs": [view.detail(job) for job in found if job]}

    def _find(self, name: str) -> Job | None:
        """Return a job of the caller's account and region, by id or ARN."""
        job = self._jobs.job(name.rpartition("job/")[2])
        return job if job and self._is_callers(job) else None

    def _is_callers(self, job: Job) -> bool:
        of = job.submission
        return (of.account, of.region) == (self._who.account, self._who.region)

    def _named(self, asked: Mapping[str, Any]) -> tuple[Job, str]:
        for name in ("jobId", "reason"):
            if not asked.get(name) or not isinstance(asked[name], str):
                raise refusal(f"'{name}' is a required field (cannot be an empty string)")
        job = self._find(asked["jobId"])
        if job is None:
            raise refusal(f"Job {asked['jobId']} does not exist")
        return job, asked["reason"]

    async def _list(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        found = await self._listed(asked)
        status = asked.get("jobStatus", None if asked.get("filters") else "RUNNING")
        if status is not None and status not in set(Status):
            raise refusal(f"jobStatus {status} must be one of {' | '.join(Status)}")
        filters = [_filter(each) for each in objects(asked, "filters")]
        if not filters:
            found = [job for job in found if job.status == status]
        return _page([job for job in found if all(match(job) for match in filters)], asked)

    async def _listed(self, asked: Mapping[str, Any]) -> Sequence[Job]:
        """Return the jobs of a queue, newest first, or the members of one job."""
        given = [name for name in ("jobQueue", "arrayJobId", "multiNodeJobId") if asked.get(name)]
        if len(given) != 1:
            raise refusal("Exactly one of jobQueue, arrayJobId and multiNodeJobId must be given")
        if given == ["jobQueue"]:
            queue = await self._queue(asked["jobQueue"])
            return list(self._jobs.jobs(self._who.account, self._who.region, queue.arn))[::-1]
        job = self._find(str(asked[given[0]]))
        if job is None:
            raise refusal(f"Job {asked[given[0]]} does not exist")
        return job.children if given == ["arrayJobId"] else job.nodes

    async def _queue(self, name: Any) -> JobQueue:
        return await self._control.job_queue(self._who.account, self._who.region, str(name))

    async def _snapshot(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        if not asked.get("jobQueue"):
            raise refusal("jobQueue must not be empty")
        queue = await self._queue(asked["jobQueue"])
        waiting = self._jobs.front(self._who.account, self._who.region, queue.arn)
        front = [{"jobArn": job.arn, "earliestTimeAtPosition": job.submission.created} for job in waiting[:FRONT]]
        return {"frontOfQueue": {"jobs": front, "lastUpdatedAt": time.time_ns() // 1_000_000}}

    def tags(self, method: str, arn: str) -> dict[str, Any]:
        """Show the tags of a job; they are settled when it is submitted."""
        job = self._find(arn)
        if job is None:
            raise refusal(f"Job {arn} does not exist")
        if method != "GET":
            raise refusal("The tags of a job are those it was submitted with; hfaas does not change them")
        return {"tags": view.detail(job)["tags"]}


def _filter(asked: Mapping[str, Any]) -> Callable[[Job], bool]:
    """Return whether a job is meant by an entry of `filters`."""
    name, values = asked.get("name"), [str(each) for each in asked.get("values") or ()]
    match name:
        case "JOB_NAME":
            return lambda job: any(_fits(job.name.lower(), value.lower()) for value in values)
        case "JOB_DEFINITION":
            return lambda job: any(_is_of(job, value) for value in values)
        case "SHARE_IDENTIFIER":
            return lambda job: any(
                _fits(job.submission.document.get("shareIdentifier", ""), each) for each in values
            )
        case "BEFORE_CREATED_AT":
            return lambda job: any(job.submission.created < _moment(value) for value in values)
        case "AFTER_CREATED_AT":
            return lambda job: any(job.submission.created > _moment(value) for value in values)
    raise refusal(
        f"filters: {name} must be one of JOB_NAME | JOB_DEFINITION | BEFORE_CREATED_AT | AFTER_CREATED_AT | "
        "SHARE_IDENTIFIER"
    )


def _fits(text: str, pattern: str) -> bool:
    """Compare with a text that may end with `*`."""
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _is_of(job: Job, wanted: str) -> bool:
    arn = job.submission.definition
    revision = arn.rpartition("/")[2]
    return any(_fits(text, wanted) for text in (arn, revision, job.submission.definition_name))


def _moment(text: str) -> int:
    if not text.isdecimal():
        raise refusal(f"filters: {text} is no time in milliseconds")
    return int(text)


def _page(found: Sequence[Job], asked: Mapping[str, Any]) -> dict[str, Any]:
    size = number(asked, "maxResults", 1, DESCRIBED) if "maxResults" in asked else DESCRIBED
    start = str(asked.get("nextToken") or "0")
    if not start.isdecimal():
        raise refusal("nextToken is not one that an earlier call returned")
    end = int(start) + size
    page: dict[str, Any] = {"jobSummaryList": [view.summary(job) for job in found[int(start) : end]]}
    if end < len(found):
        page["nextToken"] = str(end)
    return page
