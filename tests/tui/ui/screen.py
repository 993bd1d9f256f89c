"""What is on the screen, as text; waiting for it; comparing it with a golden frame."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from tests.tui.ui.world import NOW, FakeBackend
from textual.app import App
from textual.pilot import Pilot

from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.settings import Settings
from hfaas_tui.ui.widgets.vtable import VTable

GOLDEN = Path(__file__).parent / "golden"
WIDE, SMALL = (120, 36), (80, 24)
PATIENCE_S = 60
SETTLES_S = 10
"""How long a screen may go on changing, and how long it may take to become the golden one."""


def frame(app: App[Any]) -> str:
    """Return exactly what is on the screen, dialogs included."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips) + "\n"


class Hands(Pilot[int]):
    """Presses a key once the one before it has had its effect; `Pilot` only guesses that from the process's rest."""

    async def press(self, *keys: str) -> None:
        app = cast("HfaasApp", self.app)
        for key in keys:
            await super().press(key)
            await wait_for(self, lambda: app.keyboard.is_quiet or not app.is_running, "effect of a key")


@asynccontextmanager
async def running(
    backend: FakeBackend,
    size: tuple[int, int] = WIDE,
    first: str = "functions",
    *,
    has_defects: bool = False,
    **settings: Any,
) -> AsyncIterator[tuple[HfaasApp, Pilot[int]]]:
    """Run the UI on a target, its clock standing still."""
    app = HfaasApp(backend, settings=Settings(fps=50, **settings), clock=lambda: NOW, first=first)
    async with app.run_test(size=size, notifications=True):
        pilot = Hands(app)
        await wait_for(pilot, lambda: app.screen.id == f"view-{first}", "the first view")
        yield app, pilot
        if not has_defects:
            assert not app.defects.met, app.defects.met


async def wait_for(pilot: Pilot[Any], condition: Callable[[], object], what: str = "") -> None:
    """Wait until a condition holds; the failure shows the screen."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"no {what}:\n{frame(pilot.app)}"
        await pilot.pause(0.01)


async def wait_text(pilot: Pilot[Any], text: str) -> None:
    """Wait until a text is on the screen."""
    await wait_for(pilot, lambda: text in frame(pilot.app), repr(text))


def under_cursor(app: App[Any]) -> str:
    """Return the name of what the cursor of the list is on."""
    table = next(iter(app.screen.query(VTable)), None)  # none in a dialog that has not gone yet
    row = table.selected if table is not None else None
    return row.name if row is not None else ""


async def settle(pilot: Pilot[int], quiet: float = 0.2) -> str:
    """Wait until the screen has not changed for a while, and return it.

    The app may rest for longer than that while the store has no news, so it is told to look each time.
    """
    last, since = "", time.monotonic()
    deadline = since + SETTLES_S
    while time.monotonic() - since < quiet and time.monotonic() < deadline:
        if isinstance(pilot.app, HfaasApp):
            pilot.app.call_later(pilot.app.poll)
        await pilot.pause(0.02)
        now = frame(pilot.app)
        if now != last:
            last, since = now, time.monotonic()
    return last


async def golden(pilot: Pilot[int], name: str) -> None:
    """Compare the screen with the golden frame of this name; `UPDATE_GOLDEN=1` accepts what is there."""
    file = GOLDEN / f"{name}-{pilot.app.size.width}x{pilot.app.size.height}.txt"
    found, deadline = await settle(pilot), time.monotonic() + SETTLES_S
    wanted = file.read_text() if file.exists() else found
    while found != wanted and not os.environ.get("UPDATE_GOLDEN") and time.monotonic() < deadline:
        found = await settle(pilot)  # quiet was only the machine, busy elsewhere
    width = pilot.app.size.width
    assert all(len(line) <= width for line in found.splitlines()), found
    assert all(char.isprintable() or char == "\n" for char in found), found
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(found)
    assert found == file.read_text(), f"{file.name} is another:\n{found}"
