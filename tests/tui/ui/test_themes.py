"""Themes: contrast by numbers, the terminal's own colours, and no colour at all."""

from __future__ import annotations

import pytest
from tests.tui.ui.screen import SMALL, frame, running, settle, wait_for, wait_text
from tests.tui.ui.world import FakeBackend, sample
from textual.color import Color
from textual.pilot import Pilot

from hfaas_tui.ui import themes
from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.widgets.vtable import VTable

READABLE = 4.5
"""Contrast that normal text needs."""


@pytest.mark.parametrize("theme", themes.OURS, ids=lambda theme: theme.name)
def test_every_colour_of_text_is_readable_on_what_is_behind_it(theme: object) -> None:
    assert isinstance(theme, type(themes.DARK))
    variables = theme.variables
    texts = [
        theme.foreground,
        *(variables[f"text-{name}"] for name in ("muted", "success", "warning", "error", "accent")),
    ]
    for behind in (theme.surface, theme.panel):
        for text in texts:
            assert contrast(text, behind) >= READABLE, (text, behind)
    for state in ("block-cursor", "block-cursor-blurred"):
        text = variables.get(f"{state}-foreground", theme.foreground)
        assert contrast(text, variables[f"{state}-background"]) >= READABLE, state


async def everything(pilot: Pilot[int]) -> None:
    """Wait until all that the target has is on the screen: functions, lines, runs and places."""
    await wait_text(pilot, "No log lines of deep-audio yet.")
    await wait_text(pilot, "2▶ 1◌  ✓4/4")


@pytest.mark.parametrize("name", themes.NAMES)
async def test_the_words_are_the_same_in_every_theme(name: str) -> None:
    async with running(sample(), SMALL, theme=name) as (app, pilot):
        await everything(pilot)
        assert app.theme == name
        found = await settle(pilot)
    async with running(sample(), SMALL) as (_, pilot):
        await everything(pilot)
        assert await settle(pilot) == found


async def test_without_colour_the_cursor_and_the_view_are_reversed(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        await settle(pilot)
        assert app.no_color
        cursor = app.screen.query_one("#list", VTable).render_line(1)
        assert all(segment.style and segment.style.reverse for segment in cursor if segment.text.strip())
        assert "[1 Func]" in reversed_text(app, 1)
        assert "LOCAL emulator" in reversed_text(app, 0)


async def test_a_theme_that_is_not_there_is_told(backend: FakeBackend) -> None:
    async with running(backend, SMALL, theme="pink") as (app, pilot):
        await wait_for(pilot, lambda: "no theme pink" in frame(app), "warning")


def contrast(text: str | None, behind: str | None) -> float:
    """Return the contrast ratio of WCAG 2."""
    light, dark = sorted((luminance(Color.parse(text or "")), luminance(Color.parse(behind or ""))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: Color) -> float:
    parts = [value / 255 for value in color.rgb]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def reversed_text(app: HfaasApp, y: int) -> str:
    """Return what of a line of the screen is reversed."""
    strip = app.screen._compositor.render_strips()[y]
    return "".join(segment.text for segment in strip if segment.style and segment.style.reverse)
