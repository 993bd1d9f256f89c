"""The Logs view, as its user sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.tui.ui.screen import SMALL, WIDE, frame, golden, running, settle, wait_for, wait_text
from tests.tui.ui.world import NOW, FakeBackend
from textual.app import App, ComposeResult
from textual.events import MouseScrollUp

from hfaas_tui.ui.logs.store import LogStore
from hfaas_tui.ui.model import LogLine, Target
from hfaas_tui.ui.widgets.logview import LogView

DARKNET = "2265b1f5-91b7-4d8f-acd6-1027c386bbc4"
PLANT = "a91e07c4-2b0e-4e51-a2f0-55d1c2a7e3b9"
FFMPEG = "job:7f3c11e1-0000-4000-8000-000000000000"
ERRORS = "ERROR|Traceback|timed out"
SIZES = (WIDE, SMALL)


def story() -> list[LogLine]:
    """Return the lines of the mock-up."""
    lines = []
    for at, function, request, level, text in (
        (0.0, "scar-lambda-darknet", DARKNET, "", f"START RequestId: {DARKNET} Version: $LATEST"),
        (
            0.1,
            "scar-lambda-darknet",
            DARKNET,
            "INFO",
            "Reading storage event: s3://scar-video/split/frame-0042.jpg",
        ),
        (0.2, "scar-lambda-darknet", DARKNET, "INFO", "Downloading split/frame-0042.jpg from bucket scar-video"),
        (0.5, "scar-batch-ffmpeg-split", FFMPEG, "INFO", "[batch] container started  vcpus=2 memory=4096 gpu=0"),
        (
            1.1,
            "scar-lambda-darknet",
            DARKNET,
            "INFO",
            "Executing user defined script yolo-sample-object-detection.sh",
        ),
        (3.5, "scar-lambda-darknet", DARKNET, "WARN", "storage_output: suffix filter matched 0 of 2 files"),
        (4.3, "plant-classification", PLANT, "ERROR", "Traceback (most recent call last):"),
        (4.3, "plant-classification", PLANT, "", '  File "/srv/plants/predict.py", line 88, in main'),
        (4.3, "plant-classification", PLANT, "", "RuntimeError: CUDA out of memory. Tried to allocate 1.20 GiB"),
        (4.4, "plant-classification", PLANT, "", '{"error": "RuntimeError", "gpu": {"index": 0, "free": 310}}'),
        (6.8, "scar-lambda-darknet", DARKNET, "INFO", "predicted: \x1b[32mdog 97%\x1b[0m  bicycle 95%  truck 91%"),
        (7.1, "scar-lambda-darknet", DARKNET, "DEBUG", "Uploading file predictions.png to s3://scar-video/output"),
        (8.0, "scar-batch-ffmpeg-split", FFMPEG, "", "frame=    1 fps=0\rframe=  842 fps=121 q=2.0 speed=4.03x"),
    ):
        lines.append(LogLine(NOW - 60 + at, function, request, level, text.encode()))
    return lines


@pytest.fixture
def backend(backend: FakeBackend) -> FakeBackend:
    backend.lines = story()
    return backend


@pytest.mark.parametrize("size", SIZES)
async def test_lines_of_all_functions_are_followed(backend: FakeBackend, size: tuple[int, int]) -> None:
    async with running(backend, size, "logs") as (_, pilot):
        await wait_text(pilot, "842 fps")
        await golden(pilot, "logs-follow")


@pytest.mark.parametrize("size", SIZES)
async def test_a_filter_leaves_what_matches_and_enter_shows_a_line_whole(
    backend: FakeBackend, size: tuple[int, int]
) -> None:
    async with running(backend, size, "logs") as (app, pilot):
        await wait_text(pilot, "842 fps")
        await pilot.press("slash", *ERRORS.lower(), "ctrl+t", "enter")
        view = app.screen.query_one(LogView)
        await wait_for(
            pilot, lambda: view.rows == 3 and (scan := view.shown.pattern) and scan.is_through, "three lines"
        )
        assert view.shown.pattern
        view.shown.pattern.took = 0.7
        await pilot.press("k", "enter")
        await wait_text(pilot, "Line 9")
        await golden(pilot, "logs-filtered")


@pytest.mark.parametrize("size", SIZES)
async def test_an_empty_view_says_why_and_what_to_press(backend: FakeBackend, size: tuple[int, int]) -> None:
    backend.lines = [LogLine(NOW - 3 * 86_400, "grayify", "51aa4207", "INFO", b"done")]
    async with running(backend, size, "logs") as (app, pilot):
        app.go("logs", "grayify")
        await wait_text(pilot, "done")
        await pilot.press("r", "k", "k", "k", "enter")
        await wait_text(pilot, "No log lines from grayify in the last 15 minutes.")
        await golden(pilot, "logs-empty")


async def test_when_the_emulator_is_gone_the_view_says_so(backend: FakeBackend) -> None:
    backend.lines = []
    backend.broken = "the emulator does not answer on 127.0.0.1:4566"
    async with running(backend, SMALL, "logs") as (_, pilot):
        await wait_text(pilot, "Cannot read logs")
        await golden(pilot, "logs-gone")


async def test_moving_up_leaves_the_end_and_a_pill_counts_what_came_since(backend: FakeBackend) -> None:
    backend.lines = story() * 5
    async with running(backend, SMALL, "logs") as (app, pilot):
        await wait_text(pilot, "842 fps")
        await pilot.press("k")
        backend.write(*story()[:3])
        await wait_text(pilot, "+3 lines  G jumps")
        await golden(pilot, "logs-pill")
        await pilot.press("G")
        await wait_text(pilot, "● follow")
        assert "G jumps" not in await settle(pilot)
        await pilot._post_mouse_events([MouseScrollUp], LogView)
        assert not app.screen.query_one(LogView).follow


async def test_what_a_line_is_of_filters_by_key(backend: FakeBackend) -> None:
    async with running(backend, WIDE, "logs") as (app, pilot):
        view = app.screen.query_one(LogView)
        await wait_text(pilot, "842 fps")
        await wait_for(pilot, app.store.functions, "functions to choose from")
        await pilot.press("R")
        await wait_for(pilot, lambda: view.rows == 2, "the job's lines")
        await pilot.press("R", "v", "j", "j", "j", "enter")
        await wait_for(pilot, lambda: view.rows == 2, "warnings and errors")
        assert "level ≥ WARN ▾" in frame(app)
        await pilot.press("v", "k", "k", "k", "enter", "f", "j", "j", "j", "j", "enter")
        await wait_text(pilot, "plant-classification ▾")
        await wait_for(pilot, lambda: view.rows == 4, "the function's lines")
        await pilot.press("escape")
        await wait_for(pilot, lambda: view.rows == 13, "all lines")
        app.go("logs", "7f3c11e1-0000-4000-8000-000000000000")
        await wait_for(pilot, lambda: view.rows == 2, "the job's lines again")


async def test_highlighting_keeps_other_lines_and_n_goes_from_match_to_match(backend: FakeBackend) -> None:
    async with running(backend, WIDE, "logs") as (app, pilot):
        view = app.screen.query_one(LogView)
        await wait_text(pilot, "842 fps")
        await pilot.press("slash", *"INFO|dog", "enter")
        await wait_for(pilot, lambda: view.rows == 1, "one line: levels are not part of it")
        await pilot.press("F")
        await wait_for(pilot, lambda: view.rows == 13, "all lines")
        await pilot.press("N")
        await wait_for(pilot, lambda: view.cursor == 10, "the match")


async def test_a_wrong_pattern_is_told_and_the_last_good_filter_stays(backend: FakeBackend) -> None:
    async with running(backend, WIDE, "logs") as (app, pilot):
        view = app.screen.query_one(LogView)
        await wait_text(pilot, "842 fps")
        await pilot.press("slash", *"CUDA")
        await wait_for(pilot, lambda: view.rows == 1, "one line")
        await pilot.press("left_parenthesis")
        await wait_text(pilot, "regex ✗ missing )")
        assert view.rows == 1
        await pilot.press("escape")
        await wait_for(pilot, lambda: view.rows == 13, "all lines")


async def test_reading_is_paused_and_the_view_cleared_while_lines_are_still_kept(backend: FakeBackend) -> None:
    async with running(backend, WIDE, "logs") as (app, pilot):
        view = app.screen.query_one(LogView)
        await wait_text(pilot, "842 fps")
        await pilot.press("p")
        await wait_text(pilot, "■ paused")
        backend.write(*story()[:2])
        await wait_text(pilot, "15 lines · 13 shown")
        await pilot.press("p")
        await wait_for(pilot, lambda: view.rows == 15, "all lines")
        await pilot.press("C")
        await wait_text(pilot, "15 lines · 0 shown")
        backend.write(*story()[:2])
        await wait_for(pilot, lambda: view.rows == 2, "what came since")
        await pilot.press("C")
        await wait_for(pilot, lambda: view.rows == 17, "all lines again")


async def test_a_json_line_is_shown_pretty_and_long_lines_wrap(backend: FakeBackend) -> None:
    backend.lines.append(LogLine(NOW, "grayify", "51aa4207", "INFO", b"word " * 2000))
    async with running(backend, SMALL, "logs") as (app, pilot):
        await wait_text(pilot, "word word")
        await pilot.press("t", "w")
        await wait_text(pilot, "more ⏎")
        app.screen.query_one(LogView).go(9)
        await pilot.press("enter")
        await wait_text(pilot, '"gpu": {')
        await golden(pilot, "logs-wrapped")


async def test_lines_are_exported_to_a_file_whose_name_is_told(backend: FakeBackend, tmp_path: Path) -> None:
    async with running(backend, WIDE, "logs", folder=tmp_path) as (_, pilot):
        await wait_text(pilot, "842 fps")
        await pilot.press("ctrl+s", "j", "j", "j", "enter")
        await wait_text(pilot, "13 lines are in")
        (file,) = tmp_path.iterdir()
        documents = [json.loads(line) for line in file.read_text().splitlines()]
        assert documents[6] == {
            "time": NOW - 60 + 4.3,
            "function": "plant-classification",
            "request": PLANT,
            "level": "ERROR",
            "text": "Traceback (most recent call last):",
        }


async def test_marked_lines_and_what_the_mouse_selected_are_copied_without_colours(backend: FakeBackend) -> None:
    async with running(backend, WIDE, "logs") as (app, pilot):
        view = app.screen.query_one(LogView)
        await wait_text(pilot, "842 fps")
        view.go(10)
        await pilot.press("m", "k", "k", "m", "c")
        assert [line.split("2a7e3b9 ")[-1].split("INFO ")[-1] for line in app.clipboard.splitlines()] == [
            "RuntimeError: CUDA out of memory. Tried to allocate 1.20 GiB",
            "predicted: dog 97%  bicycle 95%  truck 91%",
        ]
        await pilot.mouse_down(view, offset=(46, 7))
        await pilot.hover(view, offset=(54, 7))
        await pilot.mouse_up(view, offset=(54, 7))
        assert app.screen.get_selected_text() == "Traceback"


async def test_hostile_lines_leave_nothing_but_text(backend: FakeBackend) -> None:
    backend.lines = [
        LogLine(NOW, "\x1b]0;x\x07fn", "job:\x1b[2J", "ERROR\x1b", raw)
        for raw in (
            b"A\x1b]52;c;ZXZpbA==\x07B\x1b[2JC\x1b]0;title\x07D\xc2\x9b31mE",
            "\u202eevil\u2066\u200b".encode(),
            b"[bold]x[/] [@click=app.quit]y",
            b"x" * 90_000,
            b"\x1b[30mblack\x1b[0m\x00\x07\x08",
            "\U0001f468\u200d\U0001f469\ufe0f e\u0301 \u3164".encode(),
        )
    ]
    async with running(backend, SMALL, "logs") as (_, pilot):
        await wait_text(pilot, "ABCDE")
        await golden(pilot, "logs-hostile")


async def test_keys_work_while_two_hundred_thousand_lines_come(backend: FakeBackend) -> None:
    batch = [LogLine(NOW, f"fn-{n % 8}", f"request-{n % 50}", "INFO", b"line %d" % n) for n in range(1000)]
    async with running(backend, WIDE, "logs") as (app, pilot):
        view = app.screen.query_one(LogView)
        for _ in range(200):
            backend.write(*batch)
        await wait_for(pilot, lambda: view.rows == 200_013, "all lines")
        await pilot.press("g")
        await wait_text(pilot, "START RequestId")
        await pilot.press("slash", *"line 77$", "enter")
        await wait_for(pilot, lambda: view.rows == 200, "one of each batch")
        backend.write(*batch)
        await wait_for(pilot, lambda: view.rows == 201, "and one that came")
        await pilot.press("escape", "G")
        await wait_text(pilot, "line 999")


async def test_a_strip_shows_one_function_and_then_another(backend: FakeBackend) -> None:
    store = LogStore()
    store.append(story())
    view = LogView(store, function="plant-classification", poll_s=0.02)

    class Below(App[int]):
        def compose(self) -> ComposeResult:
            yield view

    async with Below().run_test(size=(60, 6)) as pilot:
        await wait_text(pilot, "14:12:24 ERROR Traceback (most recent call last):")
        assert "darknet" not in frame(pilot.app)
        view.function = "scar-batch-ffmpeg-split"
        await wait_text(pilot, "842 fps")
        store.append([LogLine(NOW, "scar-batch-ffmpeg-split", FFMPEG, "", b"and so on")])
        await wait_text(pilot, "and so on")
        view.function = "nobody"
        await wait_for(pilot, lambda: view.rows == 0, "nothing")


async def test_only_lines_of_late_are_shown_until_they_are_too_old(backend: FakeBackend) -> None:
    moment = [NOW]
    async with running(backend, SMALL, "logs") as (app, pilot):
        app.clock = lambda: moment[0]
        view = app.screen.query_one(LogView)
        await wait_text(pilot, "842 fps")
        await pilot.press("r", "k", "k", "k", "k", "enter")
        await wait_text(pilot, "5 m ▾")
        assert view.rows == 13
        moment[0] = NOW - 60 + 4.2 + 300
        await wait_for(pilot, lambda: view.rows == 7, "the last ones")
        moment[0] += 300
        await wait_text(pilot, "No log lines in the last 5 minutes.")


async def test_a_live_target_offers_no_invocation(backend: FakeBackend) -> None:
    backend.target = Target("aws", "123456789012", "eu-west-1")
    backend.lines = []
    async with running(backend, SMALL, "logs") as (_, pilot):
        await wait_text(pilot, "No log lines yet.")
        assert "invoke" not in frame(pilot.app)
        await pilot.press("E")
        await wait_text(pilot, "cannot be handed to a pager")
