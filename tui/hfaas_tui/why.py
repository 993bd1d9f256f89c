"""Explains what became of a file in a bucket or a space: its hops in order, and the one where it stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hfaas_emulator.trace import Hop, What
from hfaas_tui import changes
from hfaas_tui.delegation import because
from hfaas_tui.lacking import lacks
from hfaas_tui.legs import reason


@dataclass(frozen=True, slots=True)
class Story:
    """The hops that concern one object and a sentence on where they ended; `arrived` when nothing stopped it."""

    hops: tuple[Hop, ...]
    verdict: str
    arrived: bool

    def to_json(self) -> dict[str, Any]:
        return {"arrived": self.arrived, "verdict": self.verdict, "hops": [hop.to_json() for hop in self.hops]}


def tell(hops: Sequence[Hop], bucket: str, key: str) -> Story:
    """Tell the story of `s3://bucket/key` from the latest time it was created."""
    own = [hop for hop in hops if hop.detail.get("bucket") == bucket and hop.detail.get("key") == key]
    created = [hop for hop in own if hop.what is What.OBJECT_CREATED]
    if not created:
        return Story(
            (), f"the trace knows no s3://{bucket}/{key}: it was never put, or too long ago", arrived=False
        )
    latest = created[-1]
    consumers = {hop.invocation for hop in own if hop.invocation and hop.seq > latest.seq} - {latest.invocation}
    story = tuple(
        hop
        for hop in hops
        if hop.seq >= latest.seq and (hop is latest or hop in own or (hop.invocation in consumers))
    )
    verdict, arrived = _verdict(story)
    return Story(story, verdict + ("" if arrived else _lacking(story)), arrived)


def tell_of_space(hops: Sequence[Hop], space: str, path: str) -> Story:
    """Tell the story of `onedata://space/path` from the latest time it was written."""
    path = path.strip("/")
    story = changes.of_file(hops, space, path)
    if not story:
        said = f"the trace knows no onedata://{space}/{path}: it was never put, or too long ago"
        return Story((), said, arrived=False)
    taken = any(changes.file_of(hop) for hop in story)
    verdict, arrived = _fate(story) if taken else changes.verdict(story, space)
    return Story(tuple(story), verdict + ("" if arrived else _lacking(story)), arrived)


def _lacking(story: Sequence[Hop]) -> str:
    """Say which permissions a role lacked on the way."""
    found = dict.fromkeys(lacks(hop) for hop in story if hop.what is What.ROLE_DENIED)
    return "".join(f"; {each}" for each in found)


def _verdict(story: Sequence[Hop]) -> tuple[str, bool]:
    last = {hop.what: hop for hop in story}
    if What.FILTER_MATCHED not in last:
        if story and story[0].invocation:  # nobody takes what a function wrote: the pipeline ends here
            return "arrived: a function wrote it, and no other takes it", True
        return _untriggered(last), False
    if denied := last.get(What.PERMISSION_DENIED):
        return f"stopped at the permission: {denied.detail.get('reason')}", False
    return _fate(story)


def _fate(story: Sequence[Hop]) -> tuple[str, bool]:
    """Tell how far its event came."""
    story = [hop for hop in story if not str(hop.detail.get("origin", "")).startswith(changes.LOOK)]
    delegated = {hop.invocation for hop in story if hop.what is What.JOB_SUBMITTED}
    attempts = [hop for hop in story if hop.what in _OUTCOMES and not _is_aside(hop, delegated)]
    if not attempts:
        return "matched a trigger; its event has not been queued yet", False
    end = attempts[-1]
    retry = attempts[-2] if end.what is What.INVOCATION_FAILED and len(attempts) > 1 else end
    # the queue decides on a retry before the failure is written down
    if end.what in _OF_JOB:
        return _job_outcome(end, story)
    return _outcome(retry if retry.what is What.EVENT_RETRY else end, story)


def _is_aside(hop: Hop, delegated: set[str]) -> bool:
    """Tell whether a hop decides nothing: the first leg's end when there is a second, or a part of a job."""
    if hop.what in _OF_JOB:
        return any(mark in str(hop.detail.get("job", "")) for mark in ":#")
    return hop.what is What.INVOCATION_SUCCEEDED and hop.invocation in delegated


_OF_JOB = {What.JOB_SUBMITTED, What.JOB_STATE}


_OUTCOMES = {
    *_OF_JOB,
    What.EVENT_QUEUED,
    What.EVENT_THROTTLED,
    What.EVENT_RETRY,
    What.EVENT_DISCARDED,
    What.INVOCATION_STARTED,
    What.INVOCATION_SUCCEEDED,
    What.INVOCATION_FAILED,
}


def _untriggered(last: dict[What, Hop]) -> str:
    if rejected := last.get(What.FILTER_REJECTED):
        return f"stopped at the filter: {rejected.detail.get('reason')}"
    return "stopped at the bucket: it notifies nobody"


def _outcome(hop: Hop, story: Sequence[Hop]) -> tuple[str, bool]:
    function = str(hop.detail.get("function", "")).split(":function:")[-1]
    match hop.what:
        case What.EVENT_QUEUED:
            return f"waits in the queue of {function}", False
        case What.EVENT_THROTTLED:
            return f"waits: {function} is throttled (limit {hop.detail.get('limit')})", False
        case What.EVENT_RETRY:
            return f"failed; {function} tries again after {hop.detail.get('after_s')} s", False
        case What.EVENT_DISCARDED:
            return f"stopped in the queue of {function}: {hop.detail.get('reason')}", False
        case What.INVOCATION_STARTED:
            return f"runs in {function}", False
        case What.INVOCATION_FAILED:
            return f"stopped in {function}: {hop.detail.get('error_type')}: {hop.detail.get('message')}", False
        case _:
            return f"went through {function}; {_uploads(story)}", True


def _uploads(story: Sequence[Hop]) -> str:
    count = sum(each.what is What.OUTPUT_UPLOADED for each in story)
    return f"{count} output{'s' * (count != 1)} uploaded"


def _job_outcome(hop: Hop, story: Sequence[Hop]) -> tuple[str, bool]:
    """Tell how far the second leg is, after why there is one."""
    job, function = hop.detail.get("job"), hop.detail.get("function") or hop.detail.get("name")
    handed_over = f"{function} delegated it to Batch{_because(str(job), story)}"
    note = f" ({hop.detail['note']})" if hop.detail.get("note") else ""
    match hop.detail.get("status"):
        case "SUCCEEDED":
            return f"{handed_over}; job {job} succeeded{note}; {_uploads(story)}", True
        case "FAILED":
            return f"{handed_over}; stopped in job {job}{note}: {_end(hop)}", False
        case "RUNNING":
            return f"{handed_over}; job {job} runs{note}", False
        case "STARTING":
            return f"{handed_over}; job {job} is starting", False
        case _:
            return f"{handed_over}; job {job} {_wait(hop)}", False


def _because(job: str, story: Sequence[Hop]) -> str:
    for hop in story:
        if hop.what is What.INVOCATION_DELEGATED and hop.detail.get("job") == job:
            return f" because {because(str(hop.detail.get('cause', '')), hop.detail.get('seconds'))}"
    return ""


def _end(hop: Hop) -> str:
    code = hop.detail.get("exit")
    told = reason(hop.detail, "FAILED") + (f", exit code {code}" if code is not None else "")
    said = hop.detail.get("log_stream")
    return f"{told}; see `hfaas logs --job {hop.detail.get('job')}`" if said else told


def _wait(hop: Hop) -> str:
    """Say that a job waits and what for; the attempt number tells that it failed before."""
    again = f" for attempt {hop.attempt}" if hop.attempt > 1 else ""
    verb = "can never start" if hop.detail.get("stuck") else f"waits{again}"
    told = hop.detail.get("reason")
    return verb + (f": {told}" if told else f", {hop.detail.get('status', 'SUBMITTED')}")
