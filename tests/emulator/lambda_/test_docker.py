"""Functions in real containers: an image of nobody's making, driven over a port of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hfaas_emulator.clock import SystemClock
from hfaas_emulator.containers.docker import DockerEngine
from hfaas_emulator.idle import Idle
from hfaas_emulator.journal import Journal
from hfaas_emulator.lambda_.service import Lambda
from hfaas_emulator.trace import Trace, What

pytestmark = pytest.mark.docker

RUNTIME = """
import http.client, json, os, sys, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
root = "/2018-06-01/runtime/invocation/"
while True:
    api.request("GET", root + "next")
    got = api.getresponse()
    event, request = json.loads(got.read()), got.headers["Lambda-Runtime-Aws-Request-Id"]
    answer = event
    if event == "exit":
        sys.exit(7)
    if event == "eat":
        answer = len(bytearray(os.urandom(1) * 2**29))
    if event == "sleep":
        time.sleep(60)
    if event == "who":
        answer = [os.getuid(), os.getgid(), os.access("/", os.W_OK), os.access("/tmp", os.W_OK)]
    if isinstance(event, float):
        time.sleep(event)
    print("saw", event, flush=True)
    api.request("POST", root + request + "/response", json.dumps(answer))
    api.getresponse().read()
"""


@pytest.fixture
async def world(open_world: Any, docker_engine: Any, base_image: str, tmp_path: Path) -> AsyncIterator[Any]:
    """The usual world, with a plane on Docker and a clock that runs."""
    async with open_world() as world:
        engine = DockerEngine(tmp_path)
        await engine.open()
        world.idle, world.trace, journal = Idle(), Trace(SystemClock()), Journal(None)
        ways = (world.control, world.lines, world.trace, world.idle, journal, SystemClock())
        plane = Lambda(engine, *ways, f"http://{engine.host}:1", 8, emulator="lambda-tests")
        fake, world.plane = world.plane, plane
        world.change(image=base_image, entry_point=("python3", "-c", RUNTIME), timeout_s=20)
        await plane.open()
        yield world
        await plane.close()
        await engine.close()
        journal.close()
        world.plane = fake


async def test_a_container_answers_and_is_closed_like_lambdas(world: Any) -> None:
    assert await world.invoke("who") == [993, 990, False, True]


async def test_the_log_and_the_memory_figure_are_the_containers(world: Any) -> None:
    result = await world.plane.invoke(world.function, b'"x"', origin="test", tail=True)
    told = [line.split()[0] for line in result.log_tail.decode().splitlines()]
    assert [word for word in told if word != "saw"] == ["START", "END", "REPORT"]
    await world.until(lambda: "saw x\n" in world.lines.all)  # which may come after the answer
    await world.idle.wait(60)
    (succeeded,) = world.hops(What.INVOCATION_SUCCEEDED)
    assert 2 <= succeeded.detail["peak_mb"] <= 128


async def test_a_container_that_takes_too_much_memory_is_killed_and_replaced(world: Any) -> None:
    answer = await world.invoke("eat")
    assert answer["errorType"] == "Runtime.ExitError"
    assert answer["errorMessage"].endswith("signal: killed")
    await world.idle.wait(60)
    (failed,) = world.hops(What.INVOCATION_FAILED)
    assert failed.detail["error_type"] == "Runtime.OutOfMemory"
    assert await world.invoke(1) == 1


async def test_a_container_that_ends_says_how(world: Any) -> None:
    assert (await world.invoke("exit"))["errorMessage"].endswith("exit status 7")


async def test_a_container_over_its_time_is_gone(world: Any) -> None:
    world.change(timeout_s=1)
    assert (await world.invoke("sleep"))["errorType"] == "Sandbox.Timedout"
    await world.until(lambda: world.hops(What.ENVIRONMENT_STOPPED))


async def test_an_entrypoint_that_is_not_there_is_invalid(world: Any) -> None:
    world.change(entry_point=("/nope",))
    assert (await world.invoke())["errorType"] == "Runtime.InvalidEntrypoint"


async def test_events_at_once_are_all_answered(world: Any) -> None:
    answers = await asyncio.gather(*(world.invoke(0.05) for _ in range(8)))
    assert answers == [0.05] * 8
    assert json.dumps(answers)
