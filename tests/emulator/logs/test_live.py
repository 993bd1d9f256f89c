"""Lines as they are written: batches, the ring's bounds, where one goes on, and what came before."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hfaas_emulator.clock import ManualClock
from hfaas_emulator.logs import history, live
from hfaas_emulator.logs.store import LogStore

STREAM = "2026/07/31/[$LATEST]0123"
Batches = AsyncIterator[bytes]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> Any:
    store = LogStore(tmp_path, clock)
    yield store
    store.close()


def say(store: LogStore, clock: ManualClock, *messages: str, stream: str = STREAM) -> None:
    """Write lines, a moment after the last ones."""
    clock.advance(0.01)
    now = round(clock.now() * 1000)
    store.append("0", "us-east-1", "/aws/lambda/f", stream, [(now, f"{each}\n") for each in messages])


def followed(store: LogStore, since: int = 0, *, on: bool = False) -> Batches:
    return store.follow(since, dict, on=on)


async def begun(store: LogStore, clock: ManualClock) -> tuple[Batches, int]:
    """Return who follows, having read what there was, and the number of that."""
    say(store, clock, "begun")
    batches = followed(store, on=True)
    first = await anext(batches)
    assert text(first) == ["begun"]
    return batches, json.loads(first)["seq"]


def text(batch: bytes) -> list[str]:
    return [line[4] for line in json.loads(batch)["lines"]]


async def everything(batches: Batches) -> list[str]:
    return [line async for batch in batches for line in text(batch)]


async def test_first_comes_what_there_is_in_the_order_of_its_arrival(store: LogStore, clock: ManualClock) -> None:
    say(store, clock, "a")
    say(store, clock, "b", stream="other")
    say(store, clock, "c")
    assert await everything(followed(store)) == ["a", "b", "c"]


async def test_then_lines_come_as_they_are_written_in_one_batch(store: LogStore, clock: ManualClock) -> None:
    say(store, clock, "before")
    batches = followed(store, on=True)
    assert text(await anext(batches)) == ["before"]
    say(store, clock, "x")
    say(store, clock, "y", "z")
    assert text(await anext(batches)) == ["x", "y", "z"]


async def test_a_flood_is_cut_into_batches(store: LogStore, clock: ManualClock) -> None:
    batches, first = await begun(store, clock)
    say(store, clock, *map(str, range(2 * live.BATCH_LINES + 5)))
    found = [await anext(batches) for _ in range(3)]
    assert [len(text(each)) for each in found] == [live.BATCH_LINES, live.BATCH_LINES, 5]
    numbers = [first, *(json.loads(each)["seq"] for each in found)]
    assert numbers == sorted(set(numbers))


async def test_one_goes_on_after_any_batch_by_its_number(store: LogStore, clock: ManualClock) -> None:
    batches, number = await begun(store, clock)
    for each in "abc":
        again = followed(store, number, on=True)
        say(store, clock, each)
        store._live.pack()
        first = await anext(batches)
        assert await anext(again) == first
        assert text(first) == [each]
        number = json.loads(first)["seq"]


async def test_who_lags_too_far_is_told_how_many_lines_were_missed(
    store: LogStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "RING_BYTES", 10_000)
    slow, _ = await begun(store, clock)
    for number in range(50):
        say(store, clock, f"{number} {'x' * 1_000}")
        store._live.pack()
    assert store._live._size <= 10_000
    (said,) = text(await anext(slow))
    missed = int(said.split()[1])
    rest = [text(await anext(slow))[0].split()[0] for _ in range(50 - missed)]
    assert "were missed here" in said
    assert rest == [str(number) for number in range(missed, 50)]


async def test_nothing_is_kept_when_nobody_reads(
    store: LogStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LINGER_S", 0)
    ring = store._live
    say(store, clock, "a")
    assert not ring.is_open
    batches = followed(store, on=True)
    await anext(batches)
    assert ring.is_open
    del batches  # a reader that is gone closes nothing
    for _ in range(6_000):
        await asyncio.sleep(0.01)
        if not ring.is_open:
            return
    pytest.fail("lines are still kept")


async def test_a_request_that_began_unread_is_known_to_who_comes_later(store: LogStore, clock: ManualClock) -> None:
    say(store, clock, "START RequestId: r-1 Version: 1")
    since = int(clock.now() * 1_000_000) + 1_000
    clock.advance(1)
    waiting = asyncio.ensure_future(anext(followed(store, since, on=True)))
    await asyncio.sleep(0.01)
    say(store, clock, "inside")
    assert json.loads(await waiting)["lines"][0][2] == "r-1"


async def test_an_earlier_emulator_s_lines_are_read_with_their_requests(tmp_path: Path, clock: ManualClock) -> None:
    before = LogStore(tmp_path, clock)
    say(before, clock, "START RequestId: r-1 Version: 1", "one")
    middle = live.through(int(clock.now() * 1000))
    say(before, clock, "two")
    before.close()
    clock.advance(1)
    after = LogStore(tmp_path, clock)
    found = [json.loads(batch)["lines"] async for batch in followed(after, middle)]
    assert [line[2:] for line in found[0]] == [["r-1", "", "two"]]
    after.close()


async def test_a_line_is_read_though_its_file_has_the_time_of_the_tick_before(
    store: LogStore, clock: ManualClock, tmp_path: Path
) -> None:
    say(store, clock, "one")
    since = live.through(int(clock.now() * 1000) + 8)
    say(store, clock, "two")
    store.flush()
    (file,) = tmp_path.glob("*/*/*/*@*")
    os.utime(file, (clock.now() - 0.007,) * 2)
    assert await everything(followed(store, since)) == ["two"]


async def test_only_the_newest_lines_are_read(
    store: LogStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "LINES", 10)
    for number in range(40):
        say(store, clock, str(number), stream=f"s{number % 3}")
    assert await everything(followed(store)) == [str(number) for number in range(30, 40)]


async def test_a_file_without_its_header_hides_no_other(
    store: LogStore, clock: ManualClock, tmp_path: Path
) -> None:
    say(store, clock, "fine")
    store.flush()
    (file,) = tmp_path.glob("*/*/*/*@*")
    file.with_name("=torn@0").write_bytes(b"{")
    assert await everything(followed(store)) == ["fine"]
