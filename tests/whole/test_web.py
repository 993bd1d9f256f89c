"""`hfaas-tui --web` as its user has it: the command, and a real browser that shows and drives the UI."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import cv2
import numpy as np
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse
from tests.whole.conftest import hello_in, hfaas_in, start

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|.)")
PATIENCE_S = 60
WIDTH, HEIGHT = 1180, 760


class Served:
    """The command in a directory, and what it said."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        with (directory / "web.log").open("wb") as log:
            self.child = subprocess.Popen(
                [Path(sys.executable).parent / "hfaas-tui", "--web", *arguments],
                cwd=directory,
                env={**os.environ, "HOME": str(directory), "TERM": "xterm-256color"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.child.stdout is not None
        self.said = self.child.stdout.readline() + self.child.stdout.readline()
        found = re.search(r"(http://127\.0\.0\.1:\d+)/([\w-]{43})/", self.said)
        assert found is not None, self.said
        self.address, self.origin, self.token = found[0], found[1], found[2]

    @property
    def uis(self) -> list[int]:
        """The processes behind browsers."""
        return [
            int(pid) for pid in Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split()
        ]

    def end(self) -> int:
        self.child.send_signal(signal.SIGINT)
        try:
            return self.child.wait(PATIENCE_S)
        finally:
            self.child.kill()
            self.child.wait()
            assert self.child.stdout is not None
            self.child.stdout.close()


class Page:
    """A page of a browser, driven by the protocol of its developer tools."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.requested: list[str] = []
        self.complaints: list[str] = []
        self.shown = ""
        """What the terminal was sent, without its escape sequences."""

    async def listen(self) -> None:
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
            else:
                self._note(told["method"], told["params"])

    def _note(self, method: str, told: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requested.append(told["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requested.append(told["url"])
        elif method == "Network.webSocketFrameReceived" and told["response"]["opcode"] == 2:
            data = base64.b64decode(told["response"]["payloadData"])
            self.shown += ESCAPES.sub("", data.decode("utf-8", "replace"))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(told["exceptionDetails"]["exception"]["description"])
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.complaints.append(told["entry"]["text"])

    async def call(self, method: str, **parameters: object) -> dict[str, Any]:
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        answer = await asyncio.wait_for(self._answers[number], PATIENCE_S)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    async def open(self, address: str) -> None:
        for domain in ("Network", "Page", "Runtime", "Log"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=address)

    async def value(self, script: str) -> Any:
        return (await self.call("Runtime.evaluate", expression=script))["result"].get("value")

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await asyncio.sleep(0.02)

    async def until_true(self, script: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not await self.value(script):
                await asyncio.sleep(0.02)

    async def click(self, x: int, y: int) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def type(self, key: str) -> None:
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def screenshot(self) -> bytes:
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])


@pytest.fixture
def browser() -> str:
    """The path of a Chromium; HFAAS_REQUIRE_BROWSER=1 makes a missing one a failure."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        if os.environ.get("HFAAS_REQUIRE_BROWSER") == "1":
            pytest.fail("HFAAS_REQUIRE_BROWSER=1, but there is no Chromium; install it with scripts/browser")
        pytest.skip("there is no Chromium")
    return found


@asynccontextmanager
async def page_of(browser: str, profile: Path) -> AsyncIterator[Page]:
    """Start a browser that can reach nothing but this machine; it ends with us."""
    process = await asyncio.create_subprocess_exec(
        browser,
        "--headless",
        "--no-sandbox",  # CI is root in a container
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--no-proxy-server",
        "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"--window-size={WIDTH},{HEIGHT}",
        f"--user-data-dir={profile}",
        "--remote-debugging-port=0",
        "about:blank",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        port = await _debugging_port(profile)
        async with (
            ClientSession() as client,
            client.ws_connect(await _first_page(client, port), max_msg_size=0) as socket,
        ):
            page = Page(socket)
            listening = asyncio.create_task(page.listen())
            yield page
            listening.cancel()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _debugging_port(profile: Path) -> int:
    file = profile / "DevToolsActivePort"
    async with asyncio.timeout(PATIENCE_S):
        while not file.exists() or "\n" not in file.read_text():
            await asyncio.sleep(0.02)
    return int(file.read_text().split()[0])


async def _first_page(client: ClientSession, port: int) -> str:
    """Wait for the browser's page, which comes after its port, and return where it is driven."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with client.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [each for each in await answer.json() if each["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
            await asyncio.sleep(0.02)


async def until_no_more(served: Served, uis: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(served.uis) > uis:
            await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with an emulator that has run the pipeline hello once."""
    directory = tmp_path_factory.mktemp("project")
    hfaas: Callable[..., CompletedProcess[str]] = hfaas_in(directory)
    start(hfaas, "process")
    hello_in(directory, "x")
    (directory / "letter.txt").write_text("hello")
    for call in (("deploy", "-f", "pipeline.yaml"), ("put", "letter.txt", "s3://greetings/in/")):
        done = hfaas(*call)
        assert done.returncode == 0, done.stderr
    yield directory
    hfaas("down")


@pytest.fixture
def served(project: Path) -> Iterator[Served]:
    made = Served(project)
    yield made
    made.end()


async def test_a_browser_shows_and_drives_the_ui_and_asks_nobody_else(
    browser: str, served: Served, tmp_path: Path
) -> None:
    async with page_of(browser, tmp_path / "profile") as page:
        await page.open(served.address)
        await page.until_true("document.body?.classList.contains('-first-byte')")
        await page.until(lambda: "LOCAL" in page.shown and "read only" in page.shown)
        before = await page.screenshot()
        await page.click(WIDTH // 2, HEIGHT // 2)
        page.shown = ""
        await page.type("3")
        await page.until(lambda: "letter.txt" in page.shown)
        await page.until_true("document.fonts.status == 'loaded'")
        async with asyncio.timeout(PATIENCE_S):
            while (
                _differing(before, after := await page.screenshot()) <= 0.01
            ):  # what was typed is seen, not only sent
                await asyncio.sleep(0.02)
        (tmp_path / "web.png").write_bytes(after)
        assert await page.value("document.activeElement.className") == "xterm-helper-textarea"
        assert page.complaints == []
        outside = [url for url in page.requested if not re.match(r"(http|ws)://127\.0\.0\.1:\d+/|data:", url)]
        assert outside == []
        assert any(url.startswith("ws://") for url in page.requested)
    await until_no_more(served, 0)


def _differing(*pictures: bytes) -> float:
    """Return the share of pixels that differ."""
    first, second = (cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR) for each in pictures)
    assert first is not None
    assert second is not None
    return float((first != second).any(axis=2).mean())


async def test_the_token_is_told_once_and_to_nobody_else(served: Served, project: Path) -> None:
    assert served.said.count(served.token) == 1
    async with ClientSession() as client, client.ws_connect(f"{served.address}ws", origin=served.origin) as socket:
        await socket.receive_bytes(timeout=PATIENCE_S)
        (ui,) = served.uis
        for file in (f"/proc/{ui}/cmdline", f"/proc/{ui}/environ", f"/proc/{served.child.pid}/cmdline"):
            assert served.token.encode() not in Path(file).read_bytes()
        assert b"--read-only" in Path(f"/proc/{ui}/cmdline").read_bytes()
    assert served.end() == 0
    assert not Path(f"/proc/{ui}").exists()
    assert (project / "web.log").read_text() == ""


async def test_uis_end_even_when_their_server_is_killed(served: Served) -> None:
    async with ClientSession() as client, client.ws_connect(f"{served.address}ws", origin=served.origin) as socket:
        await socket.receive_bytes(timeout=PATIENCE_S)
        (ui,) = served.uis
        served.child.kill()
        served.child.wait()
        async with asyncio.timeout(PATIENCE_S):
            while _is_alive(ui):
                await asyncio.sleep(0.02)


def _is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
