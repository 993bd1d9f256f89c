"""The Runs view on a real emulator: what happens there is on the screen, and what is asked here happens there."""

from __future__ import annotations

import asyncio

from tests.tui.conftest import Batch
from tests.tui.ui.screen import WIDE, wait_for, wait_text

from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.emulator.local_backend import LocalBackend
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.screens.runs.view import Runs
from hfaas_tui.ui.settings import Settings


async def test_a_job_fails_runs_again_and_one_that_waits_is_cancelled(endpoint: str, batch: Batch) -> None:
    loop = asyncio.get_running_loop()
    name = await loop.run_in_executor(None, batch.done, "fail", "3")
    app = HfaasApp(LocalBackend(None, endpoint), settings=Settings(fps=50), first="runs")
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await wait_for(pilot, lambda: isinstance(app.screen, Runs))
        view = app.screen
        assert isinstance(view, Runs)
        app.go("runs", name)
        await wait_for(pilot, lambda: view.run and view.run.id == name, "job that failed")
        await wait_text(pilot, "exit 3")
        await pilot.press("enter")
        await wait_text(pilot, "attempts")
        await pilot.press("right_square_bracket", "right_square_bracket", "right_square_bracket")
        await wait_text(pilot, "job.submitted")
        await pilot.press("escape", "a")
        await wait_for(pilot, lambda: view.run and view.run.id != name and view.run.is_over, "second run")
        assert view.run is not None
        assert view.run.state is Condition.FAILED

        await loop.run_in_executor(None, lambda: batch.submit("sleep", vcpus="2"))
        second = await loop.run_in_executor(None, batch.submit, "sleep")
        app.go("runs", second)
        await wait_text(pilot, "waits    ")
        await pilot.press("x")
        await wait_text(pilot, "Cancel job")
        await pilot.press("y")
        await wait_for(pilot, lambda: view.run and view.run.state is Condition.STOPPED, "cancelled job")
