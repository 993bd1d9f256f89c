"""The trace of an object in the Pipeline view, while it is being looked for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import pytest
from tests.tui.ui.screen import WIDE, running, settle, wait_for, wait_text
from tests.tui.ui.world import FakeBackend, run

from hfaas_tui.ui.model import Condition

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.pipeline.view import Pipeline


@pytest.fixture
def split(backend: FakeBackend) -> FakeBackend:
    """A function that a clip came into."""
    name, clip = "scar-batch-ffmpeg-split", "s3://scar-video/input/clip-7.mp4"
    backend.has = {name: backend.has[name]}
    backend.runs = [run("7f3c11e1", name, Condition.OK, 90, 41.2, kind="job", origin=clip)]
    return backend


class Held:
    """Has questions about objects wait until the test lets them go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        head = FakeBackend.head

        def held(backend: FakeBackend, uri: str) -> Mapping[str, str]:
            self.asked.set()
            assert self.go.wait(60)
            return head(backend, uri)

        monkeypatch.setattr(FakeBackend, "head", held)


async def test_a_trace_that_is_closed_while_it_is_looked_at_stays_closed(
    split: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(split, WIDE, "pipeline") as (app, pilot):
        await wait_text(pilot, "scar-video/input")
        await pilot.press("t")
        await wait_text(pilot, "Trace of")
        held, tracing = Held(monkeypatch), cast("Pipeline", app.screen).tracing
        assert tracing.track
        uri = tracing.track.uri

        def looks() -> bool:
            tracing._trace(uri)
            return held.asked.is_set()

        await wait_for(pilot, looks, "the look")
        await pilot.press("escape")
        held.go.set()
        await wait_for(
            pilot, lambda: not any(each.is_running and each.group == "pipeline.trace" for each in app.workers), "it"
        )
        assert "Trace of" not in await settle(pilot)
        await pilot.press("t")
        await wait_text(pilot, "Trace of")


async def test_after_a_look_that_failed_comes_another(split: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Mapping[str, str]:
        raise ZeroDivisionError

    async with running(split, WIDE, "pipeline", has_defects=True) as (app, pilot):
        await wait_text(pilot, "scar-video/input")
        with monkeypatch.context() as context:
            context.setattr(FakeBackend, "head", broken)
            await pilot.press("t")
            await wait_text(pilot, "unexpected: ZeroDivisionError")
            await wait_for(pilot, lambda: not cast("Pipeline", app.screen).tracing._is_looking, "its end")
        await pilot.press("t")
        await wait_text(pilot, "Trace of clip-7.mp4")
