"""Take the pictures of docs/images: drive the terminal UI on a running emulator and let Chromium paint its screens.

The emulator runs in a copy of samples/video (`hfaas up --detach`), which is deployed, and was given a film with people
and a file that is none, `broken.avi`. Then: `python scripts/screenshots.py COPY [SCENE...]`.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import struct
import subprocess
import tempfile
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from textual.pilot import Pilot

from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.emulator.local_backend import LocalBackend
from hfaas_tui.ui.settings import Settings

PATIENCE_S = 60
QUIET_S = 1.0
SIZE = (120, 36)
PALETTE = 256
LARGEST = 140_000
FONT = "'DejaVu Sans Mono', monospace"
_WEB_FONTS = re.compile(r"@font-face\s*{[^}]*}")
_FONT = re.compile(r"font-family:[^;]*;")
_VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


class Scene:
    """The UI while one picture is taken."""

    def __init__(self, app: HfaasApp, pilot: Pilot[int], folder: Path) -> None:
        self.app = app
        self.folder = folder
        self._pilot = pilot

    @property
    def frame(self) -> str:
        """Return what is on the screen."""
        strips = self.app.screen._compositor.render_strips()  # noqa: SLF001 - there is no other way
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type a text as it stands."""
        await self._pilot.press(*("space" if char == " " else char for char in text))

    async def go(self, place: str) -> None:
        """Go to a place by the line that `:` opens."""
        await self.press("colon")
        await self.type(place)
        await self.press("enter")
        await self.rest()

    async def until(self, text: str) -> None:
        """Wait until a text is on the screen."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.frame:
            if time.monotonic() > deadline:
                raise SystemExit(f"no {text!r} on the screen:\n{self.frame}")
            await self._pilot.pause(0.05)

    async def rest(self) -> None:
        """Wait until nothing but gauges moves any more."""
        await self._pilot.pause(QUIET_S)


async def functions(scene: Scene) -> None:
    await scene.until("detect-people")
    await scene.go("functions detect-people")


async def logs(scene: Scene) -> None:
    await scene.go("logs")
    await scene.press("slash")
    await scene.type("people in|video: |ended with")
    await scene.press("enter")
    await scene.rest()


async def runs(scene: Scene) -> None:
    await scene.go("runs")
    await scene.press("r", "k", "enter")
    await scene.press("slash")
    await scene.type("fail")
    await scene.press("enter")
    await scene.rest()
    await scene.press("slash", "escape")


async def storage(scene: Scene) -> None:
    await scene.go("s3 hfaas-video/people/")
    await scene.press("j", "j", "j", "j")
    await scene.until("▀")


async def preview(scene: Scene) -> None:
    await storage(scene)
    await scene.press("z")


async def pipeline(scene: Scene) -> None:
    await scene.go("pipeline")


async def deploy(scene: Scene) -> None:
    """Show the editor on a pipeline with mistakes."""
    file = scene.folder / "pipeline.yaml"
    text = file.read_text()
    wrong = text.replace("timeout: 300", "timeout: 3000").replace("execution_mode: batch", "execution_mode: bach")
    file.write_text(wrong)
    await scene.go("deploy")
    await scene.until("errors")
    await scene.press("f3")


async def promote(scene: Scene) -> None:
    """Show the plan for what plays AWS, which HFAAS_AWS_STAND_IN names."""
    await scene.go("promote")
    await scene.press("P")
    await scene.until("continue to confirm")


async def system(scene: Scene) -> None:
    await scene.go("system")
    await scene.rest()


SCENES: Mapping[str, Callable[[Scene], Awaitable[None]]] = {
    each.__name__: each for each in (functions, logs, runs, storage, preview, pipeline, deploy, promote, system)
}


async def take(name: str, folder: Path, output: Path) -> None:
    """Run the UI for one scene and keep what it ends with."""
    state = folder / ".hfaas"
    pipeline = folder / "pipeline.yaml"
    settings = Settings(folder=folder, state=state, pipeline=pipeline, is_named=True)
    app = HfaasApp(LocalBackend(state, None, pipeline), settings=settings)
    text = pipeline.read_text()
    try:
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            scene = Scene(app, pilot, folder)
            await SCENES[name](scene)
            await scene.rest()
            print(scene.frame)
            paint(bare(app.export_screenshot(title="hfaas-tui")), output / f"{name}.png")
    finally:
        pipeline.write_text(text)


def bare(svg: str) -> str:
    """Return an image that needs no font from elsewhere."""
    return _FONT.sub(f"font-family: {FONT};", _WEB_FONTS.sub("", svg))


def paint(svg: str, file: Path) -> None:
    """Have Chromium make pixels of it."""
    found = _VIEW_BOX.search(svg)
    assert found
    width, height = (round(float(each)) for each in found.groups())
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "screen.html"
        style = "body{margin:0;background:#0f141b}svg{display:block}"
        page.write_text(f'<!DOCTYPE html><meta charset="utf-8"><style>{style}</style>{svg}', encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        size = f"--window-size={width},{height}"
        subprocess.run(
            ["chromium", *options, size, f"--screenshot={file}", page.as_uri()], check=True, capture_output=True
        )
    shrink(file)


def shrink(file: Path) -> None:
    """Give a picture a palette, as coarse as it takes to be small: nobody sees it."""
    read = cv2.imread(str(file))
    assert read is not None
    pixels = np.asarray(read)[:, :, ::-1]
    colours, numbers, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    often = np.argsort(counts)
    for step in (16, 20, 24, 32, 48, 64):
        _, alike = np.unique(colours // step, axis=0, return_inverse=True)
        if alike.max() >= PALETTE:
            continue
        palette = np.zeros((alike.max() + 1, 3), np.uint8)
        palette[alike[often]] = colours[often]  # of colours that are alike the most common one, which comes last
        file.write_bytes(png(palette, alike[numbers].reshape(pixels.shape[:2])))
        if file.stat().st_size < LARGEST:
            break


def png(palette: NDArray[np.uint8], numbers: NDArray[np.intp]) -> bytes:
    """Return a PNG file of numbers of colours."""
    height, width = numbers.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = numbers
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", head),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a part of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=", ".join(SCENES))
    parser.add_argument("--output", type=Path, default=Path("docs/images"))
    found = parser.parse_args()
    found.output.mkdir(parents=True, exist_ok=True)
    for name in found.scenes or SCENES:
        asyncio.run(take(name, found.folder.absolute(), found.output.absolute()))


if __name__ == "__main__":
    main()
