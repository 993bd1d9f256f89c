"""What every engine promises."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hfaas_emulator.errors import ImageNotFound

if TYPE_CHECKING:
    from tests.emulator.containers.conftest import Room


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_output_arrives_while_the_container_runs(room: Room) -> None:
    container = await room.start("echo one; echo error >&2; echo two; sleep 60")
    await room.until(lambda: room.text.count("\n") == 3)
    assert room.text.replace("error\n", "") == "one\ntwo\n"  # Docker promises no order between the two streams
    await container.stop()


async def test_the_exit_code_is_told_after_all_output(room: Room) -> None:
    container = await room.start("head -c 300000 /dev/zero; exit 42")
    ended = await container.wait()
    assert (ended.code, ended.oom_killed) == (42, False)
    assert len(b"".join(room.output)) == 300_000


async def test_a_signal_is_told_as_128_and_its_number(room: Room) -> None:
    container = await room.start("sh -c 'kill -SEGV $$'; exit $?")
    assert (await container.wait()).code == 139


async def test_stop_without_grace_kills_at_once(room: Room) -> None:
    container = await room.start("trap 'echo asked; exit 3' TERM; echo up; while :; do sleep 0.05; done")
    await room.until(lambda: "up" in room.text)
    await container.stop()
    assert (await container.wait()).code == 137
    assert "asked" not in room.text


async def test_stop_with_grace_lets_the_program_clean_up(room: Room) -> None:
    container = await room.start("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done")
    await room.until(lambda: "up" in room.text)
    await container.stop(grace_s=60)
    assert (await container.wait()).code == 3
    assert "bye" in room.text


async def test_stop_may_be_called_again_and_from_two_places(room: Room) -> None:
    container = await room.start("sleep 60")
    await asyncio.gather(container.stop(), container.stop())
    await container.stop()


async def test_the_end_is_an_event(room: Room) -> None:
    events = room.engine.events()
    container = await room.start("exit 7")
    assert await asyncio.wait_for(anext(events), 60) == (container.id, "die")


async def test_environment_arrives(room: Room) -> None:
    container = await room.start('echo "$WORD"', environment={"WORD": "a b=c 'd'"})
    await container.wait()
    assert room.text == "a b=c 'd'\n"


async def test_the_environment_of_the_emulator_does_not_leak(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "leaked")
    container = await room.start("env")
    await container.wait()
    assert "leaked" not in room.text


async def test_tmp_is_private_and_writable(room: Room) -> None:
    container = await room.start('cd "${HFAAS_TMP:-/tmp}"; echo x > file && stat -c %a . && cat file')
    await container.wait()
    assert room.text == "700\nx\n"


async def test_what_outlives_the_main_process_is_ended(room: Room) -> None:
    container = await room.start("setsid sleep 61 & exit 5")
    assert (await asyncio.wait_for(container.wait(), 60)).code == 5


async def test_too_much_memory_is_told_as_such(room: Room) -> None:
    events = room.engine.events()
    hog = 'python3 -c "import time; x = bytearray(300 << 20); time.sleep(60)"'
    container = await room.start(f"exec {hog}", memory_mb=64)
    ended = await asyncio.wait_for(container.wait(), 60)
    assert (ended.code, ended.oom_killed) == (137, True)
    assert container.oom_kills() >= 1
    assert (await anext(events)) == (container.id, "oom")


async def test_a_killed_child_is_told_though_the_main_process_lives_on(room: Room) -> None:
    hog = 'python3 -c "import time; x = bytearray(300 << 20); time.sleep(60)"'
    container = await room.start(f"{hog}; echo child ended with $?; sleep 60", memory_mb=64)
    await room.until(lambda: "child ended with 137" in room.text)
    await room.until(lambda: container.oom_kills() >= 1)
    await container.stop()


async def test_peak_memory_is_measured(room: Room) -> None:
    hold = "python3 -c \"import time; x = bytearray(100 << 20); print('up', flush=True); time.sleep(60)\""
    container = await room.start(hold, memory_mb=256)
    await room.until(lambda: "up" in room.text)
    assert 100 <= await container.peak_memory_mb() <= 200
    await container.stop()


async def test_more_than_the_storage_limit_is_refused(room: Room) -> None:
    container = await room.start('cd "${HFAAS_TMP:-/tmp}"; dd if=/dev/zero of=big bs=1M count=30', storage_mb=20)
    assert (await container.wait()).code != 0


async def test_an_unknown_image_is_refused_with_a_hint(room: Room) -> None:
    room.image = "hfaas/nowhere:0"
    with pytest.raises(ImageNotFound) as caught:
        await room.start("true")
    assert caught.value.hint
    assert await room.engine.image("hfaas/nowhere:0") is None


async def test_a_known_image_is_found(room: Room) -> None:
    image = await room.engine.image(room.image)
    assert image
    assert image.architecture in {"x86_64", "arm64"}


async def test_closing_the_engine_ends_its_containers(own_room: Room) -> None:
    container = await own_room.start("sleep 60")
    await own_room.engine.close()
    assert (await container.wait()).code == 137
