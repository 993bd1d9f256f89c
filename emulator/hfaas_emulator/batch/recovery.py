"""What happens to the jobs of an emulator that ended: each is found again exactly once.

A job that had been given room either has its container still, running or ended, and goes on; or it has none, and the
attempt is lost: it is counted, and the job waits again. A container without such a row belongs to an attempt whose
end is written, or that was given up: it is removed before anything new is started.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from hfaas_emulator.batch.capacity import Lease
from hfaas_emulator.batch.gang import Gang, discard
from hfaas_emulator.batch.job import Status
from hfaas_emulator.batch.ledger import Ledger
from hfaas_emulator.batch.runner import Running
from hfaas_emulator.batch.state import Job

REMEMBERED_S = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Found:
    """Jobs of an earlier emulator: with containers, without the one they had, and without ever having had one."""

    adopted: tuple[tuple[Job, Lease, Running], ...]
    lost: tuple[Job, ...]
    waiting: tuple[Job, ...]


async def find(ledger: Ledger, adopted: Mapping[str, Running]) -> Found:
    """Sort the unfinished jobs, and remove the containers that are nobody's."""
    strays = dict(adopted)
    kept: list[tuple[Job, Lease, Running]] = []
    lost: list[Job] = []
    waiting: list[Job] = []
    for job in (each for top in ledger.submitted() for each in (top.children or (top,))):
        if job.status.is_final:
            continue
        if not job.status.holds_room:
            waiting.append(job)
        elif job.lease and (running := _take(job, strays)):
            kept.append((job, job.lease, running))
        else:
            lost.append(job)
    await asyncio.gather(*(discard(each) for each in strays.values()))
    return Found(tuple(kept), tuple(lost), tuple(waiting))


def _take(job: Job, adopted: dict[str, Running]) -> Running | None:
    """Take what runs for a job out of `adopted`, None when that is not enough to go on.

    Of several nodes the main one is enough once all had started: the others are stopped before its end is written.
    """
    if not job.nodes:
        return adopted.pop(f"{job.id}/{job.attempt}", None)
    nodes = {node.node or 0: f"{node.id}/{job.attempt}" for node in job.nodes}
    there = {index: key for index, key in nodes.items() if key in adopted}
    complete = len(there) == len(nodes) or (job.status is Status.RUNNING and job.submission.main_node in there)
    if not complete:
        return None
    return Gang({index: adopted.pop(key) for index, key in there.items()}, job.submission.main_node)


def drop_old(ledger: Ledger, now: float) -> None:
    """Forget the jobs that ended so long ago that AWS would have forgotten them."""
    limit = int((now - REMEMBERED_S) * 1000)
    for job in ledger.submitted():
        if job.status.is_final and (job.stopped or 0) < limit:
            ledger.drop(job)
