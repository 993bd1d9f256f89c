from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer

import pytest

from hfaas_emulator.containers import select
from hfaas_emulator.containers.connection import OLDEST_API, connect
from hfaas_emulator.containers.select import choose
from hfaas_emulator.errors import EngineError


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose DOCKER_HOST leads nowhere."""
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    return path


def refusal(deadline_s: float = 60) -> EngineError:
    with pytest.raises(EngineError) as caught:
        connect(deadline_s)
    return caught.value


def test_a_missing_socket_is_told_as_such(nobody: Path) -> None:
    error = refusal()
    assert error.message == f"no Docker engine: there is no socket at unix://{nobody}"
    assert "install and start Docker" in error.hint


def test_a_socket_that_nobody_serves_is_told_as_such(nobody: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(nobody))
    error = refusal()
    assert "nobody answers" in error.message
    assert "start Docker" in error.hint


def test_an_engine_that_is_silent_is_given_up_soon(nobody: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(nobody))
        silent.listen()
        assert "does not answer within 1 s" in refusal(1).message


class Old(BaseHTTPRequestHandler):
    """An engine of another time."""

    lateness_s = 0.0

    def do_GET(self) -> None:
        time.sleep(self.lateness_s)
        body = b'{"Version": "19.03.15", "ApiVersion": "1.40"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "the test"

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def old(nobody: Path) -> Iterator[None]:
    """A machine whose engine is of another time."""
    with UnixStreamServer(str(nobody), Old) as engine:
        thread = threading.Thread(target=engine.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            engine.shutdown()
            thread.join()


@pytest.mark.usefixtures("old")
def test_an_engine_that_is_too_old_is_refused_with_the_version_that_is_needed() -> None:
    error = refusal()
    assert (error.message, error.hint) == (
        "the Docker engine 19.03.15 is too old",
        f"hfaas needs Docker 20.10 or newer (API {'.'.join(map(str, OLDEST_API))})",
    )


def test_a_missing_permission_is_told_as_such(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    error = refusal()
    assert "no permission" in error.message
    assert "group `docker`" in error.hint


def test_an_unknown_context_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONTEXT", "nowhere")
    assert "nowhere" in refusal().message


def test_an_address_that_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "carrier-pigeon://roof")
    assert "cannot be used" in refusal().message


async def test_auto_takes_processes_where_no_docker_answers_and_says_why(nobody: Path, tmp_path: Path) -> None:
    engine = await choose("auto", tmp_path)
    assert engine.name == "process"
    assert not engine.runs_images
    assert "there is no socket" in engine.detail


async def test_docker_is_refused_where_none_answers(nobody: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no Docker engine"):
        await choose("docker", tmp_path)


async def test_auto_takes_processes_where_docker_is_silent(
    nobody: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(select, "DEADLINE_S", 0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(nobody))
        silent.listen()
        engine = await choose("auto", tmp_path)
    assert "does not answer within 0.05 s" in engine.detail


@pytest.mark.usefixtures("old")
async def test_docker_that_was_asked_for_may_take_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, "DEADLINE_S", 0.05)
    monkeypatch.setattr(Old, "lateness_s", 0.2)
    with pytest.raises(EngineError, match="too old"):
        await choose("docker", tmp_path)


async def test_process_is_taken_when_asked_for(tmp_path: Path) -> None:
    assert (await choose("process", tmp_path)).name == "process"


async def test_an_unknown_engine_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        await choose("podman", tmp_path)
    assert caught.value.hint == "choose one of auto, docker, process"


@pytest.mark.docker
async def test_auto_takes_docker_where_it_answers(docker_ready: None, tmp_path: Path) -> None:
    engine = await choose("auto", tmp_path)
    assert engine.name == "docker"
    await engine.close()
