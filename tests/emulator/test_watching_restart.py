"""What a user interface learns of the time before a restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.emulator.conftest import running
from tests.emulator.test_watching import engine, invoke, lines, until

from hfaas_tui.errors import CliError
from hfaas_tui.watch import Emulator as Watch


def test_lines_from_before_a_restart_come_first_and_no_line_twice(tmp_path: Path) -> None:
    with running(tmp_path, engine) as before:
        before.function("old")
        request = invoke(before, "old", {"n": 1})
        watch = Watch(before.endpoint)
        until(lambda: [line for line in lines(watch) if line[4].startswith("REPORT")])
        *_, last = watch.log_lines(follow=False)
    with running(tmp_path, engine) as after:
        watch = Watch(after.endpoint)
        assert [line[4].split()[0] for line in lines(watch) if line[2] == request] == [
            "START",
            "got",
            "END",
            "REPORT",
        ]
        assert lines(watch, last.seq) == []


def test_an_event_that_failed_is_known_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path, engine, retry_s=0.01) as before:
        before.function("bad", Environment={"Variables": {"API_TOKEN": "abc"}})
        queued = invoke(before, "bad", {"fail": 1}, "Event")
        waited = invoke(before, "bad", {"fail": 2})
        fine = invoke(before, "bad", {"n": 3})
        until(lambda: Watch(before.endpoint).idle()["idle"])
    with running(tmp_path, engine) as after:
        watch = Watch(after.endpoint)
        assert watch.invocation(queued)["event"] == '{"fail": 1}'
        assert watch.invocation(waited)["environment"]["API_TOKEN"] == "(hidden)"
        with pytest.raises(CliError, match="nothing is known any more"):
            watch.invocation(fine)
