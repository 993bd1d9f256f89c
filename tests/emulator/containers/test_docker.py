"""What only the Docker engine does: a container as closed as Lambda's, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hfaas_emulator.containers import owner
from hfaas_emulator.containers.connection import connect
from hfaas_emulator.containers.docker import DockerEngine
from hfaas_emulator.containers.engine import ContainerSpec, Network
from hfaas_emulator.errors import EngineError

if TYPE_CHECKING:
    from tests.emulator.containers.conftest import Room

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="module")]

STRANDED = """
import asyncio, sys
from pathlib import Path
from hfaas_emulator.containers.docker import DockerEngine
from hfaas_emulator.containers.engine import ContainerSpec

async def main():
    engine = DockerEngine(Path(sys.argv[1]))
    await engine.open()
    spec = ContainerSpec(sys.argv[2], "hfaas/base:bookworm", labels={"hfaas.test": "1"}, command=("sleep", "600"))
    await engine.run(spec, lambda data: None)
    print("up", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""

CRASHING = """
import os, signal, sys
from pathlib import Path
from hfaas_emulator.containers import owner, sandbox, scratch
from hfaas_emulator.containers.connection import connect

client = connect()
client.remove_container = lambda _: os.kill(os.getpid(), signal.SIGKILL)
labels = {owner.LABEL: owner.me(), owner.STATE: owner.state(Path(sys.argv[1]))}
print(owner.me(), flush=True)
image = sandbox.ensure(client, client.info()["Architecture"], "993:990")
scratch.Scratch(client, None, lambda _: image, "", labels)._batch()
"""


@pytest.mark.parametrize("user", ["993:990", "1000:1000"])
async def test_tmp_is_a_folder_on_disk_of_that_user_alone(docker_room: Room, user: str) -> None:
    container = await docker_room.start("stat -c '%u:%g %a' /tmp; stat -f -c %T /tmp; ls -A /tmp", user=user)
    await container.wait()
    mode, kind = docker_room.text.splitlines()
    assert mode == f"{user} 700"
    assert kind != "tmpfs"


async def test_files_in_tmp_do_not_count_as_memory(docker_room: Room) -> None:
    container = await docker_room.start("head -c 200000000 /dev/zero > /tmp/x; stat -c %s /tmp/x", memory_mb=64)
    assert (await container.wait()).oom_killed is False
    assert docker_room.text == "200000000\n"


async def test_stdout_and_stderr_are_told_apart_as_they_come_and_when_they_are_read_again(
    docker_room: Room,
) -> None:
    wrong: list[bytes] = []
    code = "printf half; printf 'oh\\n' >&2; printf ' and half'; printf no >&2"
    container = await docker_room.start(code, errors=wrong.append)
    await container.wait()
    assert (docker_room.text, b"".join(wrong)) == ("half and half", b"oh\nno")
    docker_room.output.clear()
    wrong.clear()
    await container.follow(docker_room.output.append, errors=wrong.append)
    await container.wait()
    assert (docker_room.text, b"".join(wrong)) == ("half and half", b"oh\nno")


async def test_many_files_over_the_storage_limit_end_the_container_with_a_reason(docker_room: Room) -> None:
    if os.geteuid():
        pytest.skip("only root may look into the engine's volumes")
    code = "for i in 1 2 3 4; do head -c 8000000 /dev/zero > /tmp/$i; done; sleep 60"
    container = await docker_room.start(code, storage_mb=20)
    assert (await asyncio.wait_for(container.wait(), 60)).code == 137
    assert "No space left on device" in docker_room.text


async def test_shared_containers_have_the_sandboxs_address_and_reach_this_machine(docker_room: Room) -> None:
    engine = docker_room.engine
    with socket.create_server((engine.host, 0)) as server:
        server.settimeout(60)
        port = server.getsockname()[1]
        dial = f"import socket; socket.create_connection(('{engine.host}', {port})).close()"
        container = await docker_room.start(f'exec python3 -c "{dial}"')
        accepted, (peer, _) = await asyncio.to_thread(server.accept)
        accepted.close()
    assert container.address == peer
    await container.wait()


async def test_an_own_address_differs_from_the_shared_one(docker_room: Room) -> None:
    shared = await docker_room.start("sleep 60")
    own = await docker_room.start("sleep 60", network=Network.OWN)
    assert own.address
    assert own.address != shared.address


async def test_a_lost_sandbox_is_replaced(docker_room: Room) -> None:
    first = await docker_room.start("sleep 60")
    events = docker_room.engine.events()
    sandbox = kill_sandbox(first.id)
    while await asyncio.wait_for(anext(events), 60) != (sandbox, "die"):
        pass
    await first.stop()
    second = await docker_room.start("echo here")
    assert (await second.wait()).code == 0


async def test_a_sandbox_whose_loss_is_not_told_yet_is_replaced(
    docker_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await docker_room.start("sleep 60")
    with monkeypatch.context() as deaf:
        deaf.setattr(docker_room.engine._events, "_event", lambda _: None)  # type: ignore[attr-defined]
        kill_sandbox(first.id)
        await docker_room.start("echo here")
        await docker_room.until(lambda: "here" in docker_room.text)


def kill_sandbox(container: str) -> str:
    """Kill the sandbox whose network a container has joined, and return its id."""
    client = connect()
    sandbox = str(client.inspect_container(container)["HostConfig"]["NetworkMode"]).removeprefix("container:")
    client.kill(sandbox)
    client.close()
    return sandbox


async def test_an_end_is_seen_though_the_stream_of_events_was_broken_meanwhile(docker_room: Room) -> None:
    container = await docker_room.start("trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done")
    await docker_room.until(lambda: "up" in docker_room.text)
    stream = docker_room.engine._events  # type: ignore[attr-defined]
    stream._break()
    client = connect()
    client.kill(container.id, signal="TERM")
    client.close()
    assert (await asyncio.wait_for(container.wait(), 60)).code == 9


async def test_a_program_that_does_not_exist_is_an_error_that_names_it(docker_room: Room) -> None:
    with pytest.raises(EngineError, match="no-such-program"):
        await docker_room.engine.run(
            ContainerSpec("hfaas-test-none", docker_room.image, command=("no-such-program",)),
            docker_room.output.append,
        )


async def test_a_start_that_nobody_waits_for_leaves_no_container(state: Path, own_docker_room: Room) -> None:
    starting = asyncio.create_task(own_docker_room.start("sleep 600"))
    await asyncio.sleep(0)
    starting.cancel()
    await asyncio.wait([starting])
    await own_docker_room.engine.close()
    assert left(owner.STATE, owner.state(state)) == ([], [])


async def test_closing_leaves_no_container_and_no_volume(state: Path, own_docker_room: Room) -> None:
    for _ in range(3):
        await own_docker_room.start("sleep 600")
    await own_docker_room.engine.close()
    assert left(owner.STATE, owner.state(state)) == ([], [])


async def test_what_a_killed_emulator_left_is_found_by_label_and_removed(state: Path, docker_ready: None) -> None:
    dead = await strand(state)
    engine = DockerEngine(state)
    await engine.open()
    (found,) = await engine.leftovers({"hfaas.test": "1"})
    await found.stop()
    assert await engine.leftovers({"hfaas.test": "1"}) == []
    await engine.close()
    assert left(owner.LABEL, dead) == ([], [])


async def test_what_was_making_folders_when_its_emulator_was_killed_is_removed(
    state: Path, docker_ready: None
) -> None:
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", CRASHING, str(state)], capture_output=True, check=False
    )
    dead = killed.stdout.decode().strip()
    assert left(owner.LABEL, dead) != ([], [])
    engine = DockerEngine(state)
    await engine.open()
    await engine.close()
    assert left(owner.LABEL, dead) == ([], [])


async def test_what_a_killed_emulator_of_another_state_left_is_removed_at_start(
    tmp_path: Path, docker_ready: None
) -> None:
    dead = await strand(tmp_path / "elsewhere")
    engine = DockerEngine(tmp_path / "here")
    await engine.open()
    await engine.close()
    assert left(owner.LABEL, dead) == ([], [])


async def test_what_a_living_emulator_runs_is_left_alone(tmp_path: Path, docker_room: Room) -> None:
    container = await docker_room.start("sleep 600")
    other = DockerEngine(tmp_path / "other")
    await other.open()
    assert await other.leftovers({}) == []
    await other.close()
    client = connect()
    assert client.inspect_container(container.id)["State"]["Running"]
    client.close()


async def strand(state: Path) -> str:
    """Kill an emulator with a running container; return the dead owner."""
    name = f"hfaas-test-{os.getpid()}-{state.name}"
    child = await asyncio.to_thread(
        subprocess.Popen, [sys.executable, "-c", STRANDED, str(state), name], stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout
        assert await asyncio.to_thread(child.stdout.readline) == b"up\n"
        client = connect()
        dead = str(client.inspect_container(name)["Config"]["Labels"][owner.LABEL])
        client.close()
        child.send_signal(signal.SIGKILL)
    return dead


def left(key: str, value: str) -> tuple[list[str], list[str]]:
    """Return containers and volumes that carry a label."""
    client = connect()
    label = {"label": f"{key}={value}"}
    containers = [each["Id"] for each in client.containers(all=True, filters=label)]
    volumes = [each["Name"] for each in client.volumes(filters=label)["Volumes"] or ()]
    client.close()
    return containers, volumes
