"""One job as it stands now: what was asked for, where it is, and what it already went through."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hfaas_emulator.batch.capacity import Lease
from hfaas_emulator.batch.job import Attempt, Status, Submission, Task


@dataclass(frozen=True, slots=True)
class Current:
    """What is known of the latest attempt; `exit` None while it runs and when it never began."""

    log_stream: str = ""
    task_arn: str = ""
    exit: int | None = None
    reason: str = ""
    peak_mb: int = 0


@dataclass(slots=True, eq=False)
class Wait:
    """Why jobs that want the same things are not started; all of them share it. `cause` tells two waits apart."""

    reason: str = ""
    stuck: bool = False
    cause: str = ""


@dataclass(slots=True, eq=False)
class Job:
    """A job, an array's child (`index`) or a group's node (`node`); times in Unix ms, None before they come.

    `summary` counts the children of an array by their states. `told` is the cause of waiting that was told last.
    """

    submission: Submission
    order: tuple[int, int]
    index: int | None = None
    node: int | None = None
    parent: Job | None = None
    status: Status = Status.SUBMITTED
    said: str = ""
    note: str = ""
    environment: str = ""
    attempts: tuple[Attempt, ...] = ()
    started: int | None = None
    stopped: int | None = None
    current: Current = field(default_factory=Current)
    is_cancelled: bool = False
    is_terminated: bool = False
    is_overdue: bool = False
    children: tuple[Job, ...] = ()
    nodes: tuple[Job, ...] = ()
    summary: Counter[Status] = field(default_factory=Counter)
    lease: Lease | None = None
    wait: Wait | None = None
    told: str = ""
    is_leaving: bool = False
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.submission.id
        if self.index is not None:
            self.id += f":{self.index}"
        elif self.node is not None:
            self.id += f"#{self.node}"

    @property
    def arn(self) -> str:
        return f"arn:aws:batch:{self.submission.region}:{self.submission.account}:job/{self.id}"

    @property
    def name(self) -> str:
        return self.submission.name

    @property
    def task(self) -> Task:
        """Return its container; a multi-node job's is the main node's."""
        submission = self.submission
        node = self.node if self.node is not None else submission.main_node
        return submission.tasks[node if submission.is_multinode else 0]

    @property
    def is_array(self) -> bool:
        """Tell whether it is an array's parent, which never runs itself."""
        return self.submission.array > 0 and self.index is None

    @property
    def is_ending(self) -> bool:
        """Tell whether it was decided that it fails, however its container ends."""
        return self.is_terminated or self.is_cancelled or self.is_overdue

    @property
    def reason(self) -> str:
        """Return AWS's statusReason: why it ended, or what it waits for."""
        if self.wait and (self.status is Status.RUNNABLE or self.is_stuck):
            return self.wait.reason
        return self.said

    @property
    def is_stuck(self) -> bool:
        """Tell whether it waits for something that no other job's end can bring."""
        if self.is_array:
            busy = self.summary[Status.STARTING] + self.summary[Status.RUNNING]
            waits = not self.status.is_final and not busy
        else:
            waits = self.status is Status.RUNNABLE
        return waits and self.wait is not None and self.wait.stuck

    @property
    def attempt(self) -> int:
        """Return the number of the attempt that is next or under way, from 1; of a final job the last one's."""
        return max(1, len(self.attempts)) if self.status.is_final else len(self.attempts) + 1
