"""Containers go on when their emulator is killed, and the next one takes them over."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hfaas_emulator.containers import owner
from hfaas_emulator.containers.connection import connect
from hfaas_emulator.containers.docker import DockerEngine
from hfaas_emulator.containers.engine import Container

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="module")]

BASE = "hfaas/base:bookworm"

KILLED = r"""
import asyncio, sys
from pathlib import Path
from hfaas_emulator.containers.docker import DockerEngine
from hfaas_emulator.containers.docker_config import Place, container_config
from hfaas_emulator.containers.engine import ContainerSpec, Network, Restrictions

def spec(which, code):
    return ContainerSpec(
        f"{sys.argv[2]}-{which}", "hfaas/base:bookworm", labels={"kind": "job", "which": which},
        command=("/bin/sh", "-c", code), restrictions=Restrictions.BATCH, network=Network.OWN,
        memory_mb=64, storage_mb=0, user="", read_only=False,
    )

HOG = "echo begun; exec python3 -c 'x = bytearray(300 << 20)'"
TALK = "i=0; while :; do i=$((i+1)); echo line $i; if test -e /go; then exit 7; fi; sleep 0.02; done"

async def main():
    engine = DockerEngine(Path(sys.argv[1]))
    await engine.open()
    said = []
    talking = await engine.run(spec("talks", TALK), said.append)
    ended = await engine.run(spec("ended", "head -c 3000000 /dev/zero | tr '\\0' x; echo; exit 5"), said.append)
    hog = await engine.run(spec("hog", HOG), said.append)
    await asyncio.gather(ended.wait(), hog.wait())
    engine.client.create_container_from_config(
        container_config(spec("new", "true"), Place(talking._sandbox.id, labels=engine._labels)), sys.argv[2] + "-new"
    )
    print(engine._labels["hfaas.owner"], talking.address, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


class Left:
    """What the next emulator found."""

    def __init__(self, engine: DockerEngine, state: str, found: dict[str, Container], address: str) -> None:
        self.engine = engine
        self.state = state
        self.found = found
        self.address = address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def left(docker_ready: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Left]:
    state = tmp_path_factory.mktemp("state")
    dead, address = await killed(state)
    engine = DockerEngine(state)
    await engine.open()
    found = {each.labels["which"]: each for each in await engine.leftovers({"kind": "job"})}
    await asyncio.gather(*engine._tasks)  # what is swept at a start is gone
    yield Left(engine, owner.state(state), found, address)
    await asyncio.gather(*(each.stop() for each in found.values()))
    assert objects(owner.LABEL, dead) == 0, "its network goes with each container"
    await engine.close()
    assert objects(owner.STATE, owner.state(state)) == 0


async def killed(state: Path) -> tuple[str, str]:
    """Kill an emulator that runs containers; return its name and the address of the container that goes on."""
    name = f"hfaas-test-{os.getpid()}-{time.time_ns()}"
    child = await asyncio.to_thread(
        subprocess.Popen, [sys.executable, "-c", KILLED, str(state), name], stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout
        line = await asyncio.to_thread(child.stdout.readline)
        child.send_signal(signal.SIGKILL)
    dead, address = line.decode().split()
    return dead, address


def objects(key: str, value: str) -> int:
    """Count the containers and volumes that carry a label."""
    client = connect()
    label = {"label": f"{key}={value}"}
    count = len(client.containers(all=True, filters=label)) + len(client.volumes(filters=label)["Volumes"] or ())
    client.close()
    return count


async def test_what_never_began_to_run_is_not_told_as_a_success(left: Left) -> None:
    assert set(left.found) == {"talks", "ended", "hog"}


async def test_one_that_went_down_with_the_machine_is_removed_and_has_no_end_to_tell(left: Left) -> None:
    machine, _, _ = owner.me().partition("/")
    labels = {owner.LABEL: f"{machine}/another-boot/1/1", owner.STATE: left.state, "kind": "down"}
    client = connect()
    created = client.create_container(BASE, ["sh", "-c", "exit 255"], labels=labels)["Id"]
    client.start(created)
    client.wait(created)
    assert await left.engine.leftovers({"kind": "down"}) == []
    assert client.containers(all=True, filters={"label": "kind=down"}) == []
    client.close()


async def test_one_whose_sandbox_somebody_removed_is_found_all_the_same(left: Left) -> None:
    machine, _, _ = owner.me().partition("/")
    client = connect()
    gone = client.create_container(BASE, ["sleep", "600"])["Id"]
    client.start(gone)
    host = client.create_host_config(network_mode=f"container:{gone}")
    labels = {owner.LABEL: f"{machine}/{gone}/1/1", owner.STATE: left.state, "kind": "alone"}
    created = client.create_container(BASE, ["sh", "-c", "exit 3"], labels=labels, host_config=host)["Id"]
    client.start(created)
    client.wait(created)
    client.remove_container(gone, force=True)
    client.close()
    (found,) = await left.engine.leftovers({"kind": "alone"})
    assert ((await found.wait()).code, found.address) == (3, "")
    await found.stop()


async def test_an_emulator_of_another_project_leaves_it_alone(left: Left, tmp_path: Path) -> None:
    other = DockerEngine(tmp_path)
    await other.connect()
    await other._left.sweep()
    await other.close()
    client = connect()
    assert client.inspect_container(left.found["ended"].id)["State"]["ExitCode"] == 5
    client.close()


async def test_an_ended_one_tells_its_exit_code_at_once(left: Left) -> None:
    ended = await asyncio.wait_for(left.found["ended"].wait(), 60)
    assert (ended.code, ended.oom_killed) == (5, False)


async def test_an_end_for_want_of_memory_is_told_as_such(left: Left) -> None:
    hog = left.found["hog"]
    ended = await hog.wait()
    assert (ended.code, ended.oom_killed, hog.oom_kills()) == (137, True, 1)
    assert await hog.peak_memory_mb() == 64


async def test_all_that_an_ended_one_said_can_be_read_again(left: Left) -> None:
    said: list[bytes] = []
    await left.found["ended"].follow(said.append)
    await left.found["ended"].wait()
    assert len(b"".join(said)) == 3_000_001


async def test_a_running_one_keeps_its_address(left: Left) -> None:
    assert left.found["talks"].address == left.address


async def test_asking_again_gives_the_same_container(left: Left) -> None:
    again = {each.labels["which"]: each for each in await left.engine.leftovers({"kind": "job"})}
    assert again["talks"] is left.found["talks"]


async def test_a_running_one_goes_on_talking_and_not_a_line_is_missing_until_its_end(left: Left) -> None:
    talks, said, events = left.found["talks"], list[bytes](), left.engine.events()
    await talks.follow(said.append)
    assert await talks.peak_memory_mb() > 0
    client = connect()
    client.exec_start(client.exec_create(talks.id, ["touch", "/go"])["Id"])
    client.close()
    assert (await asyncio.wait_for(talks.wait(), 60)).code == 7
    lines = b"".join(said).decode().splitlines()
    assert lines == [f"line {number}" for number in range(1, len(lines) + 1)]
    assert (talks.id, "die") == await asyncio.wait_for(anext(events), 60)


async def test_only_what_was_said_since_a_time_is_passed_on(left: Left) -> None:
    said: list[bytes] = []
    await left.found["ended"].follow(said.append, since=time.time())
    await left.found["ended"].wait()
    assert said == []
