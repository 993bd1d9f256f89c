"""The UI in a browser: who gets in, what leaves, and that no child is left."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest
from aiohttp import ClientResponse, ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.ui import __main__ as entry
from hfaas_tui.ui import web
from hfaas_tui.ui.options import parse
from hfaas_tui.ui.web import server as serving
from hfaas_tui.ui.web import session as sessions
from hfaas_tui.ui.web.server import LocalServer

TOKEN = "t" * 43

CHILD = """
import os, sys
def packet(kind, data): os.write(1, kind + len(data).to_bytes(4, "big") + data)
os.write(1, b"__GANGLION__\\n")
packet(b"D", b"pid=%d " % os.getpid() + b"env=" + repr(sorted(os.environ.items())).encode() + b"=env")
while (kind := sys.stdin.buffer.read(1)):
    data = sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(4), "big"))
    packet(b"D", kind + data)
    if b"quit" in data: break
"""
"""What Textual's web driver says and hears, without Textual."""

STUBBORN = CHILD.replace(": break", ": import time; time.sleep(60)")
BROKEN = r"import sys; sys.stderr.write('error: \x1b]0;x\x07no such file\n'); sys.exit(2)"
LOUD = CHILD + 'packet(b"M", b\'{"type": "open_url", "url": "http://example.org", "new_tab": true}\')\n'


class Served:
    """A server and a browser without eyes."""

    def __init__(self, child: str = CHILD) -> None:
        listener = web.listen(0)
        self.server = LocalServer([sys.executable, "-c", child], listener, TOKEN)
        self.port = self.server.port
        self.origin = f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self.client = ClientSession()
        self.running = asyncio.create_task(self.server.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        await self.end()

    async def end(self) -> None:
        self.server.request_exit()
        await self.running

    async def get(self, path: str, **headers: str) -> ClientResponse:
        async with self.client.get(f"{self.origin}{path}", headers=headers, allow_redirects=False) as answer:
            await answer.read()
            return answer

    async def open(self, path: str = f"/{TOKEN}/ws", **headers: str) -> ClientWebSocketResponse:
        return await self.client.ws_connect(f"{self.origin}{path}?width=90&height=30", headers=headers)

    async def opened(self) -> tuple[ClientWebSocketResponse, str]:
        """Open as our page does; returns what the child said first, too."""
        websocket = await self.open(Origin=self.origin)
        return websocket, (await websocket.receive_bytes(timeout=60)).decode()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with Served() as made:
        yield made


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Give the loggers back as they were."""
    kept = [(each, each.handlers, each.propagate, each.level) for each in map(logging.getLogger, serving.LOGGERS)]
    yield
    for each, handlers, propagate, level in kept:
        each.handlers, each.propagate, each.level = handlers, propagate, level


async def until_gone(pid: int, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "path",
    ["/", "/static/", "/ws", "/page.js", f"/{'x' * 43}/", f"/{TOKEN}", f"/{TOKEN}x/", "/%74/", f"//{TOKEN}/"],
)
async def test_without_the_token_there_is_nothing(served: Served, path: str) -> None:
    assert (await served.get(path)).status == 404


async def test_the_page_is_there_with_the_token_under_both_names(served: Served) -> None:
    for host in (f"127.0.0.1:{served.port}", f"localhost:{served.port}"):
        answer = await served.get(f"/{TOKEN}/", Host=host)
        assert answer.status == 200
        assert f'"ws://{host}/{TOKEN}/ws"' in await answer.text()


@pytest.mark.parametrize(
    "host", ["example.org", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", "x.localhost:{port}", ""]
)
async def test_another_name_for_this_machine_is_refused(served: Served, host: str) -> None:
    answer = await served.get(f"/{TOKEN}/", Host=host.format(port=served.port))
    assert answer.status == 403
    assert TOKEN not in await answer.text()


async def test_a_page_of_elsewhere_is_refused(served: Served) -> None:
    for origin in ("http://example.org", "null", f"https://127.0.0.1:{served.port}", "http://127.0.0.1:1"):
        assert (await served.get(f"/{TOKEN}/", Origin=origin)).status == 403
        with pytest.raises(WSServerHandshakeError) as refused:
            await served.open(Origin=origin)
        assert refused.value.status == 403


async def test_a_websocket_of_no_page_is_refused(served: Served) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await served.open()
    assert refused.value.status == 403


async def test_a_websocket_needs_the_token(served: Served) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await served.open("/ws", Origin=served.origin)
    assert refused.value.status == 404


async def test_what_is_typed_goes_to_the_ui_and_what_it_paints_comes_back(served: Served) -> None:
    websocket, _ = await served.opened()
    await websocket.send_json(["stdin", "3"])
    assert await websocket.receive_bytes(timeout=60) == b"D3"
    await websocket.send_json(["resize", {"width": 100, "height": 40}])
    assert b'"resize"' in await websocket.receive_bytes(timeout=60)
    await websocket.send_json(["ping", "7"])
    assert await websocket.receive_json(timeout=60) == ["pong", "7"]
    await websocket.close()


async def test_the_page_and_what_it_loads_name_nothing_outside(served: Served) -> None:
    page = await (await served.get(f"/{TOKEN}/")).text()
    assert re.findall(r"\w+://[\w.:]+", page) == [f"ws://127.0.0.1:{served.port}"]
    assert page.count("//") == 1
    loaded = re.findall(r'(?:src|href)="([\w./-]+\.\w+)"|url\("([^"]+)"\)', page)
    assert len(loaded) == 4
    for path in map("".join, loaded):
        assert (await served.get(f"/{TOKEN}/{path}")).status == 200, path
    style = await (await served.get(f"/{TOKEN}/static/css/xterm.css")).text()
    assert "url(" not in style
    assert "import" not in style


async def test_no_answer_lets_a_page_reach_out_or_tell_the_address(served: Served) -> None:
    for path in (f"/{TOKEN}/", f"/{TOKEN}/static/js/textual.js", "/"):
        headers = (await served.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "sandbox allow-scripts allow-same-origin" in policy
        assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store")


async def test_folders_are_not_listed_and_not_left(served: Served) -> None:
    for path in ("static/", "static/js", "static/../page.html", "static/..%2f..%2fserver.py", "download/x"):
        assert (await served.get(f"/{TOKEN}/{path}")).status in {403, 404}, path


async def test_only_this_machine_is_listened_to(served: Served) -> None:
    assert served.server._listener.getsockname()[0] == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):  # as would be answered on 0.0.0.0
        socket.create_connection(("127.0.0.2", served.port), timeout=5).close()


async def test_a_browser_that_goes_ends_its_ui_and_no_other(served: Served) -> None:
    (first, told), (second, other) = await served.opened(), await served.opened()
    pids = [int(re.findall(r"pid=(\d+)", text)[0]) for text in (told, other)]
    assert pids[0] != pids[1]
    await first.close()
    await until_gone(pids[0])
    await second.send_json(["stdin", "x"])
    assert await second.receive_bytes(timeout=60) == b"Dx"
    await second.close()
    await until_gone(pids[1])


async def test_a_ui_that_ends_closes_its_websocket(served: Served) -> None:
    websocket, told = await served.opened()
    await websocket.send_json(["stdin", "quit"])
    assert await websocket.receive_bytes(timeout=60) == b"Dquit"
    assert (await websocket.receive(timeout=60)).type == WSMsgType.CLOSE
    await until_gone(int(re.findall(r"pid=(\d+)", told)[0]))


async def test_the_end_of_the_server_ends_all_uis() -> None:
    async with Served() as served:
        told = [(await served.opened())[1] for _ in range(3)]
        await served.end()
        for text in told:
            assert not Path(f"/proc/{re.findall(r'pid=(.*?) ', text)[0]}").exists()


async def test_a_ui_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "GRACE_S", 0.2)
    async with Served(STUBBORN) as served:
        websocket, told = await served.opened()
        await websocket.close()
        await until_gone(int(re.findall(r"pid=(\d+)", told)[0]))


async def test_a_ui_that_cannot_start_says_why_on_both_sides(capsys: pytest.CaptureFixture[str]) -> None:
    async with Served(BROKEN) as served:
        websocket = await served.open(Origin=served.origin)
        assert (await websocket.receive_bytes(timeout=60)).endswith(b"error: no such file")
        assert (await websocket.receive(timeout=60)).type == WSMsgType.CLOSE
    assert capsys.readouterr().err == "error: no such file\n"


async def test_a_ui_cannot_have_the_browser_open_pages() -> None:
    async with Served(LOUD) as served:
        websocket, _ = await served.opened()
        await websocket.send_json(["stdin", "quit"])
        assert await websocket.receive_bytes(timeout=60) == b"Dquit"
        assert (await websocket.receive(timeout=60)).type == WSMsgType.CLOSE


async def test_too_many_browsers_are_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MOST", 1)
    websocket, _ = await served.opened()
    with pytest.raises(WSServerHandshakeError) as refused:
        await served.open(Origin=served.origin)
    assert refused.value.status == 503
    await websocket.close()


@pytest.mark.parametrize("said", ["no JSON", "{}", '["stdin"]', '["resize", 7]', '["stdin", 7]'])
async def test_what_is_no_part_of_the_protocol_ends_that_browser_only(
    capsys: pytest.CaptureFixture[str], served: Served, said: str
) -> None:
    websocket, told = await served.opened()
    await websocket.send_str(said)
    assert (await websocket.receive(timeout=60)).type == WSMsgType.CLOSE
    await until_gone(int(re.findall(r"pid=(\d+)", told)[0]))
    assert capsys.readouterr().err == "warning: a browser said what is no part of the protocol\n"
    assert (await served.get(f"/{TOKEN}/")).status == 200


async def test_the_ui_knows_a_terminal_of_its_own_and_not_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "linux")
    monkeypatch.setenv("TMUX", "x")
    async with Served() as served:
        websocket, told = await served.opened()
        environment = told.partition("env=")[2].partition("=env")[0]
        assert all(text in environment for text in ("xterm-256color", "'COLUMNS', '90'", "web_driver:WebDriver"))
        assert "'TMUX'" not in environment
        assert TOKEN not in environment
        await websocket.close()


async def test_nothing_is_logged_of_requests_and_the_token_of_no_defect(
    capsys: pytest.CaptureFixture[str], served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await served.get(f"/{TOKEN}/")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(serving, "HERE", Path(f"/nowhere/{TOKEN}"))
    answer = await served.get(f"/{TOKEN}/")
    assert answer.status == 500
    assert TOKEN not in await answer.text()
    told = capsys.readouterr().err
    assert "FileNotFoundError" in told
    assert TOKEN not in told
    assert told.count("\n") == 1


def test_the_ui_behind_a_browser_gets_what_was_asked_for() -> None:
    all_of_them = [
        "--state=a b",
        "--view=runs",
        "--theme=hfaas-light",
        "--demo",
        "--ascii",
        "--no-mouse",
        "--speed=2",
    ]
    for given in (all_of_them, ["--endpoint=http://127.0.0.1:1"], ["--replay=-x; rm"], [os.curdir]):
        asked = parse([*given, "--web=8080", "--web-write"])
        python, *flags, module = web.call(asked)[:4]
        assert (python, flags, module) == (sys.executable, ["-P", "-m"], "hfaas_tui.ui")
        assert parse(web.call(asked)[4:]) == replace(asked, web=None, web_write=False)
        looking = parse([*given, "--web"])
        assert parse(web.call(looking)[4:]) == replace(looking, web=None, read_only=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--web", "--host", "0.0.0.0"], "this machine only"),
        (["--web", "70000"], "no port 70000"),
        (["--web", "--record", "x"], "do not go together"),
        (["--web-write"], "goes with --web"),
        (["--web", "--web-write", "--read-only"], "not with --read-only"),
    ],
)
def test_what_is_not_served_is_refused_in_words(arguments: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse(arguments)
    assert parse(["--web", "--host", "localhost"]).web == 0


def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    taken = web.listen(0)
    with pytest.raises(CliError, match="cannot be had"):
        web.listen(taken.getsockname()[1])
    assert entry.main(["--web", str(taken.getsockname()[1])]) == 1
    assert "hint: name another port" in capsys.readouterr().err
    taken.close()
