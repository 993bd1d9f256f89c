"""Schedules over a restart; a module of its own, because moto is one for the whole process."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.emulator.moto_services.test_schedules import Post, soon


def test_a_restart_begins_nothing_anew_and_forgets_nothing(
    start: Callable[[Path], AbstractContextManager[Any]], tmp_path: Path
) -> None:
    """A rate that fired as it was made does not do so again; StartDate may be long ago when its request is repeated."""
    with start(tmp_path) as emulator:
        post = Post(emulator)
        post.schedule(Name="begun", StartDate=time.time() - 290, Target={"Input": "begun"})
        post.schedule(Name="daily", Target={"Input": "daily"})
        assert post.received()["Body"] == "daily"
        post.sqs.purge_queue(QueueUrl=post.url)
        post.schedule(Name="later", ScheduleExpression=soon(2.5), Target={"Input": "later"})
    with start(tmp_path) as emulator:
        post.sqs = emulator.client("sqs")
        assert post.received()["Body"] == "later"
        names = {one["Name"] for one in emulator.client("scheduler").list_schedules()["Schedules"]}
        assert names == {"begun", "daily", "later"}
