"""The emulator as its daily user has it: up, deploy, put, look, get, down."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tests.whole.conftest import hello_in, hfaas_in, start

from hfaas_emulator.trace import What
from hfaas_tui.watch import find

Hfaas = Callable[..., CompletedProcess[str]]
Up = Callable[..., str]
Happened = Callable[[str, What], bool]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def deployed(directory: Path) -> Iterator[Hfaas]:
    """The command in a directory where an emulator runs with the pipeline hello; each test takes its own keys."""
    hfaas = hfaas_in(directory)
    start(hfaas, "process")
    done = hfaas("deploy", "-f", hello_in(directory, "x"))
    assert done.returncode == 0, done.stderr
    yield hfaas
    hfaas("down")


@pytest.fixture
def happened(directory: Path, deployed: Hfaas) -> Happened:
    """Wait until something happened to the event of an object."""

    def wait(key: str, what: What) -> bool:
        running = find(None, directory / ".hfaas")
        created = (hop for hop in running.follow() if hop.what is What.OBJECT_CREATED)
        run = next(hop.run for hop in created if hop.detail["key"] == key)
        return any(hop.run == run and hop.what is what for hop in running.follow())

    return wait


@pytest.mark.slow
def test_a_file_put_is_a_file_got(deployed: Hfaas, happened: Happened, directory: Path) -> None:
    (directory / "got.txt").write_text("hello")

    deployed("put", "got.txt", "s3://greetings/in/")
    assert happened("in/got.txt", What.INVOCATION_SUCCEEDED)
    deployed("get", "s3://greetings/out/", "out")

    assert (directory / "out" / "got.txt").read_text() == "HELLO"


@pytest.mark.slow
def test_why_follows_a_file_to_its_output(deployed: Hfaas, happened: Happened, directory: Path) -> None:
    (directory / "followed.txt").write_text("hello")

    deployed("put", "followed.txt", "s3://greetings/in/")
    assert happened("in/followed.txt", What.INVOCATION_SUCCEEDED)
    told = deployed("why", "s3://greetings/in/followed.txt")

    assert told.returncode == 0
    assert told.stdout.splitlines()[-1] == "=> went through hello; 1 output uploaded"


@pytest.mark.slow
def test_why_names_the_failure(deployed: Hfaas, happened: Happened, directory: Path) -> None:
    (directory / "bad.txt").write_text("fail")

    deployed("put", "bad.txt", "s3://greetings/in/")
    assert happened("in/bad.txt", What.EVENT_RETRY)
    told = deployed("why", "s3://greetings/in/bad.txt")

    assert "tries again" in told.stdout
    assert "Hfaas.ScriptFailed" in told.stdout


@pytest.mark.slow
def test_an_object_outside_every_filter_says_so(deployed: Hfaas, directory: Path) -> None:
    (directory / "outside.txt").write_text("hello")

    deployed("put", "outside.txt", "s3://greetings/elsewhere/")
    told = deployed("why", "s3://greetings/elsewhere/outside.txt")

    assert told.returncode == 1
    assert "stopped at the filter" in told.stdout


@pytest.mark.slow
def test_invoke_answers_and_its_log_is_kept(deployed: Hfaas) -> None:
    answered = deployed("invoke", "hello", "--event", '{"a": 1}')
    logged = deployed("logs", "hello")

    assert answered.returncode == 0, answered.stderr
    assert "REPORT RequestId: " in logged.stdout


@pytest.mark.slow
def test_a_function_that_is_not_there_is_said_so(deployed: Hfaas) -> None:
    answered = deployed("invoke", "nobody")

    assert answered.returncode == 1
    assert "Function not found" in answered.stderr
    assert "Traceback" not in answered.stderr


@pytest.mark.slow
def test_a_second_deploy_of_the_same_changes_nothing(deployed: Hfaas) -> None:
    assert "no changes" in deployed("deploy", "-f", "pipeline.yaml").stdout


@pytest.mark.slow
def test_rm_takes_the_function_and_leaves_the_objects(
    hfaas: Hfaas, emulator: Up, hello: Callable[[str], Path], tmp_path: Path
) -> None:
    emulator("process")
    hfaas("deploy", "-f", hello("x"))
    (tmp_path / "a.txt").write_text("hello")
    hfaas("put", "a.txt", "s3://greetings/elsewhere/")

    assert hfaas("rm", "-f", "pipeline.yaml").returncode == 0
    assert json.loads(hfaas("ls", "--json").stdout) == []
    assert len(json.loads(hfaas("ls", "s3://greetings/elsewhere/", "--json").stdout)) == 1


@pytest.mark.slow
def test_a_port_that_is_taken_is_said_so(hfaas: Hfaas) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = hfaas("up", "--detach", "--engine", "process", "--port", port)

    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_second_emulator_on_the_same_state_is_refused(hfaas: Hfaas, emulator: Up) -> None:
    emulator("process")
    done = hfaas("up", "--detach", "--port", "0", "--engine", "process")

    assert done.returncode == 1
    assert "already" in done.stderr


def test_commands_without_an_emulator_say_how_to_start_one(hfaas: Hfaas) -> None:
    done = hfaas("ls")

    assert done.returncode == 1
    assert "hfaas up" in done.stderr


@pytest.mark.slow
def test_docker_without_an_engine_is_an_error_with_a_hint(hfaas: Hfaas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    done = hfaas("up", "--detach", "--port", "0", "--engine", "docker")

    assert done.returncode == 1
    assert "/nowhere/docker.sock" in done.stderr
    assert "Traceback" not in done.stderr
