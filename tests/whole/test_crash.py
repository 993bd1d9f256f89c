"""What was acknowledged survives `kill -9`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING

import pytest
from tests.whole.conftest import kill

from hfaas_emulator.containers import owner
from hfaas_tui.watch import Emulator

if TYPE_CHECKING:
    from docker import DockerClient

Hfaas = Callable[..., CompletedProcess[str]]
FILES = 50


def outputs(hfaas: Hfaas) -> int:
    listed = hfaas("ls", "s3://greetings/out/", "--json")
    return len(json.loads(listed.stdout)) if listed.returncode == 0 else 0


def kill_in_the_middle(hfaas: Hfaas, directory: Path) -> None:
    deadline = time.monotonic() + 60
    while outputs(hfaas) < 5:
        assert time.monotonic() < deadline, "no output within 60 s"
    kill(directory / ".hfaas")


def all_come_out(
    hfaas: Hfaas, up: Callable[..., str], directory: Path, engine: str, image: str, hello: object
) -> None:
    up(engine)
    assert callable(hello)
    deployed = hfaas("deploy", "-f", hello(image))
    assert deployed.returncode == 0, deployed.stderr
    (directory / "in").mkdir()
    for number in range(FILES):
        (directory / "in" / f"{number:02}.txt").write_text(f"file {number}")

    assert hfaas("put", "in", "s3://greetings/in/").returncode == 0
    kill_in_the_middle(hfaas, directory)
    up(engine)
    about = json.loads((directory / ".hfaas" / "emulator.json").read_text())
    idle = Emulator(about["endpoint"]).idle(120)

    assert idle["idle"], idle["pending"]
    assert outputs(hfaas) == FILES


@pytest.mark.slow
def test_fifty_files_survive_a_kill_as_processes(
    hfaas: Hfaas, emulator: Callable[..., str], hello: object, tmp_path: Path
) -> None:
    all_come_out(hfaas, emulator, tmp_path, "process", "not-used", hello)


@pytest.mark.docker
def test_fifty_files_survive_a_kill_in_containers_and_no_container_is_left(
    hfaas: Hfaas,
    emulator: Callable[..., str],
    hello: object,
    tmp_path: Path,
    docker_engine: DockerClient,
    base_image: str,
) -> None:
    def left() -> list[object]:
        label = f"{owner.STATE}={owner.state(tmp_path / '.hfaas')}"
        return list(docker_engine.api.containers(all=True, filters={"label": label}))

    all_come_out(hfaas, emulator, tmp_path, "docker", base_image, hello)
    assert left()
    assert hfaas("down").returncode == 0
    assert left() == []
