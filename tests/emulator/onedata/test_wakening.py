from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from hfaas_emulator.clock import ManualClock
from hfaas_emulator.idle import Idle
from hfaas_emulator.lambda_.destinations import Condition, Verdict
from hfaas_emulator.lambda_.invocation import Invocation
from hfaas_emulator.lambda_.outcome import Outcome
from hfaas_emulator.onedata.wakening import Wakening, again
from hfaas_emulator.trace import Trace, What


class Functions:
    """Answers what the test says, when it says so."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.go = asyncio.Event()
        self.go.set()
        self.called = asyncio.Event()

    async def tagged(self, key: str, value: str) -> Sequence[str]:
        return ["arn:f"] if (key, value) == ("hfaas:onedata-space", "films") else []

    async def submit(self, function_arn: str, payload: bytes, origin: str, run: str = "") -> Invocation:
        self.calls += 1
        self.called.set()
        return Invocation(str(self.calls), function_arn, payload, origin, 0, run)

    async def verdict(self, invocation: Invocation) -> Verdict | None:
        await self.go.wait()
        answer = self.answers.pop(0) if self.answers else {"pending": 0}
        condition = Condition.SUCCESS if answer else Condition.EXHAUSTED
        return Verdict(condition, 1, Outcome(json.dumps(answer).encode()))


class Bench:
    def __init__(self, *answers: object) -> None:
        self.functions, self.idle, self.trace, self.clock = Functions(*answers), Idle(), Trace(), ManualClock()
        self.wakening = Wakening(self.functions, self.functions.tagged, self.idle, self.trace, self.clock)


async def test_a_change_calls_the_function_and_is_pending_until_it_saw_it() -> None:
    bench = Bench()
    bench.wakening.changed("films", "/films/a")
    assert [each.kind for each in bench.idle.pending()] == ["space"]
    assert await bench.idle.wait(60)
    assert bench.functions.calls == 1


async def test_a_space_without_a_function_is_idle_at_once() -> None:
    bench = Bench()
    bench.wakening.changed("other", "/other/a")
    assert await bench.idle.wait(60)
    assert bench.functions.calls == 0


async def test_many_changes_during_a_call_make_one_more() -> None:
    bench = Bench()
    bench.functions.go.clear()
    bench.wakening.changed("films", "/films/a")
    await bench.functions.called.wait()
    for _ in range(10):
        bench.wakening.changed("films", "/films/b")
    bench.functions.go.set()
    assert await bench.idle.wait(60)
    assert bench.functions.calls == 2


async def test_a_function_that_waits_for_something_is_called_again() -> None:
    bench = Bench({"pending": 1, "next": 7})
    bench.wakening.changed("films", "/films/a")
    while "again in 7 s" not in str(bench.idle.pending()):
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    bench.clock.advance(7)
    assert await bench.idle.wait(60)
    assert bench.functions.calls == 2


async def test_an_upload_that_was_broken_off_keeps_nobody_waiting() -> None:
    bench = Bench({"pending": 1, "next": 3600})
    bench.wakening.changed("films", "/films/half")
    assert await bench.idle.wait(60)
    assert bench.functions.calls == 1


async def test_a_function_that_fails_is_left_to_its_schedule() -> None:
    bench = Bench(None)
    bench.wakening.changed("films", "/films/a")
    assert await bench.idle.wait(60)
    assert [hop.what for hop in bench.trace.since(0)] == [What.PROBLEM]


@pytest.mark.parametrize(
    ("payload", "seconds"),
    [
        (b'{"pending": 0, "next": 5}', None),
        (b'{"pending": 2, "next": 5}', 5),
        (b'{"pending": 2, "next": 60}', 60),
        (b'{"pending": 1, "next": 3599.2}', None),
        (b'{"pending": 2, "next": -1}', 0.05),
        (b'{"pending": 2}', 0.05),
        (b'"text"', None),
        (b"", None),
    ],
)
def test_an_answer_says_when_to_call_again(payload: bytes, seconds: float | None) -> None:
    assert again(payload) == seconds
