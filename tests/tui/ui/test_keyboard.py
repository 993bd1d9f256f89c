"""What is typed faster than the screen changes, and keys whose action fails."""

from __future__ import annotations

import pytest
from tests.tui.ui.screen import SMALL, frame, running, under_cursor, wait_for, wait_text
from tests.tui.ui.world import FakeBackend
from textual.events import Key

from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.screens.functions.view import Functions
from hfaas_tui.ui.widgets.chrome import ChromeLine
from hfaas_tui.ui.widgets.vtable import VTable

NAMED = {":": "colon", " ": "space", "\r": "enter", "\x1b": "escape", "\x10": "ctrl+p"}


def type_at_once(app: HfaasApp, text: str) -> None:
    """Type a text as a terminal hands it over that was pasted into: all before anything of it had an effect."""
    for char in text:
        app.post_message(Key(NAMED.get(char, char), char))


async def test_what_is_typed_at_once_after_a_colon_is_in_the_line(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        type_at_once(app, ":fn mrb\r")
        await wait_for(pilot, lambda: not app.screen.is_modal and under_cursor(app) == "scar-mrbayes", "cursor")


async def test_keys_after_the_line_are_for_the_view_that_it_led_to(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        type_at_once(app, ":run\r:messages\r")
        await wait_text(pilot, "Nothing was said yet.")
        type_at_once(app, "\x1b:sto\r")
        await wait_text(pilot, "scar-video")


async def test_what_is_typed_at_once_is_searched_in_the_palette(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        type_at_once(app, "\x10fn mrb")
        await wait_text(pilot, "fn scar-mrbayes")


async def test_what_is_typed_at_once_after_a_slash_filters(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        app.post_message(Key("slash", "/"))
        type_at_once(app, "mrb")
        await wait_for(pilot, lambda: "grayify" not in frame(app) and "scar-mrbayes" in frame(app), "filtered list")


async def test_what_is_typed_while_the_app_ends_is_for_nobody(backend: FakeBackend) -> None:
    taken: list[str] = []

    async def deliver() -> None:
        taken.append("key")

    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
    await app.keyboard.typed(deliver)
    assert not app.screen_stack
    assert not taken


def broken(*_: object) -> None:
    raise ValueError("token=AKIAABCDEFGHIJKLMNOP is no number")


async def test_an_action_that_fails_is_told_and_the_next_key_works(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Functions, "action_copy", broken)
    async with running(backend, SMALL, has_defects=True) as (app, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("c")
        await wait_text(pilot, "unexpected: ValueError")
        assert "AKIA" not in frame(app)
        assert "details in" in app.store.messages()[-1].text
        type_at_once(app, "c:fn mrb\r")
        await wait_for(pilot, lambda: not app.screen.is_modal and under_cursor(app) == "scar-mrbayes", "cursor")


@pytest.mark.parametrize("handler", ["on_key", "on_focus"])
async def test_a_list_whose_handler_fails_goes_on(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, handler: str
) -> None:
    async with running(backend, SMALL, has_defects=True) as (app, pilot):
        await wait_text(pilot, "grayify")
        monkeypatch.setattr(VTable, handler, broken, raising=False)
        before = under_cursor(app)
        await pilot.press("j", "tab", "shift+tab", "tab")
        await wait_for(pilot, lambda: app.defects.met, "defect")
        monkeypatch.undo()
        app.screen.query(VTable).first().focus()
        await pilot.press("g", "j")
        await wait_for(pilot, lambda: under_cursor(app) != before, "next row")


async def test_a_timer_that_fails_is_told_and_others_go_on(backend: FakeBackend) -> None:
    async with running(backend, SMALL, has_defects=True) as (app, pilot):
        await wait_text(pilot, "grayify")
        app.set_timer(0.01, broken)
        app.screen.call_after_refresh(broken)
        await wait_for(pilot, lambda: len(app.defects.met) == 2, "defects")
        await pilot.press("3")
        await wait_for(pilot, lambda: app.screen.id == "view-runs", "runs")


async def test_a_view_that_cannot_be_made_leaves_the_one_before(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(backend, SMALL, has_defects=True) as (app, pilot):
        await wait_text(pilot, "grayify")
        monkeypatch.setattr("hfaas_tui.ui.app._made", broken)
        await pilot.press("3")
        await wait_text(pilot, "unexpected: ValueError")
        await pilot.press("j")
        assert isinstance(app.screen, Functions)


async def test_a_screen_that_cannot_be_painted_ends_the_app_quietly(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="no number"):
        async with running(backend, SMALL, has_defects=True) as (app, pilot):
            await wait_text(pilot, "grayify")
            monkeypatch.setattr(ChromeLine, "render_line", broken)
            await pilot.press("3")
            await wait_for(pilot, lambda: not app.is_running, "end")
