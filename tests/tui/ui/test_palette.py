"""The command palette."""

from __future__ import annotations

import pytest
from tests.tui.ui.screen import SMALL, WIDE, frame, golden, running, settle, under_cursor, wait_for, wait_text
from tests.tui.ui.world import FakeBackend, function


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_it_lists_what_can_be_done_now_and_finds_by_words(
    backend: FakeBackend, size: tuple[int, int]
) -> None:
    async with running(backend, size) as (_, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("ctrl+p")
        await wait_text(pilot, "Functions: open details")
        await pilot.press(*"prom")
        await wait_for(pilot, lambda: "open details" not in frame(pilot.app), "search")
        await golden(pilot, "palette")
        assert "🔎" not in frame(pilot.app)


async def test_it_finds_functions_buckets_runs_and_themes(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_for(pilot, lambda: app.store.places() and app.store.runs(), "first look at everything")
        for typed, found in (
            ("fn mrb", "fn scar-mrbayes"),
            ("s3 plants", "s3://plants"),
            ("run a91", "run a91e07c4"),
        ):
            await pilot.press("ctrl+p", *typed)
            await wait_text(pilot, found)
            await pilot.press("escape")
            await wait_for(pilot, lambda: not app.screen.is_modal, "closed palette")
        await pilot.press("ctrl+p", *"theme light")
        await wait_text(pilot, "Theme: hfaas-light")
        await settle(pilot)  # hits still come in, and move the one that enter takes
        await pilot.press("enter")
        await wait_for(pilot, lambda: app.theme == "hfaas-light", "other theme")


async def test_a_command_runs(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("ctrl+p", *"fn gray")
        await wait_text(pilot, "fn grayify")
        await settle(pilot)
        await pilot.press("enter")
        await wait_for(pilot, lambda: under_cursor(app) == "grayify", "cursor")


async def test_names_are_text_there_too(backend: FakeBackend) -> None:
    backend.has["[bold]x[/y]\x1b[2J"] = function("[bold]x[/y]\x1b[2J")
    async with running(backend, SMALL) as (_, pilot):
        await wait_text(pilot, "[bold]x")
        await pilot.press("ctrl+p", *"fn bold")
        await wait_text(pilot, "fn [bold]x[/y]")
        assert "\x1b" not in await settle(pilot)
