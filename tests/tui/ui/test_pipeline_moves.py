"""What the Pipeline view leaves behind when it goes."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.tui.ui.screen import SMALL, running, wait_for, wait_text
from tests.tui.ui.world import FakeBackend, until


def movers() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if each.name == "hfaas-transfer"}


async def test_the_threads_that_put_files_in_end_with_the_view(backend: FakeBackend, tmp_path: Path) -> None:
    name = "scar-batch-ffmpeg-split"
    backend.has = {name: backend.has[name]}
    (tmp_path / "film.mp4").write_bytes(b"film")
    before = movers()
    async with running(backend, SMALL, "pipeline", folder=tmp_path) as (_, pilot):
        await wait_text(pilot, "scar-video/input")
        await pilot.press("down", "i")
        await wait_text(pilot, "film.mp4")
        await pilot.press(*"film.mp4", "enter")
        await wait_for(pilot, lambda: "s3://scar-video/input/film.mp4" in backend.objects, "upload")
        assert movers() - before
    until(lambda: not movers() - before)
