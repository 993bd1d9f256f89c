"""Rows that are kept, and how a run of them is let go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from hfaas_emulator.journal import DeleteThrough, Journal, Put, Table


@pytest.fixture
def journal() -> Iterator[Journal]:
    with closing(Journal(None)) as journal:
        journal.write([Put(Table.REQUEST, key, key.encode()) for key in ("1", "2", "3")])
        journal.write([Put(Table.STACK, "1", b"")])
        yield journal


def test_the_first_rows_are_let_go_up_to_one_and_with_it(journal: Journal) -> None:
    journal.write([DeleteThrough(Table.REQUEST, "2")])
    assert list(journal.rows(Table.REQUEST)) == [("3", b"3")]
    assert list(journal.rows(Table.STACK)) == [("1", b"")]


def test_the_last_key_is_empty_when_there_is_none(journal: Journal) -> None:
    assert (journal.last(Table.REQUEST), journal.last(Table.OBJECT)) == ("3", "")
