"""Lines are kept in a file, and come back as they went in."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfaas_tui.ui.logs.store import LogStore
from hfaas_tui.ui.model import LogLine


def line(raw: bytes, function: str = "f", request: str = "r", level: str = "", at: float = 1.5) -> LogLine:
    return LogLine(at, function, request, level, raw)


def test_lines_come_back_as_they_went_in(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    lines = [
        line(b"one", "f", "r1", "INFO"),
        line(b"", "g", "r2"),
        line(b"\xff\x00 three", "f", "r1", "ERROR", 2.25),
    ]
    store.append(lines[:2])
    store.append(lines[2:])
    assert [store.line(number) for number in range(len(store))] == lines
    assert list(store.lines(1, 9)) == lines[1:]
    assert store.functions() == ["f", "g"]
    assert store.requests() == ["r1", "r2"]


def test_the_version_rises_with_each_batch_but_not_with_an_empty_one(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    store.append([])
    assert store.version == 0
    store.append([line(b"x")])
    assert store.version == 1


def test_lines_that_came_together_are_kept_apart(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    store.append([LogLine(1.5, "f", "r", "WARN", b"x"), LogLine(1.5, "f", "r", "WARN", b"y")])
    assert store.line(1) == line(b"y", level="WARN")


def test_a_line_feed_in_a_line_does_not_shift_those_that_follow(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    store.append([line(b"a\nb"), line(b"c")])
    assert [store.raw(0), store.raw(1)] == [b"a b", b"c"]


@pytest.mark.parametrize(
    ("given", "kept"), [("WARNING", "WARN"), ("CRITICAL", "ERROR"), ("TRACE", "DEBUG"), ("odd", "")]
)
def test_levels_are_few(tmp_path: Path, given: str, kept: str) -> None:
    store = LogStore(tmp_path)
    store.append([line(b"x", level=given)])
    assert store.line(0).level == kept


def test_the_file_has_no_name(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    store.append([line(b"x")])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = LogStore(tmp_path / "file" / "folder")
    store.append([line(b"x")])
    assert store.raw(0) == b"x"


def test_short_writes_go_on_where_they_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, pwrite = LogStore(tmp_path), os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, bytes(data)[:3], at))
    store.append([line(b"something longer"), line(b"than three")])
    assert [store.raw(0), store.raw(1)] == [b"something longer", b"than three"]


def test_a_full_disk_loses_lines_says_so_and_recovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, pwrite = LogStore(tmp_path), os.pwrite
    store.append([line(b"before")])

    def full(fd: int, data: Any, at: int) -> int:
        if at > 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        return pwrite(fd, bytes(data)[:2], at)

    monkeypatch.setattr(os, "pwrite", full)
    store.append([line(b"lost"), line(b"lost too")])
    assert (len(store), store.lost, store.problem) == (1, 2, "log lines are not kept: No space left on device")
    monkeypatch.setattr(os, "pwrite", pwrite)
    store.append([line(b"after")])
    assert (store.raw(0), store.raw(1), store.problem, store.lost) == (b"before", b"after", "", 2)


def test_readers_never_see_a_line_that_is_not_whole(tmp_path: Path) -> None:
    store = LogStore(tmp_path)

    def write() -> None:
        for number in range(300):
            store.append([line(b"%d" % (number * 10 + each), f"f{number}", f"r{number}") for each in range(10)])

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive() or len(store) < 3000:
        if count := len(store):
            assert store.line(count - 1).raw == b"%d" % (count - 1)
    writer.join()


@given(st.lists(st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"")), max_size=5), max_size=5))
def test_any_bytes_come_back(batches: list[list[bytes]]) -> None:
    store = LogStore()
    for batch in batches:
        store.append([line(raw) for raw in batch])
    assert [store.raw(number) for number in range(len(store))] == [raw for batch in batches for raw in batch]
