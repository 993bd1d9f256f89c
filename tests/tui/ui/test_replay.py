"""What was recorded plays again, and is only looked at."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.tui.ui.world import function, until

from hfaas_emulator.trace import Hop, What
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.ui.backend import Backend
from hfaas_tui.ui.emulator.replay import Recorder, ReplayBackend, read
from hfaas_tui.ui.feed import Feeds
from hfaas_tui.ui.logs.store import LogStore
from hfaas_tui.ui.model import Condition, Place, Run
from hfaas_tui.ui.state import Store

BEGAN = 1_700_000_000.0


def write(file: Path, *records: tuple[float, str, Any]) -> Path:
    lines = [{"t": 0, "kind": "target", "data": {"time": BEGAN}}]
    lines += [{"t": t, "kind": kind, "data": data} for t, kind, data in records]
    file.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return file


def hop(seq: int, what: What, at: float = 0) -> dict[str, Any]:
    return Hop(seq, BEGAN + at, "lambda", what, "r", "i", 1, {"function": "f"}).to_json()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    line = [BEGAN + 1, "f", "i", "INFO", "hello"]
    return write(
        tmp_path / "run.jsonl",
        (0, "functions", [{"name": "f", "mode": "batch", "inputs": ["s3://b/in"], "state": "ready", "later": 1}]),
        (0, "places", [{"uri": "s3://b", "objects": 2, "size": 10, "note": ""}]),
        (0.0, "hop", hop(1, What.EVENT_QUEUED)),
        (0.3, "hop", hop(2, What.INVOCATION_STARTED, 0.3)),
        (0.6, "hop", hop(3, What.INVOCATION_SUCCEEDED, 0.6)),
        (0.6, "log", [line]),
        (0.6, "functions", [{"name": "f", "state": "fail"}, {"name": "g"}]),
    )


def test_a_recording_fills_the_store_and_seems_to_happen_now(recording: Path) -> None:
    backend: Backend = ReplayBackend(recording, 0)
    store, logs = Store(), LogStore()
    feeds = Feeds(backend, store, logs)
    feeds.start()
    until(lambda: len(logs) == 1 and (run := store.run("i")) and run.is_over)
    until(lambda: len(store.functions()) == 2 and store.places())
    run = store.run("i")
    assert run
    assert (run.state, time.time() - run.queued < 30) == (Condition.OK, True)
    assert store.places() == (Place("s3://b", 2, 10),)
    assert logs.line(0).raw == b"hello"
    assert store.health.is_up
    feeds.close()


def test_it_plays_at_its_pace_or_faster(recording: Path) -> None:
    began = time.monotonic()
    backend = ReplayBackend(recording, 2)
    news = backend.news()
    states = [next(news).runs[0].state for _ in range(3)]
    assert states == [Condition.QUEUED, Condition.RUNNING, Condition.OK]
    assert time.monotonic() - began > 0.25


def test_what_plays_faster_does_not_happen_in_the_future(recording: Path) -> None:
    news = ReplayBackend(recording, 10).news()
    runs = [next(news).runs[0] for _ in range(3)]
    assert runs[2].ended is not None
    assert runs[0].queued < runs[2].ended <= time.time() + 0.01


def test_what_was_the_case_later_is_not_told_before(recording: Path) -> None:
    assert [each.name for each in ReplayBackend(recording, 0.001).functions()] == ["f"]


def test_closing_ends_who_waits_for_more(recording: Path) -> None:
    backend = ReplayBackend(recording, 0)
    backend.close()
    assert len(list(backend.log_lines())) == 1


def test_the_detail_of_a_run_has_the_recorded_lines_and_steps(recording: Path) -> None:
    backend = ReplayBackend(recording, 0)
    backend.close()
    (*_, last) = backend.news()
    detail = backend.detail(last.runs[0])
    assert (detail.lines, len(detail.steps)) == (("hello",), 3)


def test_nothing_can_be_changed_in_a_recording(recording: Path) -> None:
    backend = ReplayBackend(recording)
    for change in (
        lambda: backend.again(Run("i", "f")),
        lambda: backend.stop(Run("i", "f")),
        lambda: backend.delete("s3://b/x"),
        lambda: backend.make_place("s3://c"),
        lambda: backend.delete_function("f"),
        lambda: backend.upload(recording, "s3://b/x", lambda _: None),
    ):
        with pytest.raises(CliError, match="nothing can be changed"):
            change()


def test_what_is_recorded_can_be_played(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "new.jsonl")
    wanted = function("f", inputs=("s3://b/in",), environment={"A": "1"})
    for _ in range(2):
        recorder("functions", [wanted])
    recorder("places", [Place("s3://b", 1, 2)])
    recorder("hop", hop(1, What.EVENT_QUEUED))
    recorder.close()
    recorder("hop", hop(2, What.EVENT_QUEUED))
    backend = ReplayBackend(tmp_path / "new.jsonl", 0)
    assert backend.functions() == [wanted]
    assert backend.places() == [Place("s3://b", 1, 2)]
    assert [each.kind for each in read(tmp_path / "new.jsonl")] == ["target", "functions", "places", "hop"]


def test_a_recording_whose_end_is_torn_is_played_as_far_as_it_goes(recording: Path) -> None:
    recording.write_text(recording.read_text() + '{"t": 3, "ki')
    assert len(read(recording)) == 8


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "is empty"), (b"x\ny\n", "line 1"), (b"\xff\xfe\n", "no text")]
)
def test_what_is_no_recording_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read(tmp_path / "x")
    with pytest.raises(UsageError, match="No such file"):
        read(tmp_path / "missing")
