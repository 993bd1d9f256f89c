"""Lines in files: pages, order, restart, cap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hfaas_emulator.clock import ManualClock
from hfaas_emulator.errors import AwsError
from hfaas_emulator.logs import stream as stream_module
from hfaas_emulator.logs.store import Group, LogStore, Window
from hfaas_emulator.logs.stream import backward, forward

WHERE = ("000000000000", "us-east-1", "/aws/lambda/f")
GROUP = Group(*WHERE)
EVERYTHING = Window()


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    store = LogStore(tmp_path, ManualClock())
    yield store
    store.close()


def append(store: LogStore, name: str, *lines: tuple[int, str]) -> None:
    store.append(*WHERE, name, lines)


def anything(_: str) -> bool:
    return True


async def messages(store: LogStore, **named: Any) -> list[str]:
    page = await store.page(GROUP, "s", EVERYTHING, named.pop("limit", 100), **named)
    return [line.message for line in page.lines]


async def test_a_line_is_readable_at_once(store: LogStore) -> None:
    append(store, "s", (1, "hello\n"))
    assert await messages(store) == ["hello\n"]


@pytest.mark.parametrize("message", ["a\nb\n", "back\\slash\\n", "\\\\n\n", "tab\there", "", "ü€😀", "\r\n"])
async def test_a_message_comes_back_as_it_was(store: LogStore, message: str) -> None:
    append(store, "s", (1, message), (2, "next"))
    assert await messages(store) == [message, "next"]


async def test_without_from_head_the_newest_lines_come(store: LogStore) -> None:
    append(store, "s", *[(number, str(number)) for number in range(10)])
    assert await messages(store, limit=3) == ["7", "8", "9"]


async def test_the_tail_is_the_last_lines_with_their_times(store: LogStore) -> None:
    append(store, "s", (1, "a\n"), (2, "b\n"), (3, "c\n"))
    assert await store.tail(GROUP.account, GROUP.region, GROUP.name, "s", 2) == [(2, "b\n"), (3, "c\n")]


async def test_a_stream_that_is_not_there_has_no_tail(store: LogStore) -> None:
    assert await store.tail(GROUP.account, GROUP.region, GROUP.name, "other", 2) == []


async def test_from_head_the_oldest_lines_come(store: LogStore) -> None:
    append(store, "s", *[(number, str(number)) for number in range(10)])
    assert await messages(store, limit=3, from_head=True) == ["0", "1", "2"]


async def test_the_forward_token_goes_on_and_stays_at_the_end(store: LogStore) -> None:
    append(store, "s", (1, "a"), (2, "b"))
    first = await store.page(GROUP, "s", EVERYTHING, 1, from_head=True)
    second = await store.page(GROUP, "s", EVERYTHING, 9, first.forward)
    third = await store.page(GROUP, "s", EVERYTHING, 9, second.forward)
    assert [line.message for line in second.lines] == ["b"]
    assert (third.lines, third.forward) == ((), second.forward)
    append(store, "s", (3, "c"))
    fourth = await store.page(GROUP, "s", EVERYTHING, 9, third.forward)
    assert [line.message for line in fourth.lines] == ["c"]


async def test_the_backward_token_goes_back(store: LogStore) -> None:
    append(store, "s", *[(number, str(number)) for number in range(5)])
    newest = await store.page(GROUP, "s", EVERYTHING, 2)
    older = await store.page(GROUP, "s", EVERYTHING, 2, newest.backward)
    assert [line.message for line in older.lines] == ["1", "2"]


async def test_both_directions_agree_over_many_blocks(store: LogStore) -> None:
    append(store, "s", *[(number, "x" * (number % 300)) for number in range(5_000)])
    store.flush()
    (stream,) = store.streams(GROUP)
    ahead = list(forward(stream, stream.begin))
    assert [line.timestamp for line in ahead] == list(range(5_000))
    assert list(backward(stream, stream.end)) == ahead[::-1]


async def test_a_line_longer_than_a_block_is_read_in_both_directions(store: LogStore) -> None:
    append(store, "s", (1, "a"), (2, "b" * 200_000), (3, "c"))
    assert [len(each) for each in await messages(store)] == [1, 200_000, 1]
    assert [len(each) for each in await messages(store, from_head=True)] == [1, 200_000, 1]


async def test_a_window_of_time_is_kept(store: LogStore) -> None:
    append(store, "s", *[(number, str(number)) for number in range(10)])
    page = await store.page(GROUP, "s", Window(3, 6), 100)
    assert [line.message for line in page.lines] == ["3", "4", "5"]


async def test_a_search_that_starts_late_skips_what_lies_before(store: LogStore) -> None:
    append(store, "s", *[(number, "x" * 100) for number in range(10_000)])
    (stream,) = store.streams(GROUP)
    position, latest = stream.floor(9_900)
    assert stream.end - position < 3 * stream_module.BLOCK
    assert latest < 9_900
    page = await store.page(GROUP, "s", Window(9_900), 10_000)
    assert len(page.lines) == 100


async def test_lines_survive_a_restart(store: LogStore, tmp_path: Path) -> None:
    append(store, "s", (1, "a"), (5, "b"))
    store.close()
    again = LogStore(tmp_path)
    (stream,) = again.streams(GROUP)
    assert (stream.name, stream.first, stream.last) == ("s", 1, 5)
    assert await messages(again) == ["a", "b"]


async def test_half_a_line_left_by_a_crash_is_cut_off(store: LogStore, tmp_path: Path) -> None:
    append(store, "s", (1, "a"))
    store.close()
    (file,) = tmp_path.rglob("*@0")
    with file.open("ab") as torn:
        torn.write(b"2\t2\thal")
    again = LogStore(tmp_path, ManualClock())
    append(again, "s", (3, "c"))
    assert await messages(again) == ["a", "c"]


async def test_a_file_without_a_header_is_told_and_hides_no_other(store: LogStore, tmp_path: Path) -> None:
    append(store, "s", (1, "a"))
    append(store, "t", (1, "b"))
    store.close()
    (file,) = tmp_path.rglob("=t@0")
    file.write_bytes(b"")
    told: list[str] = []
    again = LogStore(tmp_path, problem=told.append)
    assert [each.name for each in again.streams(GROUP)] == ["s"]
    assert len(told) == 1


async def test_a_full_stream_loses_its_oldest_lines(
    store: LogStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "CAP", 20_000)
    for number in range(100):
        append(store, "s", (number, "x" * 1_000))
        store.flush()
    page = await store.page(GROUP, "s", EVERYTHING, 1_000, from_head=True)
    kept = [line.timestamp for line in page.lines]
    assert kept == list(range(kept[0], 100))
    assert 5 < len(kept) < 25
    assert sum(path.stat().st_size for path in tmp_path.rglob("*@*")) < 25_000
    store.close()
    again = LogStore(tmp_path)
    assert [line.timestamp for line in (await again.page(GROUP, "s", EVERYTHING, 1_000)).lines] == kept


async def test_streams_are_merged_by_time(store: LogStore) -> None:
    append(store, "one", (1, "a"), (4, "d"))
    append(store, "two", (2, "b"), (3, "c"))
    found = await store.find(GROUP, anything, EVERYTHING, 100, "", anything)
    assert [(name, line.message) for name, line in found.lines] == [
        ("one", "a"),
        ("two", "b"),
        ("two", "c"),
        ("one", "d"),
    ]
    assert not found.token


async def test_the_token_of_a_search_goes_on_without_loss(store: LogStore) -> None:
    for name in ("one", "two", "three"):
        append(store, name, *[(number // 3, f"{name} {number}") for number in range(30)])
    seen: list[str] = []
    token = ""
    while True:
        found = await store.find(GROUP, anything, EVERYTHING, 7, token, anything)
        seen += [line.message for _, line in found.lines]
        if not (token := found.token):
            break
    assert len(seen) == len(set(seen)) == 90


async def test_an_unknown_token_is_refused(store: LogStore) -> None:
    append(store, "s", (1, "a"))
    with pytest.raises(AwsError, match="nextToken is invalid"):
        await store.page(GROUP, "s", EVERYTHING, 1, "nonsense")
    with pytest.raises(AwsError, match="nextToken is invalid"):
        await store.find(GROUP, anything, EVERYTHING, 1, "nonsense", anything)


@pytest.mark.parametrize("name", ["..", "a/b", "x" * 500, "2023/11/14/[$LATEST]ab", "a@b"])
async def test_any_name_of_a_stream_is_safe(store: LogStore, tmp_path: Path, name: str) -> None:
    append(store, name, (1, "a"))
    store.flush()
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
    assert [each.name for each in LogStore(tmp_path).streams(GROUP)] == [name]


async def test_files_are_the_owners_alone(store: LogStore, tmp_path: Path) -> None:
    append(store, "s", (1, "a"))
    store.flush()
    (file,) = tmp_path.rglob("*@0")
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_group_is_announced_once(tmp_path: Path) -> None:
    told: list[tuple[str, str, str]] = []
    store = LogStore(tmp_path, on_group=lambda *key: told.append(key))
    append(store, "s", (1, "a"))
    append(store, "t", (1, "a"))
    store.close()
    assert told == [WHERE]


async def test_a_stream_that_begins_is_there_without_lines_also_after_a_restart(tmp_path: Path) -> None:
    told: list[tuple[str, str, str]] = []
    store = LogStore(tmp_path, on_group=lambda *key: told.append(key))
    store.begin(*WHERE, "s")
    append(store, "s", (1, "a"))
    store.begin(*WHERE, "t")
    store.close()
    assert told == [WHERE]
    assert [(each.name, each.first) for each in LogStore(tmp_path).streams(GROUP)] == [("s", 1), ("t", None)]


async def test_a_stream_that_begins_on_a_disk_that_refuses_takes_lines_once_it_does_not(tmp_path: Path) -> None:
    problems: list[str] = []
    (way := tmp_path / "000000000000").write_text("in the way")
    store = LogStore(tmp_path, problem=problems.append)
    store.begin(*WHERE, "s")
    way.unlink()
    append(store, "s", (1, "a"))
    store.close()
    assert len(problems) == 1
    assert [each.first for each in LogStore(tmp_path).streams(GROUP)] == [1]


async def test_a_removed_group_is_empty(store: LogStore, tmp_path: Path) -> None:
    append(store, "s", (1, "a"))
    store.remove_group(GROUP)
    store.flush()
    assert store.streams(GROUP) == []
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


async def test_a_disk_that_refuses_is_told_and_the_store_lives_on(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "000000000000").write_text("in the way")
    store = LogStore(tmp_path, problem=told.append)
    append(store, "s", (1, "a"))
    store.close()
    assert len(told) == 1
    assert "cannot be written" in told[0]
