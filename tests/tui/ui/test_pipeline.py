"""The Pipeline view: the picture with live figures, moving in it, putting files in, and the trace of an object."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.ui.screen import SMALL, WIDE, frame, golden, running, settle, wait_for, wait_text
from tests.tui.ui.world import FakeBackend, changed, function, run

from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.widgets.graph import GraphView

CLIP = "s3://scar-video/input/clip-7.mp4"
FRAMES = "s3://scar-video/split-images"


@pytest.fixture
def video(backend: FakeBackend) -> FakeBackend:
    """The video pipeline only, after one clip of four frames went through, a frame of which failed."""
    names = ("scar-lambda-darknet", "scar-batch-ffmpeg-split")
    backend.has = {name: backend.has[name] for name in names}
    frames = tuple(f"{FRAMES}/frame-000{n}.jpg" for n in range(4))
    split = run("7f3c11e1", names[1], Condition.OK, 90, 41.2, kind="job", origin=CLIP, outputs=frames)
    backend.runs = [
        changed(split, queued=split.queued - 9),
        *(
            run(
                f"2265b1f{n}",
                names[0],
                began=45 - n,
                origin=uri,
                outputs=(f"s3://scar-video/output/frame-000{n}.png",),
            )
            for n, uri in enumerate(frames[:3])
        ),
        changed(
            run("2265b1f9", names[0], Condition.FAILED, 40, 3.0, origin=frames[3], message="out of memory"),
            attempt=3,
        ),
    ]
    backend.objects |= dict.fromkeys(frames, bytes(300))
    return backend


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_functions_and_places_show_how_they_hang_together(
    backend: FakeBackend, size: tuple[int, int]
) -> None:
    async with running(backend, size, "pipeline") as (_, pilot):
        await wait_text(pilot, "1 object")
        await golden(pilot, "pipeline")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_a_trace_tells_what_became_of_an_object_in_all_functions(
    video: FakeBackend, size: tuple[int, int]
) -> None:
    async with running(video, size, "pipeline") as (_, pilot):
        await wait_text(pilot, "1 object")
        await pilot.press("t")
        await wait_text(pilot, "Trace of clip-7.mp4")
        await pilot.press("t", "t")
        await golden(pilot, "pipeline-trace")
        await pilot.press("escape")
        assert "Trace of" not in await settle(pilot)


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_without_functions_it_says_what_to_press(size: tuple[int, int]) -> None:
    async with running(FakeBackend(), size, "pipeline") as (_, pilot):
        await wait_text(pilot, "No functions here yet")
        await golden(pilot, "pipeline-empty")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_when_the_emulator_goes_the_picture_stays(video: FakeBackend, size: tuple[int, int]) -> None:
    async with running(video, size, "pipeline") as (app, pilot):
        await wait_text(pilot, "4 objects")
        video.broken = "the emulator does not answer on 127.0.0.1:4566"
        app.feeds.hurry()
        await wait_text(pilot, "✗ the emulator does not answer")
        await golden(pilot, "pipeline-gone")


async def test_the_cursor_goes_from_node_to_node_and_opens_them(video: FakeBackend) -> None:
    async with running(video, WIDE, "pipeline") as (app, pilot):
        await wait_text(pilot, "4 objects")
        await pilot.press("right", "right", "down")
        assert app.screen.query_one(GraphView).cursor == "scar-lambda-darknet"
        await pilot.press("h", "enter")
        await wait_for(pilot, lambda: app.screen.id == "view-storage", "storage")


async def test_what_is_typed_is_found(backend: FakeBackend) -> None:
    async with running(backend, SMALL, "pipeline") as (app, pilot):
        await wait_text(pilot, "1 object")
        await pilot.press("slash", *"rosa")
        await pilot.press(*["backspace"] * 4, *"plant-cl", "enter")
        assert app.screen.query_one(GraphView).cursor == "plant-classification"


async def test_a_file_is_put_into_the_first_place(video: FakeBackend, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"film")
    async with running(video, SMALL, "pipeline", folder=tmp_path) as (_, pilot):
        await wait_text(pilot, "4 objects")
        await pilot.press("down", "i")
        await wait_text(pilot, "Put a file into s3://scar-video/input")
        await wait_text(pilot, "film.mp4")
        await pilot.press(*"film.mp4", "enter")
        await wait_for(pilot, lambda: video.objects.get("s3://scar-video/input/film.mp4") == b"film", "upload")
        await wait_text(pilot, "put film.mp4 in")


async def test_the_picture_is_exported_as_text(video: FakeBackend, tmp_path: Path) -> None:
    async with running(video, WIDE, "pipeline", folder=tmp_path) as (app, pilot):
        await wait_text(pilot, "4 objects")
        await pilot.press("E")
        await wait_text(pilot, "Export to")
        await pilot.press("enter")
        await wait_for(
            pilot, lambda: any(each.text.startswith("saved") for each in app.store.messages()), "whole file"
        )
        assert "scar-video/split-images" in next(tmp_path.glob("*.txt")).read_text()
        await pilot.press("minus")
        await wait_text(pilot, "scar-video/input")
        await pilot.press("minus")
        await wait_text(pilot, "×4")
        assert "┏" not in frame(app)


async def test_read_only_puts_nothing_in(video: FakeBackend) -> None:
    async with running(video, WIDE, "pipeline", read_only=True) as (app, pilot):
        await wait_text(pilot, "4 objects")
        await pilot.press("i")
        assert "inject" not in await settle(pilot)
        assert app.screen.id == "view-pipeline"


async def test_hostile_names_stay_text() -> None:
    backend = FakeBackend()
    bad = "s3://b/\x1b]52;c;x\x07[bold]/\u202e\x9b31m"
    backend.has["f"] = function("f", inputs=(bad,), outputs=("s3://b/out",), image="\x1b[2Jx", script="[/]")
    async with running(backend, WIDE, "pipeline") as (_, pilot):
        await wait_text(pilot, "b/out")
        assert all(char.isprintable() or char == "\n" for char in await settle(pilot))
