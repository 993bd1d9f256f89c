"""Toasts: at most three, repeats counted, errors until they are dismissed; all of them kept."""

from __future__ import annotations

import pytest
from tests.tui.ui.screen import SMALL, frame, golden, running, settle, wait_for, wait_text
from tests.tui.ui.world import FakeBackend
from textual.notifications import Notification

from hfaas_tui.ui import toasts
from hfaas_tui.ui.model import Condition


def test_repeats_are_counted_and_the_oldest_that_is_no_error_goes_first() -> None:
    shown: list[Notification] = []
    for text, severity in (
        ("a", "error"),
        ("b", "information"),
        ("c", "warning"),
        ("c", "warning"),
        ("d", "error"),
    ):
        new, gone = toasts.merged(toasts.made(text, "", severity, None), shown)  # type: ignore[arg-type]
        shown = [*(each for each in shown if each not in gone), new]
    assert [(each.message, each.title) for each in shown] == [("a", ""), ("c", "×2"), ("d", "")]


async def test_three_toasts_at_most_and_escape_dismisses_errors(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        for _ in range(4):
            app.say("cannot reach [/etc] of the bucket \x1b[2J[bold", Condition.FAILED)
        app.say("one")
        app.say("two", Condition.FAILED)  # errors stay, so that a slow machine sees the same
        app.say("three", Condition.FAILED)
        await wait_text(pilot, "three")
        await golden(pilot, "toasts")
        await pilot.press("escape")
        await wait_for(pilot, lambda: "cannot reach" not in frame(app), "dismissed error")
        assert app.screen.id == "view-functions"
        await pilot.press("ctrl+g")
        await wait_text(pilot, "Messages")
        assert frame(app).count("cannot reach [/etc]") == 4
        app.clear_notifications()
        await golden(pilot, "messages")


async def test_a_toast_leads_to_what_it_is_about(backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toasts, "USUAL_S", toasts.FOR_GOOD_S)
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("j", "j", "j")
        app.say("look at it", link=("functions", "grayify"))
        await wait_text(pilot, "click or ^l opens it")
        await pilot.click("Toast")
        await wait_text(pilot, "▸ ✓ ready  grayify")
        assert "look at it" not in await settle(pilot)
