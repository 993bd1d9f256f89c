"""What only the process engine does."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hfaas_emulator.containers import process_tree
from hfaas_emulator.containers.engine import ContainerSpec, Restrictions
from hfaas_emulator.containers.process import ProcessEngine

if TYPE_CHECKING:
    from tests.emulator.containers.conftest import Room

pytestmark = pytest.mark.asyncio(loop_scope="module")

EMULATOR = """
import asyncio, sys
from pathlib import Path
from hfaas_emulator.containers.engine import ContainerSpec, Restrictions
from hfaas_emulator.containers.process import ProcessEngine

async def main():
    engine = ProcessEngine(Path(sys.argv[1]), program=Path(sys.argv[2]))
    await engine.open()
    spec = ContainerSpec("left", sys.argv[3], labels={"a": "b"}, command=("setsid sleep 600 & sleep 600",))
    await engine.run(spec, lambda data: None)
    print("up", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_the_interpreter_of_this_installation_is_found_first(process_room: Room) -> None:
    container = await process_room.start("command -v python3", environment={"PATH": "/usr/bin:/bin"})
    await container.wait()
    assert process_room.text == f"{Path(sys.executable).parent}/python3\n"


async def test_the_layer_is_named_by_environment(process_room: Room) -> None:
    container = await process_room.start('cat "$HFAAS_FUNCTION_DIR/script"')
    await container.wait()
    assert process_room.text == "true\n"


async def test_what_escaped_into_another_session_is_ended_with_the_container(
    process_room: Room, state: Path
) -> None:
    container = await process_room.start("setsid sh -c 'echo up; exec sleep 600' & sleep 600")
    await process_room.until(lambda: "up" in process_room.text)
    await container.stop()
    assert process_tree.mentioning(state / "run") == []


async def test_a_process_amid_an_execve_is_found(tmp_path: Path) -> None:
    """The kernel shows no environment of it then, by which it could be known."""
    script = tmp_path / "again"
    script.write_text('exec sh "$0"\n')
    for _ in range(60):
        child = subprocess.Popen(["sh", script], env={**os.environ, "PLACE": f"{tmp_path}/tmp"})
        try:
            process_tree.kill_mentioning(tmp_path)
            assert child.wait(60) == -signal.SIGKILL
        finally:
            child.kill()


async def test_many_files_over_the_storage_limit_end_the_container_with_a_reason(process_room: Room) -> None:
    code = 'cd "$HFAAS_TMP"; for i in 1 2 3 4; do head -c 8000000 /dev/zero > $i; done; sleep 60'
    container = await process_room.start(code, storage_mb=20)
    assert (await asyncio.wait_for(container.wait(), 60)).code == 137
    assert "No space left on device" in process_room.text


async def test_a_stopped_container_leaves_no_folder(process_room: Room, state: Path) -> None:
    container = await process_room.start("sleep 60")
    await container.stop()
    assert list((state / "run").iterdir()) == []


async def test_a_killed_emulator_takes_the_supervisor_with_it_and_the_rest_is_removed(
    process_room: Room, state: Path, tmp_path: Path
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", EMULATOR, state, tmp_path / "program.py", process_room.image], stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout
        assert await asyncio.to_thread(child.stdout.readline) == b"up\n"
        child.send_signal(signal.SIGKILL)
    assert await process_room.engine.leftovers({"a": "b"}) == []
    assert process_tree.mentioning(state / "run") == []
    assert list((state / "run").iterdir()) == []


async def test_leftovers_with_other_labels_are_not_meant(process_room: Room, state: Path) -> None:
    (state / "run" / "old").mkdir()
    (state / "run" / "old" / "labels.json").write_text('{"a": "c"}')
    await process_room.engine.leftovers({"a": "b"})
    assert (state / "run" / "old").is_dir()
    await process_room.engine.leftovers({"a": "c"})
    assert not (state / "run" / "old").exists()


async def test_what_it_does_not_do_is_said(tmp_path: Path) -> None:
    assert "images are not used" in ProcessEngine(tmp_path).detail


async def test_the_supervisor_of_this_installation_runs_the_script(
    tmp_path: Path, store: Callable[[ProcessEngine, bytes], Awaitable[str]]
) -> None:
    engine = ProcessEngine(tmp_path)
    await engine.open()
    image = await store(engine, b"#!/bin/sh\necho the script runs as $AWS_LAMBDA_FUNCTION_NAME\n")
    output: list[bytes] = []
    spec = ContainerSpec("real", image, environment={"AWS_LAMBDA_FUNCTION_NAME": "app"})
    container = await engine.run(spec, output.append)
    await container.wait()
    await engine.close()
    assert b"the script runs as app" in b"".join(output)


async def test_the_given_gpus_are_visible_and_no_others(process_room: Room) -> None:
    look = 'echo "$CUDA_VISIBLE_DEVICES|$NVIDIA_VISIBLE_DEVICES"'
    wishes = {"CUDA_VISIBLE_DEVICES": "0,1"}
    for gpus in (("GPU-1", "GPU-2"), ()):
        container = await process_room.start(look, gpus=gpus, environment=wishes)
        await container.wait()
    assert process_room.text == "GPU-1,GPU-2|GPU-1,GPU-2\n|void\n"


async def test_a_job_may_write_and_open_as_much_as_this_machine_lets_it(process_room: Room) -> None:
    container = await process_room.start(
        "ulimit -f; ulimit -n", storage_mb=0, restrictions=Restrictions.BATCH, user="", read_only=False
    )
    await container.wait()
    mine = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert process_room.text == f"unlimited\n{'unlimited' if mine == resource.RLIM_INFINITY else mine}\n"
