"""Synchronous invocations through a whole plane."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hfaas_emulator.containers.engine import Exit, Network
from hfaas_emulator.errors import EngineError
from hfaas_emulator.lambda_.capacity import Limit, TooManyRequests
from hfaas_emulator.trace import What


async def test_an_event_comes_back_as_the_answer(world: Any) -> None:
    assert await world.invoke({"a": 1}) == {"a": 1}


async def test_the_second_call_finds_the_environment_warm(world: Any) -> None:
    await world.invoke()
    await world.invoke()
    starts = [hop.detail["start"] for hop in world.hops(What.ENVIRONMENT_LEASED)]
    assert starts == ["cold", "warm"]
    assert len(world.engine.containers) == 1


async def test_a_container_is_closed_like_lambdas(world: Any) -> None:
    world.change(memory_mb=256, storage_mb=1024)
    await world.invoke()
    spec = world.engine.containers[0].spec
    assert (spec.read_only, spec.user, spec.memory_mb, spec.storage_mb) == (True, "993:990", 256, 1024)
    assert spec.labels["hfaas.emulator"] == "tests"
    assert spec.labels["hfaas.function"] == "f"
    assert spec.network is Network.SHARED


async def test_a_container_gets_the_variables_of_lambda(world: Any) -> None:
    world.change(environment={"MINE": "1", "AWS_REGION": "moon", "TZ": "UTC"})
    await world.invoke()
    environment = world.engine.containers[0].spec.environment
    assert environment["MINE"] == "1"
    assert environment["TZ"] == "UTC"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_Image"
    assert environment["AWS_SESSION_TOKEN"] == "token of role"
    assert environment["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/f"


async def test_a_foreign_image_gets_a_port_of_its_own(world: Any) -> None:
    world.change(image="foreign")
    assert await world.invoke(5) == 5
    spec = world.engine.containers[0].spec
    assert spec.network is Network.OWN
    assert "/" not in spec.environment["AWS_LAMBDA_RUNTIME_API"]
    assert spec.environment["AWS_LAMBDA_RUNTIME_API"] not in spec.environment["AWS_ENDPOINT_URL"]


async def test_the_logs_tell_a_call_from_start_to_report(world: Any) -> None:
    async def talk(runtime: Any, request: str, event: Any) -> str:
        runtime.print("hel")
        runtime.print("lo\n")
        return "x"

    world.handler = talk
    result = await world.plane.invoke(world.function, b"{}", origin="test", tail=True)
    start, hello, end, report = result.log_tail.decode().splitlines()
    assert start == f"START RequestId: {result.request} Version: $LATEST"
    assert hello == "hello"
    assert end == f"END RequestId: {result.request}"
    assert report.startswith(f"REPORT RequestId: {result.request}\tDuration: 0.00 ms\tBilled Duration: 1 ms\t")
    assert "Init Duration: " in report


async def test_a_line_of_stderr_never_gets_into_one_of_stdout(world: Any) -> None:
    async def talk(runtime: Any, request: str, event: Any) -> Exit:
        runtime.print("hel")
        world.engine.containers[0].say_error(b"oh\nno")
        runtime.print("lo\n")
        return Exit(0)

    world.handler = talk
    await world.invoke()
    await world.until(lambda: "no\n" in world.lines.all)
    assert [line for line in world.lines.all if "RequestId" not in line] == ["oh\n", "hello\n", "no\n"]


async def test_the_memory_figure_is_the_containers(world: Any) -> None:
    async def grow(runtime: Any, request: str, event: Any) -> None:
        world.engine.containers[0].peak_mb = 77

    world.handler = grow
    result = await world.plane.invoke(world.function, b"{}", origin="test", tail=True)
    assert b"Memory Size: 128 MB\tMax Memory Used: 77 MB" in result.log_tail


async def test_a_stream_is_named_by_day_and_version(world: Any) -> None:
    await world.invoke()
    ((group, stream),) = world.lines.streams
    assert group == "/aws/lambda/f"
    assert stream.startswith("2023/11/14/[$LATEST]")


async def test_an_error_of_the_function_is_unhandled_and_its_environment_stays(
    world: Any, answered: object
) -> None:
    async def fail(runtime: Any, request: str, event: Any) -> object:
        body = json.dumps({"errorType": "Bad", "errorMessage": "no"}).encode()
        await runtime.call("POST", f"invocation/{request}/error", body)
        return answered

    world.handler = fail
    result = await world.plane.invoke(world.function, b"{}", origin="test")
    assert result.error == "Unhandled"
    assert json.loads(result.payload) == {"errorType": "Bad", "errorMessage": "no"}
    await world.invoke()
    assert len(world.engine.containers) == 1


async def test_the_time_limit_ends_the_environment(world: Any) -> None:
    async def sleep(runtime: Any, request: str, event: Any) -> None:
        world.clock.advance(3)
        await asyncio.Event().wait()

    world.handler = sleep
    result = await world.plane.invoke(world.function, b"{}", origin="test", tail=True)
    said = f"RequestId: {result.request} Error: Task timed out after 3.00 seconds"
    assert json.loads(result.payload) == {"errorType": "Sandbox.Timedout", "errorMessage": said}
    assert b"Status: timeout" in result.log_tail
    assert f"Z {result.request} Task timed out after 3.00 seconds" in result.log_tail.decode()
    await world.until(lambda: world.engine.containers[0].stopped)


@pytest.mark.parametrize(
    ("exit", "said"),
    [
        (Exit(1), "Runtime exited with error: exit status 1"),
        (Exit(139), "Runtime exited with error: signal: segmentation fault"),
        (Exit(0), "Runtime exited without providing a reason"),
        (Exit(137, oom_killed=True), "Runtime exited with error: signal: killed"),
    ],
)
async def test_a_runtime_that_ends_is_reported_in_lambdas_words(world: Any, exit: Exit, said: str) -> None:
    async def end(runtime: Any, request: str, event: Any) -> Exit:
        return exit

    world.handler = end
    result = await world.plane.invoke(world.function, b"{}", origin="test")
    message = f"RequestId: {result.request} Error: {said}"
    assert json.loads(result.payload) == {"errorType": "Runtime.ExitError", "errorMessage": message}


async def test_a_lack_of_memory_is_told_on_the_trace(world: Any) -> None:
    async def end(runtime: Any, request: str, event: Any) -> Exit:
        return Exit(137, oom_killed=True)

    world.handler = end
    await world.invoke()
    await world.idle.wait(60)
    (failed,) = world.hops(What.INVOCATION_FAILED)
    assert failed.detail["error_type"] == "Runtime.OutOfMemory"
    assert "the limit is 128 MB" in failed.detail["message"]


async def test_a_call_after_a_crash_gets_a_fresh_environment(world: Any) -> None:
    async def end(runtime: Any, request: str, event: Any) -> Any:
        return Exit(1) if event == "crash" else event

    world.handler = end
    await world.invoke("crash")
    assert await world.invoke("go") == "go"


async def test_a_warm_environment_that_died_is_not_given_an_event(world: Any) -> None:
    await world.invoke()
    await world.engine.containers[0].stop()
    assert await world.invoke(2) == 2
    assert len(world.engine.containers) == 2


async def test_a_runtime_that_ends_before_its_first_event_fails_the_call(world: Any) -> None:
    async def end(runtime: Any) -> Exit:
        runtime.print("cannot import\n")
        return Exit(1)

    world.before_init = end
    result = await world.plane.invoke(world.function, b"{}", origin="test", tail=True)
    said = f"RequestId: {result.request} Error: Runtime exited with error: exit status 1"
    assert json.loads(result.payload)["errorMessage"] == said
    assert result.log_tail.startswith(b"cannot import\nINIT_REPORT Init Duration: ")


async def test_an_initialization_error_is_passed_on(world: Any) -> None:
    async def give_up(runtime: Any) -> None:
        body = json.dumps({"errorType": "ImportError", "errorMessage": "no module"}).encode()
        await runtime.call(
            "POST", "init/error", body, Lambda_Runtime_Function_Error_Type="Runtime.ImportModuleError"
        )
        await asyncio.Event().wait()

    world.before_init = give_up
    assert await world.invoke() == {"errorType": "ImportError", "errorMessage": "no module"}
    await world.until(lambda: world.engine.containers[0].stopped)


async def test_an_initialization_without_end_is_ended(world: Any) -> None:
    async def hang(runtime: Any) -> None:
        await asyncio.Event().wait()

    world.before_init = hang
    call = asyncio.create_task(world.invoke())
    await world.until(lambda: world.engine.containers)
    await world.advance(13)
    assert (await call)["errorType"] == "Sandbox.Timedout"


async def test_a_missing_image_is_named(world: Any) -> None:
    world.change(image="nowhere")
    answer = await world.invoke()
    assert "there is no image nowhere on this machine" in answer["errorMessage"]


async def test_an_entrypoint_that_does_not_exist_is_invalid(world: Any) -> None:
    world.engine.refusal = EngineError('exec: "/nope": no such file or directory')
    assert (await world.invoke())["errorType"] == "Runtime.InvalidEntrypoint"


async def test_an_answer_that_is_too_large_fails(world: Any, answered: object) -> None:
    async def flood(runtime: Any, request: str, event: Any) -> object:
        assert await runtime.respond(request, b"x" * 6_291_557) == 413
        return answered

    world.handler = flood
    answer = await world.invoke()
    assert answer["errorType"] == "Function.ResponseSizeTooLarge"
    assert answer["errorMessage"].endswith("(6291556 bytes).")


async def test_an_answer_to_no_question_is_refused(world: Any) -> None:
    seen: list[int] = []

    async def answer_twice(runtime: Any, request: str, event: Any) -> None:
        seen.append(await runtime.respond("other", b"{}"))

    world.handler = answer_twice
    await world.invoke()
    assert seen == [400]


async def test_a_call_over_the_accounts_limit_is_refused(open_world: Any) -> None:
    async with open_world(concurrency=1) as world:
        world.handler = wait_for_ever
        first = asyncio.create_task(world.invoke())
        await world.until(lambda: world.hops(What.INVOCATION_STARTED))
        with pytest.raises(TooManyRequests) as refused:
            await world.invoke()
        assert refused.value.reason is Limit.ACCOUNT
        first.cancel()


async def test_a_call_over_the_reserved_concurrency_is_refused(world: Any) -> None:
    world.change(reserved_concurrency=0)
    with pytest.raises(TooManyRequests) as refused:
        await world.invoke()
    assert refused.value.reason is Limit.RESERVED
    assert refused.value.message == "Rate Exceeded."


async def wait_for_ever(runtime: Any, request: str, event: Any) -> None:
    await asyncio.Event().wait()


async def test_a_call_that_nobody_waits_for_any_more_ends_its_environment(world: Any) -> None:
    world.handler = wait_for_ever
    call = asyncio.create_task(world.invoke())
    await world.until(lambda: world.hops(What.INVOCATION_STARTED))
    call.cancel()
    await world.until(lambda: world.engine.containers[0].stopped)
    assert await world.idle.wait(60)


async def test_milestones_of_the_supervisor_become_hops(world: Any) -> None:
    async def work(runtime: Any, request: str, event: Any) -> None:
        runtime.print(f"SCRIPT RequestId: {request} Item: 1 Start\n")
        runtime.print(f"SCRIPT RequestId: {request} Item: 1 Exit: 3 Duration: 12.5 ms\n")
        runtime.print(f"UPLOAD RequestId: {request} Url: s3://b/a b.txt Bytes: 9\n")

    world.handler = work
    await world.invoke(run="run-1")
    await world.idle.wait(60)
    (started,) = world.hops(What.SCRIPT_STARTED)
    (ended,) = world.hops(What.SCRIPT_ENDED)
    (uploaded,) = world.hops(What.OUTPUT_UPLOADED)
    assert started.run == ended.run == uploaded.run == "run-1"
    assert dict(ended.detail) == {"function": "f", "item": 1, "exit": 3, "duration_ms": 12.5}
    assert dict(uploaded.detail) == {"function": "f", "url": "s3://b/a b.txt", "bytes": 9}


async def test_nothing_is_pending_after_a_call(world: Any) -> None:
    await world.invoke()
    assert await world.idle.wait(60)


async def test_a_new_start_removes_what_an_earlier_emulator_left(world: Any) -> None:
    await world.invoke()
    world.engine.left = [world.engine.containers[0]]
    await world.plane.open()
    assert world.engine.containers[0].stopped
