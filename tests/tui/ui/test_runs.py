"""The Runs view: what the list shows, what the keys do, and how it all looks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.tui.ui.screen import SMALL, WIDE, frame, golden, running, settle, wait_for, wait_text
from tests.tui.ui.world import NOW, FakeBackend, changed, run
from textual.pilot import Pilot

from hfaas_tui.ui.model import Condition, Run, RunDetail, Step, Target
from hfaas_tui.ui.screens.runs.view import Runs

FAILED, SECOND_LEG, FIRST_LEG = (
    f"{name}-0000-4000-8000-000000000000" for name in ("a91e07c4", "7f1a2222", "77be1010")
)
SIZES = (WIDE, SMALL)


@pytest.fixture
def told(backend: FakeBackend) -> FakeBackend:
    """The world of the design, and everything about the run that failed."""
    backend.runs = [
        changed(each, invocation=FIRST_LEG, cause="time") if each.id == SECOND_LEG else each
        for each in backend.runs
    ]
    failed = next(each for each in backend.runs if each.id == FAILED)
    backend.details[FAILED] = RunDetail(
        failed,
        json.dumps(
            {
                "Records": [
                    {
                        "eventSource": "aws:s3",
                        "eventName": "ObjectCreated:Put",
                        "s3": {"object": {"key": "raw/rosa-17.jpg", "size": 2100000}},
                    }
                ]
            }
        ),
        {"AWS_REGION": "us-east-1", "TOKEN": "(hidden)"},
        (
            Step(NOON, "event.queued", "for plant-classification", Condition.QUEUED, FAILED, 1),
            Step(NOON + 0.5, "invocation.started", "in plant-classification", Condition.RUNNING, FAILED, 2),
            Step(NOON + 1.7, "script.started", "item 0", Condition.NONE, FAILED, 3),
            Step(NOON + 30.6, "script.ended", "item 0, exit 1, 28.9s", Condition.NONE, FAILED, 4),
            Step(NOON + 31.5, "invocation.failed", "RuntimeError", Condition.FAILED, FAILED, 5),
        ),
        ("Traceback (most recent call last):", "RuntimeError: CUDA out of memory \x1b]52;c;eA==\x07[/bold]"),
        (("attempts", "1 of 1"), ("image", "deephdc/plants")),
    )
    return backend


NOON = NOW - 59.5


async def at(pilot: Pilot[int], id: str) -> Runs:
    """Put the cursor on a run and wait for everything about it."""
    screen = pilot.app.screen
    assert isinstance(screen, Runs)
    await wait_for(pilot, lambda: screen.table.rows, "runs")
    screen.show(id)
    await wait_for(pilot, lambda: screen.run is not None and screen.run.id == id, f"run {id}")
    await settle(pilot)
    return screen


@pytest.mark.parametrize("size", SIZES)
async def test_the_list_shows_invocations_and_jobs_and_the_failed_one_below(
    told: FakeBackend, size: tuple[int, int]
) -> None:
    async with running(told, size, first="runs") as (_, pilot):
        await at(pilot, FAILED)
        await golden(pilot, "runs-failed")


@pytest.mark.parametrize("size", SIZES)
async def test_the_full_detail_shows_everything_tab_by_tab(told: FakeBackend, size: tuple[int, int]) -> None:
    async with running(told, size, first="runs") as (_, pilot):
        await at(pilot, FAILED)
        await pilot.press("enter")
        await wait_text(pilot, "[Overview]")
        await golden(pilot, "run-overview")
        for tab in ("event", "environment", "trace", "lines"):
            await pilot.press("right_square_bracket")
            await golden(pilot, f"run-{tab}")
        await pilot.press("escape")
        await wait_text(pilot, "FUNCTION")


@pytest.mark.parametrize("size", SIZES)
async def test_both_legs_of_a_delegated_run_lead_to_each_other(told: FakeBackend, size: tuple[int, int]) -> None:
    async with running(told, size, first="runs") as (_, pilot):
        screen = await at(pilot, FIRST_LEG)
        await golden(pilot, "runs-delegated")
        await pilot.press("b")
        await wait_for(pilot, lambda: screen.run and screen.run.id == SECOND_LEG)
        await wait_text(pilot, "second leg of 77be1010")
        await pilot.press("b")
        await wait_for(pilot, lambda: screen.run and screen.run.id == FIRST_LEG)


@pytest.mark.parametrize("size", SIZES)
async def test_without_runs_it_says_what_to_press(backend: FakeBackend, size: tuple[int, int]) -> None:
    backend.runs = [run("00000001", "grayify", began=7200)]
    async with running(backend, size, first="runs") as (_, pilot):
        await wait_text(pilot, "No runs in the last 15 m.")
        await golden(pilot, "runs-empty")


@pytest.mark.parametrize("size", SIZES)
async def test_when_the_target_is_gone_the_runs_stay_and_it_says_so(
    told: FakeBackend, size: tuple[int, int]
) -> None:
    async with running(told, size, first="runs") as (app, pilot):
        await at(pilot, FAILED)
        told.broken = "the emulator does not answer on 127.0.0.1:4566"
        app.feeds.hurry()
        await wait_text(pilot, "✗ the emulator does not answer")
        await golden(pilot, "runs-gone")
        await pilot.press("k")
        await wait_text(pilot, "detail   the emulator does not answer")


async def test_on_a_target_that_never_answered_it_says_why_there_are_none(backend: FakeBackend) -> None:
    backend.runs, backend.broken = [], "nothing listens on 127.0.0.1:4566"
    async with running(backend, first="runs") as (_, pilot):
        await wait_text(pilot, "✗ Cannot read runs: nothing listens on 127.0.0.1:4566")
        await golden(pilot, "runs-error")


async def test_read_only_shows_all_and_changes_nothing(told: FakeBackend) -> None:
    told.target = Target("aws", "123456789012", "eu-west-1", "research")
    async with running(told, first="runs") as (_, pilot):
        await at(pilot, FAILED)
        await pilot.press("a", "x")
        await golden(pilot, "runs-read-only")
        assert not any(call[0] in {"again", "stop"} for call in told.calls)


async def test_tabs_ranges_and_filters_choose_runs_and_the_cursor_stays_on_its_own(told: FakeBackend) -> None:
    async with running(told, first="runs") as (_, pilot):
        screen = await at(pilot, SECOND_LEG)
        await pilot.press("left_square_bracket")
        await wait_text(pilot, "[Batch jobs]")
        assert {each.kind for each in screen.table.shown} == {"job"}
        await pilot.click("#runs-counts", offset=(8, 0))
        await wait_text(pilot, "[Invocations]")
        await at(pilot, SECOND_LEG)
        await pilot.press("r")
        await wait_text(pilot, "last 1 h")
        await pilot.press("up", "enter")
        await wait_text(pilot, "last 1 m ▾")
        assert FIRST_LEG in {each.id for each in screen.table.shown}, "it ended 40 s ago"
        assert screen.run is not None
        assert screen.run.id == SECOND_LEG
        await pilot.press("slash", *"state:fail memory", "enter")
        await wait_for(pilot, lambda: [each.id for each in screen.table.shown] == [FAILED])
        await pilot.press("escape")
        await wait_for(pilot, lambda: len(screen.table.shown) == len(told.runs))


async def test_a_function_as_subject_filters_and_an_unknown_run_is_awaited(told: FakeBackend) -> None:
    async with running(told, first="runs") as (app, pilot):
        screen = await at(pilot, FAILED)
        app.go("runs", "grayify")
        await wait_for(pilot, lambda: {each.function for each in screen.table.shown} == {"grayify"})
        app.go("runs", "eeee0001-0000-4000-8000-000000000000")
        await wait_text(pilot, "is not known")
        told.tell(run("eeee0001", "deep-audio", Condition.RUNNING, 1, None))
        await wait_for(pilot, lambda: screen.run and screen.run.function == "deep-audio")


async def test_running_again_follows_the_new_run(told: FakeBackend) -> None:
    async with running(told, first="runs") as (_, pilot):
        screen = await at(pilot, FAILED)
        row = next(y for y, line in enumerate(frame(pilot.app).splitlines()) if "a run again" in line)
        await pilot.click(offset=(14, row))
        await wait_text(pilot, "plant-classification runs again as 99990000")
        assert ("again", FAILED) in told.calls
        new = Run("99990000-3333-4444-5555-666677778888", "plant-classification", queued=NOW)
        told.tell(new)
        await wait_for(pilot, lambda: screen.run and screen.run.id == new.id)


async def test_a_job_is_stopped_after_a_question_that_names_it_and_lambda_has_no_stop(told: FakeBackend) -> None:
    job, waiting = (f"{name}-0000-4000-8000-000000000000" for name in ("7f3c11e1", "c1100b9a"))
    told.tell(run("dddd0001", "grayify", Condition.RUNNING, 2, None))
    async with running(told, first="runs") as (app, pilot):
        await at(pilot, job)
        await pilot.press("x")
        await wait_text(pilot, "7f3c11e1  scar-batch-ffmpeg-split")
        await golden(pilot, "runs-stop")
        await pilot.press("y")
        await wait_text(pilot, "Job 7f3c11e1 terminated")
        await at(pilot, waiting)
        await pilot.press("x", "escape")
        assert [call for call in told.calls if call[0] == "stop"] == [("stop", job)]
        await at(pilot, "dddd0001-0000-4000-8000-000000000000")
        await pilot.press("x")
        await wait_text(pilot, "Lambda has no stop")
        app.clear_notifications()


async def test_a_stuck_job_warns_and_says_what_it_waits_for(told: FakeBackend) -> None:
    told.tell(
        run(
            "bad00001",
            "deep-audio",
            Condition.QUEUED,
            9,
            None,
            kind="job",
            queue="gpu",
            is_stuck=True,
            message="no compute environment of the queue has GPUs",
        )
    )
    async with running(told, first="runs") as (_, pilot):
        await at(pilot, "bad00001-0000-4000-8000-000000000000")
        await wait_text(pilot, "can never start: no compute environment of the queue has GPUs")
        assert "! stuck" in frame(pilot.app)


async def test_what_is_shown_marked_or_open_is_exported_to_a_new_file(told: FakeBackend, tmp_path: Path) -> None:
    async with running(told, first="runs", folder=tmp_path) as (_, pilot):
        await at(pilot, FAILED)
        for expected in (1, 2, 3):
            await pilot.press(*{1: (), 2: ("space",), 3: ("escape", "enter")}[expected], "ctrl+s")
            await wait_for(pilot, lambda: len(list(tmp_path.iterdir())) == expected, "file")  # noqa: B023
            await settle(pilot)
            if expected == 2:
                await at(pilot, FAILED)
    shown, marked, whole = (json.loads(each.read_text()) for each in sorted(tmp_path.iterdir(), key=_age))
    assert len(shown) == len(told.runs)
    assert [each["id"] for each in marked] == [FAILED]
    assert whole[0]["event"]["Records"]
    assert whole[0]["steps"][0]["state"] == "queue"


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns


async def test_running_times_move_once_a_second(told: FakeBackend) -> None:
    async with running(told, first="runs") as (app, pilot):
        await at(pilot, FAILED)
        assert "0:41" in frame(app)
        app.clock = lambda: NOW + 12
        await wait_text(pilot, "0:53")
        assert "0:34" in frame(app)


@pytest.mark.parametrize("look", [{}, {"ascii": True}])
async def test_hostile_text_stays_text(backend: FakeBackend, look: dict[str, bool]) -> None:
    bad = "\x1b]52;c;QQ==\x07[red]\x9b31m\u202e[/]'\\" + "x" * 90_000
    row = run(bad[:60], bad, Condition.FAILED, 5, 1.0, message=bad, error_type=bad, origin=f"s3://{bad}", job=bad)
    backend.runs = [row, changed(row, id=bad, kind="job", job="", invocation=row.id, outputs=(bad, bad))]
    backend.details[row.id] = RunDetail(row, bad, {bad: bad}, (Step(NOW, bad, bad),), (bad,), ((bad, bad),))
    async with running(backend, SMALL, first="runs", **look) as (_, pilot):
        await at(pilot, row.id)
        await pilot.press("enter")
        for _ in range(5):
            shown = await settle(pilot, 0.05)
            assert all(each.isprintable() or each == "\n" for each in shown)
            assert not look or shown.isascii()
            await pilot.press("right_square_bracket")
        await pilot.press("escape", "b", "o")
        await wait_text(pilot, "choose")
