"""Schedules over a restart; a module of its own, because moto is one for the whole process."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.emulator.moto_services.test_schedules import Post, antedate, at

Start = Callable[[Path], AbstractContextManager[Any]]


def test_a_restart_begins_nothing_anew_and_forgets_nothing(start: Start, tmp_path: Path) -> None:
    """What is due while nobody runs is left out, so a restart that takes longer than that is tried again."""
    lead_s = 2.5
    while not _restarted(start, tmp_path / str(lead_s), lead_s):
        lead_s *= 2


def _restarted(start: Start, state: Path, lead_s: float) -> bool:
    """Restart before something is due, and tell whether that succeeded.

    A rate that fired as it was made does not do so again; StartDate may be long ago when its request is repeated.
    """
    with start(state) as emulator:
        post = Post(emulator)
        _begun(emulator, post)
        post.schedule(Name="daily", Target={"Input": "daily"})
        assert post.received()["Body"] == "daily"
        post.sqs.purge_queue(QueueUrl=post.url)
        due = int(time.time() + lead_s)
        post.schedule(Name="later", ScheduleExpression=at(due), Target={"Input": "later"})
    with start(state) as emulator:
        if time.time() >= due:
            return False
        post.sqs = emulator.client("sqs")
        assert post.received()["Body"] == "later"
        names = {one["Name"] for one in emulator.client("scheduler").list_schedules()["Schedules"]}
        assert names == {"begun", "daily", "later"}
    return True


def _begun(emulator: Any, post: Post) -> None:
    """Make a schedule as it was made an hour ago, of a StartDate that was just not too early then."""
    post.scheduler, now = emulator.client("scheduler"), post.scheduler
    asked = time.time() - 3_600
    antedate(post.scheduler, "scheduler.CreateSchedule", asked)
    post.schedule(Name="begun", StartDate=asked - 290, Target={"Input": "begun"})
    post.scheduler = now
