"""What is kept of invocations: the newest, within bounds; what failed also on disk."""

from __future__ import annotations

import itertools

import pytest

from hfaas_emulator.journal import Journal, Table
from hfaas_emulator.lambda_ import past as past_module
from hfaas_emulator.lambda_.past import Past

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


def test_the_newest_win_by_count_and_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_module, "COUNT", 3)
    monkeypatch.setattr(past_module, "BYTES", 5_100)
    past = Past()
    for number in range(5):
        past.keep(str(number), ARN, "api", b"{}")
    assert [past.find(each) is not None for each in "01234"] == [False, False, True, True, True]
    past.keep("large", ARN, "api", b"x" * 4_000)
    assert [past.find(each) is not None for each in ("3", "4", "large")] == [False, True, True]


def test_an_invocation_is_kept_once_with_its_first_event() -> None:
    past = Past()
    past.keep("a", ARN, "s3:films", b"1")
    past.ran("a", {"MODE": "dark"})
    past.keep("a", ARN, "api", b"2")
    found = past.find("a")
    assert found is not None
    assert (found.payload, found.origin, found.environment) == (b"1", "s3:films", {"MODE": "dark"})


def test_only_the_newest_failures_are_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_module, "FAILED", 2)
    journal, times = Journal(None), itertools.count(1)
    past = Past(journal, lambda: next(times))
    for each in "abc":
        past.keep(each, ARN, "api", each.encode())
        past.ran(each, {"API_TOKEN": "dont-tell"})
        journal.write(past.failed(each))
    journal.write(past.failed("nobody"))
    assert [key.partition("/")[2] for key, _ in journal.rows(Table.FAILED)] == ["b", "c"]
    assert not any(b"dont-tell" in row for _, row in journal.rows(Table.FAILED))
    again = Past(journal)
    again.load()
    assert [found.payload for each in "abc" if (found := again.find(each))] == [b"b", b"c"]
    journal.close()
