"""Lines are filtered where no pattern can do harm."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.tui.ui.slow import late_python, no_python
from tests.tui.ui.world import until

from hfaas_tui.ui.logs import filter as filters
from hfaas_tui.ui.logs.filter import BLOCK, Scan, Wanted
from hfaas_tui.ui.logs.shown import Shown
from hfaas_tui.ui.logs.store import LogStore
from hfaas_tui.ui.model import LogLine


def stored(folder: Path, *raws: bytes) -> LogStore:
    store = LogStore(folder)
    store.append([LogLine(0, "f", "r", "", raw) for raw in raws])
    return store


@contextmanager
def scanned(store: LogStore, wanted: Wanted) -> Iterator[Scan]:
    """Search until all lines that there are were looked at."""
    scan = Scan(store, wanted)
    try:
        until(lambda: scan.is_through)
        scan.poll()
        yield scan
    finally:
        scan.close()


def found(store: LogStore, pattern: str, **more: Any) -> list[int]:
    with scanned(store, Wanted(pattern=pattern, **more)) as scan:
        assert (scan.error, scan.note) == ("", "")
        return list(scan.hits)


@pytest.mark.parametrize(
    ("pattern", "lines"),
    [
        ("b", [1, 3]),
        ("^b", [1]),
        ("a$", [0]),
        ("^$", [2, 5]),
        ("", [0, 1, 2, 3, 4, 5]),
        ("x*", [0, 1, 2, 3, 4, 5]),
        (r"a\s+b", [3]),
        ("[^x]*$", [0, 1, 2, 3, 4, 5]),
        (r"\Ab", [1]),
        ("^(?!.*b)", [0, 2, 4, 5]),
        ("(?s)a.*b", [3]),
        ("a(?=.b)", [3]),
        ("red", [4]),
        ("is red$", [4]),
    ],
)
def test_each_line_is_looked_at_on_its_own(tmp_path: Path, pattern: str, lines: list[int]) -> None:
    store = stored(tmp_path, b"a", b"b", b"", b"a b", b"\x1b[1mis \x1b[31mred\x1b[0m", b"")
    if not pattern:
        assert Wanted(pattern="").is_all
    else:
        assert found(store, pattern) == lines


def test_a_pattern_is_inverted_and_may_ignore_case(tmp_path: Path) -> None:
    store = stored(tmp_path, b"Error", b"error", b"fine")
    assert found(store, "error") == [1]
    assert found(store, "error", ignores_case=True) == [0, 1]
    assert found(store, "error", ignores_case=True, is_inverted=True) == [2]


def test_patterns_know_letters_beyond_ascii(tmp_path: Path) -> None:
    store = stored(tmp_path, "Größe".encode(), "GRÖSSE".encode(), b"\xff\xfe")
    assert found(store, "gr[öo]", ignores_case=True) == [0, 1]


@pytest.mark.parametrize("pattern", ["7$", "line 1", "(?i)LINE 123", "^line [0-9]*5$", "^$|0$"])
def test_many_blocks_give_what_one_look_at_each_line_gives(tmp_path: Path, pattern: str) -> None:
    raws = [b"line %d" % number if number % 100 else b"" for number in range(3 * BLOCK + 17)]
    wanted = re.compile(pattern.encode())
    assert found(stored(tmp_path, *raws), pattern) == [n for n, raw in enumerate(raws) if wanted.search(raw)]


def test_a_syntax_error_comes_back(tmp_path: Path) -> None:
    with scanned(stored(tmp_path, b"x"), Wanted(pattern="(x")) as scan:
        assert scan.error.startswith("missing )")


def test_a_catastrophic_pattern_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "DEADLINE_S", 0.3)
    store = stored(tmp_path, b"a" * 60 + b"b", *[b"x"] * BLOCK, b"aa")
    began = time.monotonic()
    with scanned(store, Wanted(pattern="(a+)+$")) as scan:
        assert scan.note.startswith("stopped after")
        assert list(scan.hits) == [BLOCK + 1]  # the newest block was through before
    assert time.monotonic() - began < 60


def test_new_lines_that_a_pattern_takes_too_long_for_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "DEADLINE_NEW_S", 0.3)
    store = stored(tmp_path, b"aa")
    with scanned(store, Wanted(pattern="(a+)+$")) as scan:
        store.append([LogLine(0, "f", "r", "", b"a" * 60 + b"b")])
        until(lambda: scan.poll() or scan.note)
        assert (scan.note, list(scan.hits)) == ("stopped after 0 s", [0])


def test_what_a_busy_machine_keeps_a_search_waiting_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "DEADLINE_S", 0.3)
    monkeypatch.setattr(sys, "executable", late_python(tmp_path, 0.7))
    assert found(stored(tmp_path, b"aa", b"b"), "^a+$") == [0]


def test_a_search_whose_process_does_not_begin_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "WALL_S", 0.1)
    monkeypatch.setattr(sys, "executable", no_python(tmp_path))
    with scanned(stored(tmp_path, b"aa"), Wanted(pattern="^a+$")) as scan:
        assert scan.note == "the search did not begin within 0 s"


def test_closing_kills_a_search_that_would_never_end(tmp_path: Path) -> None:
    scan = Scan(stored(tmp_path, b"a" * 60 + b"b"), Wanted(pattern="(a+)+$"))
    until(lambda: scan._child)
    scan.close()
    until(lambda: scan.is_through)
    assert scan._child
    assert scan._child._process.returncode is not None


def test_new_lines_are_searched_as_they_come(tmp_path: Path) -> None:
    store = stored(tmp_path, b"yes", b"no")
    with scanned(store, Wanted(pattern="yes")) as scan:
        for number in range(2, 6):
            store.append([LogLine(0, "f", "r", "", b"yes" if number % 2 else b"no")])
            until(lambda: scan.poll() or scan._known == len(store))
        until(lambda: scan.poll() or list(scan.hits) == [0, 3, 5])


def test_lines_of_a_function_a_request_a_level_and_a_time(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    store.append(
        [
            LogLine(1, "f", "aaaa-1", "INFO", b"x"),
            LogLine(2, "g", "job:aaaa-1", "ERROR", b"x"),
            LogLine(3, "f", "bbbb-2", "WARN", b"y"),
            LogLine(4, "f", "bbbb-2", "", b"x"),
        ]
    )
    for wanted, lines in (
        (Wanted(function="f"), [0, 2, 3]),
        (Wanted(function="nobody"), []),
        (Wanted(request="aaaa-1"), [0, 1]),
        (Wanted(request="bbbb"), [2, 3]),
        (Wanted(level="WARN"), [1, 2]),
        (Wanted(since=2.5), [2, 3]),
        (Wanted(function="f", level="INFO", since=0.5), [0, 2]),
        (Wanted(function="f", pattern="x"), [0, 3]),
    ):
        with scanned(store, wanted) as scan:
            assert list(scan.hits) == lines, wanted


def test_a_function_that_has_not_written_yet_is_found_when_it_does(tmp_path: Path) -> None:
    store = stored(tmp_path, b"x")
    with scanned(store, Wanted(function="late", request="r9")) as scan:
        store.append([LogLine(0, "late", "r9", "", b"y")])
        until(scan.poll)
        assert list(scan.hits) == [1]


def test_rows_and_lines_lead_to_each_other(tmp_path: Path) -> None:
    store = stored(tmp_path, *[b"%d" % number for number in range(100)])
    shown = Shown(store)
    shown.poll()
    assert (len(shown), shown.line(7), shown.row(7)) == (100, 7, 7)
    shown.want(Wanted(pattern="5$"))
    until(lambda: shown.poll() and len(shown) == 10)
    assert (shown.line(3), shown.row(35), shown.row(36)) == (35, 3, 4)
    shown.clear()
    shown.poll()
    assert len(shown) == 0
    shown.clear(on=False)
    shown.close()


def test_a_pattern_found_wrong_while_it_is_looked_at_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def through(scan: Scan) -> bool:
        until(lambda: scan.is_through)
        return True

    monkeypatch.setattr(Scan, "has_something", property(through))
    shown = Shown(stored(tmp_path, b"x"))
    shown.want(Wanted(pattern="(x"))
    shown.poll()
    assert (shown.error[:9], shown.pattern) == ("missing )", None)
    shown.close()


def test_a_plain_pattern_is_found_in_a_text_without_the_child(tmp_path: Path) -> None:
    shown = Shown(stored(tmp_path, b"an error"))
    shown.want(Wanted(pattern="ERR", ignores_case=True))
    until(lambda: shown.poll() and shown.pattern)
    assert shown.spans("an error, an Err") == [(3, 6), (13, 16)]
    shown.want(Wanted(pattern="err."))
    until(lambda: shown.poll() and shown.pattern and shown.pattern.wanted.pattern == "err.")
    assert shown.spans("an error") == []
    shown.close()
