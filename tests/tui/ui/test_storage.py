"""The Storage view: places, listings, previews, transfers."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.tui.ui.screen import SMALL, WIDE, frame, golden, running, settle, wait_for, wait_text
from tests.tui.ui.test_storage_listing import Paged
from tests.tui.ui.world import NOW, FakeBackend
from textual.pilot import Pilot

from hfaas_tui.ui.backend import Moved
from hfaas_tui.ui.model import Condition, Step
from hfaas_tui.ui.screens.storage.view import Storage
from hfaas_tui.ui.widgets.preview import Preview
from hfaas_tui.ui.widgets.vtable import VTable

SIZES = pytest.mark.parametrize("size", [WIDE, SMALL])
RUN = "2265b1f5-0000-4000-8000-000000000000"
OUTPUT = "s3://scar-video/output/frame-0042.png"


def picture(wide: int = 64, high: int = 48) -> bytes:
    pixels = np.zeros((high, wide, 3), np.uint8)
    cv2.circle(pixels, (wide // 2, high // 2), high // 3, (255, 255, 255), -1)
    return cv2.imencode(".png", pixels)[1].tobytes()


def view(pilot: Pilot[int]) -> Storage:
    return next(each for each in pilot.app.screen_stack if isinstance(each, Storage))


def table(pilot: Pilot[int]) -> VTable[object]:
    return view(pilot).query_one("#listing", VTable)


async def show(pilot: Pilot[int], subject: str, text: str) -> None:
    """Go somewhere and wait for what is there."""
    pilot.app.go("storage", subject)  # type: ignore[attr-defined]
    await wait_text(pilot, text)


@pytest.fixture
def written(backend: FakeBackend) -> FakeBackend:
    """A frame that a function wrote, and the run that did."""
    backend.objects[OUTPUT] = picture()
    backend.tell(writers={OUTPUT: ("scar-lambda-darknet", RUN)})
    return backend


@SIZES
async def test_places(backend: FakeBackend, size: tuple[int, int]) -> None:
    async with running(backend, size, "storage") as (_, pilot):
        await wait_text(pilot, "s3://plants")
        await golden(pilot, "storage-places")


@SIZES
async def test_an_object_with_its_picture_and_facts(written: FakeBackend, size: tuple[int, int]) -> None:
    async with running(written, size, "storage", ascii=True) as (_, pilot):
        await show(pilot, OUTPUT, "64x48  PNG")
        await wait_text(pilot, "opens it")
        await golden(pilot, "storage-object")


async def test_with_colour_a_picture_is_half_blocks(written: FakeBackend) -> None:
    async with running(written, WIDE, "storage") as (_, pilot):
        await show(pilot, OUTPUT, "▀▀▀▀▀▀▀▀")


@SIZES
async def test_an_empty_bucket(backend: FakeBackend, size: tuple[int, int]) -> None:
    backend.spots.append("s3://empty")
    async with running(backend, size, "storage") as (_, pilot):
        await show(pilot, "s3://empty", "Nothing in here yet.")
        await golden(pilot, "storage-empty")


@SIZES
async def test_no_places(size: tuple[int, int]) -> None:
    async with running(FakeBackend(), size, "storage") as (_, pilot):
        await wait_text(pilot, "No buckets or spaces yet.")
        await golden(pilot, "storage-no-places")


@SIZES
async def test_what_was_read_stays_when_the_target_is_gone(backend: FakeBackend, size: tuple[int, int]) -> None:
    async with running(backend, size, "storage") as (app, pilot):
        await show(pilot, "s3://scar-video/output/", "frame-0044")
        await settle(pilot)
        backend.broken = "the emulator does not answer on 127.0.0.1:4566"
        app.feeds.hurry()
        app.store.note_objects()
        await wait_for(pilot, lambda: table(pilot).has_class("-stale"), "stale listing")
        await wait_text(pilot, "does not answer on")
        assert "frame-0044" in frame(app)
        await golden(pilot, "storage-error")


async def test_a_folder_that_cannot_be_read_says_why_and_is_tried_again(backend: FakeBackend) -> None:
    async with running(backend, SMALL, "storage") as (_, pilot):
        await wait_text(pilot, "s3://plants")
        backend.broken = "access denied"
        view(pilot).open("s3://plants/raw/")
        await wait_text(pilot, "Cannot list s3://plants/raw/")
        backend.broken = ""
        await wait_text(pilot, "rosa-17.jpg")


class Held(FakeBackend):
    """A target on which transfers stand still until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()

    def upload(self, source: Path, uri: str, moved: Moved) -> None:
        moved(source.stat().st_size * 3 // 8)
        self.free.wait(60)
        moved(0)
        super().upload(source, uri, lambda _: None)


@SIZES
async def test_transfers(tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfaas_tui.ui.transfers.Transfers.speed", lambda *_: 9_000_000.0)
    backend = Held()
    backend.spots = ["s3://scar-video"]
    backend.objects["s3://scar-video/input/clip-6.mp4"] = bytes(8400)
    (tmp_path / "clip-7.mp4").write_bytes(bytes(24_000_000))
    (tmp_path / "clip-8.mp4").write_bytes(bytes(1000))
    async with running(backend, size, "storage", folder=tmp_path) as (app, pilot):
        await show(pilot, "s3://scar-video/input/", "clip-6.mp4")
        await pilot.press("u")
        await wait_text(pilot, "clip-8.mp4")
        await pilot.press("down", "space", "space", "enter")
        await wait_text(pilot, "37%")
        await wait_for(pilot, lambda: len(app.store.tasks()) == 2 and not app.screen.is_modal, "two tasks")
        await golden(pilot, "storage-transfers")
        await pilot.press("x")
        backend.free.set()
        await wait_for(
            pilot,
            lambda: {task.state for task in app.store.tasks()} == {Condition.STOPPED, Condition.OK},
            "one cancelled, one done",
        )
        assert "s3://scar-video/input/clip-7.mp4" not in backend.objects
        assert "s3://scar-video/input/clip-8.mp4" in backend.objects


async def test_the_path_of_what_is_uploaded_is_seen_while_it_is_typed(tmp_path: Path, backend: FakeBackend) -> None:
    async with running(backend, WIDE, "storage", folder=tmp_path) as (_, pilot):
        await show(pilot, "s3://scar-video/input/", "clip-7.mp4")
        await pilot.press("u")
        await wait_text(pilot, "Upload into")
        await pilot.press("z", "q", "x")
        await wait_text(pilot, "/zqx")


async def test_a_folder_that_a_function_reads_is_there_before_its_first_object(backend: FakeBackend) -> None:
    async with running(backend, WIDE, "storage") as (_, pilot):
        await show(pilot, "s3://scar-video", "split-images/")
        assert "split-images/      empty" in frame(pilot.app)
        await pilot.press("G", "enter")
        await wait_text(pilot, "Nothing in here yet.")


@SIZES
async def test_deleting_a_folder_asks_with_count_and_size(backend: FakeBackend, size: tuple[int, int]) -> None:
    async with running(backend, size, "storage") as (_, pilot):
        await show(pilot, "s3://scar-video", "output/")
        await pilot.press("j")
        await pilot.press("D")
        await wait_text(pilot, "6 objects")
        await golden(pilot, "storage-delete")
        await pilot.press("y")
        await wait_for(pilot, lambda: not any("/output/" in uri for uri in backend.objects), "the delete")
        await wait_text(pilot, "1 folder ")


async def test_a_whole_place_wants_its_name_typed(backend: FakeBackend) -> None:
    async with running(backend, SMALL, "storage") as (_, pilot):
        await wait_text(pilot, "s3://plants")
        await pilot.press("j", "D")
        await wait_text(pilot, "Type plants to confirm")
        await pilot.press("y", "enter")
        assert not [call for call in backend.calls if call[0] == "delete"]
        await pilot.press("backspace", *"plants", "enter")
        await wait_for(pilot, lambda: ("delete", "s3://plants") in backend.calls, "the delete")
        assert ("delete", "s3://plants/") in backend.calls


@SIZES
async def test_read_only_shows_but_changes_nothing(backend: FakeBackend, size: tuple[int, int]) -> None:
    async with running(backend, size, "storage", read_only=True) as (_, pilot):
        await show(pilot, "s3://scar-video/output/", "frame-0044")
        await pilot.press("D", "u", "n")
        await golden(pilot, "storage-read-only")


@SIZES
async def test_the_story_of_an_object_leads_to_its_runs(written: FakeBackend, size: tuple[int, int]) -> None:
    written.stories[OUTPUT] = (
        "It was written by scar-lambda-darknet; nothing reads it.",
        [
            Step(NOW - 33, "event", "s3:ObjectCreated:Put of split-images/frame-0042.jpg", Condition.OK, RUN),
            Step(NOW - 26, "result", "\x1b]0;x\x07frame-0042.png", Condition.OK, RUN),
        ],
    )
    async with running(written, size, "storage") as (app, pilot):
        await show(pilot, OUTPUT, "opens it")
        await pilot.press("e")
        await wait_text(pilot, "nothing reads it")
        await golden(pilot, "storage-story")
        await pilot.press("enter")
        await wait_for(pilot, lambda: app.screen.id == "view-runs", "the runs")


async def test_keys_walk_through_folders_and_back(backend: FakeBackend) -> None:
    async with running(backend, SMALL, "storage") as (_, pilot):
        await wait_text(pilot, "s3://plants")
        await pilot.press("j", "j", "enter")
        await wait_text(pilot, "input/")
        await pilot.press("enter")
        await wait_text(pilot, "clip-7.mp4")
        await pilot.press("backspace")
        await wait_text(pilot, "2 folders")
        assert table(pilot).selected.uri == "s3://scar-video/input/"  # type: ignore[attr-defined]
        await pilot.press("backspace")
        await wait_text(pilot, "Buckets and spaces")


async def test_a_click_on_the_path_goes_there(backend: FakeBackend) -> None:
    async with running(backend, SMALL, "storage") as (_, pilot):
        await show(pilot, "s3://scar-video/output/", "frame-0044")
        await pilot.click("#where", offset=(8, 0))
        await wait_text(pilot, "2 folders")
        await pilot.click("#listing", offset=(5, 2), times=2)
        await wait_text(pilot, "frame-0044")
        await pilot.click("#where", offset=(2, 0))
        await wait_text(pilot, "Buckets and spaces")


async def test_more_is_read_as_the_cursor_comes_near_and_a_filter_asks_the_target() -> None:
    backend = Paged()
    backend.spots = ["s3://b"]
    backend.objects = {f"s3://b/{n:03}": b"x" for n in range(900)}
    async with running(backend, SMALL, "storage") as (_, pilot):
        await show(pilot, "s3://b", "so far, more…")
        read = len(table(pilot).shown)
        assert read < 900
        await pilot.press("slash", *"89")
        await wait_text(pilot, "898")
        assert {call[2] for call in backend.calls if call[0] == "listing"} >= {"89"}
        assert len(table(pilot).shown) <= 10
        await pilot.press("escape")
        await wait_text(pilot, "000")


async def test_objects_that_functions_write_show_up_and_the_cursor_stays(backend: FakeBackend) -> None:
    async with running(backend, SMALL, "storage") as (_, pilot):
        await show(pilot, OUTPUT, "frame-0044")
        await wait_for(pilot, lambda: getattr(table(pilot).selected, "uri", "") == OUTPUT, "the cursor")
        new = "s3://scar-video/output/a-new-one.png"
        backend.objects[new] = b"x"
        backend.tell(writers={new: ("grayify", RUN)})
        await wait_text(pilot, "a-new-one.png")
        assert getattr(table(pilot).selected, "uri", "") == OUTPUT


async def test_saving_asks_about_names_that_are_taken(
    backend: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "frame-0042.png").write_bytes(b"old")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    async with running(backend, SMALL, "storage") as (_, pilot):
        await show(pilot, OUTPUT, "frame-0044")
        await wait_for(pilot, lambda: getattr(table(pilot).selected, "uri", "") == OUTPUT, "the cursor")
        await pilot.press("ctrl+s")
        await wait_text(pilot, "will be saved in this folder")
        await pilot.press("enter")
        await wait_text(pilot, "It exists already")
        await pilot.press("b")
        await wait_for(pilot, (tmp_path / "frame-0042 (2).png").exists, "the file")
        assert (tmp_path / "frame-0042.png").read_bytes() == b"old"


async def test_a_new_bucket_follows_the_rules(backend: FakeBackend) -> None:
    async with running(backend, SMALL, "storage") as (_, pilot):
        await wait_text(pilot, "s3://plants")
        await pilot.press("n", *"Films", "enter")
        await wait_text(pilot, "small letters")
        await pilot.press("n", *"films", "enter")
        await wait_for(pilot, lambda: ("make_place", "s3://films") in backend.calls, "the bucket")
        await wait_text(pilot, "s3://films/")


async def test_hostile_names_are_harmless(backend: FakeBackend) -> None:
    bad = "s3://scar-video/output/[b]\x1b]52;c;aGk=\x07\u202e[/nope]"
    backend.objects[bad] = b"\x1b[2J\x9b31m text [/x]"
    async with running(backend, WIDE, "storage") as (_, pilot):
        await show(pilot, bad, "text [/x]")
        assert all(char.isprintable() or char == "\n" for char in frame(pilot.app))
        await pilot.press("D")
        await wait_text(pilot, "This cannot be undone")


async def test_a_video_goes_on_with_the_arrows(backend: FakeBackend, tmp_path: Path) -> None:
    file = tmp_path / "film.mp4"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for number in range(40):
        writer.write(np.full((48, 64, 3), number * 6, np.uint8))
    writer.release()
    backend.objects["s3://scar-video/input/clip-7.mp4"] = file.read_bytes()
    async with running(backend, WIDE, "storage") as (_, pilot):
        await show(pilot, "s3://scar-video/input/clip-7.mp4", "1 of 40")
        await pilot.press("right")
        await wait_text(pilot, "3 of 40")
        await pilot.press("left")
        await wait_text(pilot, "1 of 40")
        await pilot.press("z")
        await wait_for(pilot, lambda: view(pilot).query_one(Preview).size.width > 100, "the zoom")
        await pilot.press("escape")
        await wait_text(pilot, "PLACES")
