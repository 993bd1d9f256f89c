"""The welcome: five choices, nothing written before one of them, and what each of them does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.tui.ui.screen import SMALL, WIDE, frame, golden, running, settle, wait_for, wait_text
from tests.tui.ui.test_system import FINDINGS, GONE, Emulation
from tests.tui.ui.world import FakeBackend

from hfaas_tui import doctor
from hfaas_tui.ui.screens.welcome.tour import PAGES

HERE = "/home/ana/new"


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor finds always the same."""
    monkeypatch.setattr(doctor, "examine", lambda: FINDINGS)
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def nothing() -> FakeBackend:
    """No emulator yet."""
    backend = FakeBackend()
    backend.broken = GONE
    return backend


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_it_says_what_can_be_done_and_what_that_writes(
    nothing: FakeBackend, size: tuple[int, int], tmp_path: Path
) -> None:
    async with running(nothing, size, "welcome", folder=Path(HERE)) as (app, pilot):
        app.emulation = Emulation(nothing, tmp_path)  # type: ignore[assignment]
        await wait_text(pilot, "1.2 GiB free")
        await golden(pilot, "welcome")
        await pilot.press("down", "down", "d")
        await wait_text(pilot, "What happens when you press 3")
        await wait_text(pilot, "./script.sh")


async def test_nothing_is_written_before_a_choice(nothing: FakeBackend, tmp_path: Path) -> None:
    async with running(nothing, SMALL, "welcome", folder=tmp_path) as (_, pilot):
        await wait_text(pilot, "1.2 GiB free")
        await pilot.press("j", "j", "j", "j", "k", "d")
        await settle(pilot)
    assert list(tmp_path.iterdir()) == []


async def test_the_sample_is_copied_opened_and_the_emulator_started(
    nothing: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "true")
    async with running(nothing, SMALL, "welcome", folder=tmp_path) as (app, pilot):
        app.emulation = emulation = Emulation(nothing, tmp_path)  # type: ignore[assignment]
        await wait_text(pilot, "1.2 GiB free")
        await pilot.press("1")
        await wait_text(pilot, "Which pipeline?")
        await pilot.press("enter")
        await wait_text(pilot, "split-video")
        await wait_for(pilot, lambda: emulation.calls, "the start")
    assert (tmp_path / "hfaas-video" / "pipeline.yaml").is_file()
    assert not list(tmp_path.rglob("*.pyc"))
    assert emulation.calls == ["start"]
    assert app.settings.folder == tmp_path / "hfaas-video"


async def test_a_new_function_is_written_and_opened(nothing: FakeBackend, tmp_path: Path) -> None:
    async with running(nothing, SMALL, "welcome", folder=tmp_path) as (app, pilot):
        await wait_text(pilot, "1.2 GiB free")
        await pilot.press("3")
        await wait_for(pilot, lambda: app.screen.id == "view-deploy", "the Deploy view")
        assert (tmp_path / "script.sh").is_file()


async def test_a_folder_without_a_pipeline_is_refused_with_a_way_out(nothing: FakeBackend, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    async with running(nothing, WIDE, "welcome", folder=tmp_path) as (app, pilot):
        await wait_text(pilot, "1.2 GiB free")
        await pilot.press("2")
        await wait_text(pilot, "notes.txt")
        await pilot.press("tab", "down", "ctrl+s")
        await wait_text(pilot, "no pipeline in notes.txt")
        assert app.screen.id == "view-welcome"


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_the_tour_has_five_pages(nothing: FakeBackend, size: tuple[int, int]) -> None:
    async with running(nothing, size, "welcome", folder=Path(HERE)) as (app, pilot):
        await wait_text(pilot, "1.2 GiB free")
        await pilot.press("5")
        for number, (title, _) in enumerate(PAGES, 1):
            await wait_text(pilot, f"{title}  {number} of 5")
            if number == 2:
                await golden(pilot, "welcome-tour")
            await pilot.press("enter")
        await wait_for(pilot, lambda: app.screen.id == "view-welcome", "the end")


async def test_read_only_writes_nothing(nothing: FakeBackend, tmp_path: Path) -> None:
    async with running(nothing, SMALL, "welcome", folder=tmp_path, read_only=True) as (_, pilot):
        await wait_text(pilot, "1.2 GiB free")
        await pilot.press("1", "3")
        await wait_text(pilot, "read only: start without --read-only")
    assert list(tmp_path.iterdir()) == []


async def test_a_click_shows_a_choice_and_a_second_one_takes_it(nothing: FakeBackend) -> None:
    async with running(nothing, SMALL, "welcome", folder=Path(HERE)) as (app, pilot):
        await wait_text(pilot, "1.2 GiB free")
        row = next(n for n, line in enumerate(frame(app).splitlines()) if "60-second" in line)
        await pilot.click(offset=(10, row))
        await wait_text(pilot, "What happens when you press 5")
        await pilot.click(offset=(10, row))
        await wait_text(pilot, "1 of 5")
