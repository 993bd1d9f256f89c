"""Functions with an AcceleratorConfig take GPUs from the pool that jobs take them from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hfaas_emulator.containers.engine import Gpu
from hfaas_emulator.containers.gpus import GpuMode, GpuPool
from hfaas_emulator.trace import What

Open = Callable[..., Any]


@pytest.fixture
def pool() -> GpuPool:
    return GpuPool((Gpu("GPU-1", "A", 1),), detail="A (1 MB)")


async def test_an_environment_has_a_gpu_as_long_as_it_lives(open_world: Open, pool: GpuPool) -> None:
    async with open_world(gpus=pool) as world:
        world.change(gpus=1)
        assert await world.invoke("x") == "x"
        assert world.engine.containers[0].spec.gpus == ("GPU-1",)
        assert pool.free == 0
        await world.engine.containers[0].stop()
        await world.until(lambda: pool.free == 1)


async def test_a_function_without_accelerator_takes_none(open_world: Open, pool: GpuPool) -> None:
    async with open_world(gpus=pool) as world:
        await world.invoke("x")
        assert (world.engine.containers[0].spec.gpus, pool.free) == ((), 1)


async def test_a_start_waits_until_a_gpu_comes_free(open_world: Open, pool: GpuPool) -> None:
    async with open_world(gpus=pool) as world:
        world.change(gpus=1)
        taken = pool.take(1)
        assert taken
        waiting = asyncio.create_task(world.invoke("x"))
        await world.until(lambda: pool.is_short)
        assert not world.engine.containers
        pool.give(taken)
        assert await waiting == "x"


async def test_two_calls_share_the_only_gpu_one_after_the_other(open_world: Open, pool: GpuPool) -> None:
    async with open_world(gpus=pool) as world:
        world.change(gpus=1)
        first, second = await asyncio.gather(world.invoke(1), world.invoke(2))
        assert (first, second) == (1, 2)
        assert len(world.engine.containers) == 1


async def test_an_idle_environment_lets_its_gpu_go_for_who_lacks_one(open_world: Open, pool: GpuPool) -> None:
    async with open_world(gpus=pool) as world:
        world.change(gpus=1)
        await world.invoke("x")
        assert pool.take(1) is None
        await world.until(lambda: pool.free == 1)
        assert pool.take(1) == ("GPU-1",)


async def test_a_busy_environment_lets_its_gpu_go_when_it_has_answered(open_world: Open, pool: GpuPool) -> None:
    entered, go = asyncio.Event(), asyncio.Event()

    async def slow(runtime: Any, request: str, event: Any) -> Any:
        entered.set()
        await go.wait()
        return event

    async with open_world(gpus=pool) as world:
        world.change(gpus=1)
        world.handler = slow
        call = asyncio.create_task(world.invoke("x"))
        await entered.wait()
        assert pool.take(1) is None
        go.set()
        assert await call == "x"
        await world.until(lambda: pool.free == 1)


async def test_without_a_gpu_the_start_fails_with_what_to_do(open_world: Open) -> None:
    async with open_world(gpus=GpuPool((), detail="no NVIDIA driver on this machine")) as world:
        world.change(gpus=1)
        answer = await world.invoke("x")
        assert answer["errorType"] == "Sandbox.GpuNotAvailable"
        assert answer["errorMessage"].endswith(
            "needs 1 GPU: no NVIDIA GPU here (no NVIDIA driver on this machine); "
            "start the emulator with --gpu fallback to run it on CPU"
        )
        assert not world.engine.containers


async def test_under_fallback_it_runs_on_the_cpu_and_says_so(open_world: Open) -> None:
    async with open_world(gpus=GpuPool((), GpuMode.FALLBACK, "no NVIDIA driver on this machine")) as world:
        world.change(gpus=1)
        assert await world.invoke("x") == "x"
        assert "hfaas: on CPU instead of 1 GPU (no NVIDIA driver on this machine)" in "\n".join(world.lines.all)
        (started,) = world.hops(What.ENVIRONMENT_STARTED)
        assert started.detail["note"] == "on CPU instead of 1 GPU"


async def test_a_failed_start_gives_the_gpu_back(open_world: Open, pool: GpuPool) -> None:
    async with open_world(gpus=pool) as world:
        world.change(gpus=1, image="nowhere")
        await world.invoke("x")
        await world.until(lambda: pool.free == 1)
