"""Both places that keep the state behave alike."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hfaas_supervisor.errors import ConfigError
from hfaas_supervisor.onetrigger.errors import StateTaken
from hfaas_supervisor.onetrigger.state import Dead, Identity, Pending, Seen, State
from hfaas_supervisor.onetrigger.state_file import StateFile
from hfaas_supervisor.onetrigger.state_object import StateObject
from hfaas_supervisor.onetrigger.wire import Trust

IDENTITY = Identity("p", "s", "in")
URL = "s3://artifacts/onetrigger/stack/name.json"
Reopen = Callable[[], State]


@pytest.fixture(params=["file", "object"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path, objects: dict[str, bytes]) -> Iterator[Reopen]:
    """Write the state, let go of it and open it again."""
    opened: list[State] = []

    def again() -> State:
        for state in opened:
            state.save()
            state.close()
        opened[:] = [
            StateFile(str(tmp_path / "deep" / "state.sqlite"))
            if request.param == "file"
            else StateObject(URL, "us-east-1", Trust())
        ]
        return opened[0]

    yield again
    for state in opened:
        state.close()


def test_everything_survives(reopen: Reopen) -> None:
    state = reopen()
    pending = Pending("a", 5.5, "REG", "in/a", "Complete", 4.5, 7, 3, 1)
    seen, dead = Seen("b", 1, 2, 3.5, 4), Dead("c", "in/c", "404", 1.5)
    with state.transaction():
        state.belong(IDENTITY)
        state.move(9)
        state.put(pending)
        state.see([seen])
        state.bury(dead)
    state = reopen()
    assert (state.identity, state.cursor) == (IDENTITY, 9)
    assert (state.waiting("a"), state.seen("b"), state.dead()) == (pending, seen, [dead])


def test_a_new_state_is_empty(reopen: Reopen) -> None:
    state = reopen()
    assert (state.identity, state.cursor, state.next_due(), state.pending()) == (None, None, None, 0)


def test_what_waits_longest_is_due_first(reopen: Reopen) -> None:
    state = reopen()
    with state.transaction():
        for name, due in (("a", 3), ("b", 1), ("c", 2), ("d", 9)):
            state.put(Pending(name, due, "REG"))
    assert [row.id for row in state.due(3, 2)] == ["b", "c"]
    assert [row.id for row in state.due(3, 9)] == ["b", "c", "a"]
    assert (state.next_due(), state.pending()) == (1, 4)


def test_what_is_dropped_forgotten_and_exhumed_is_gone(reopen: Reopen) -> None:
    state = reopen()
    with state.transaction():
        state.put(Pending("a", 1, "REG"))
        state.see([Seen("a", 1, 1, 1, 1)])
        state.bury(Dead("a", "a", "", 1))
    with state.transaction():
        state.drop("a")
        state.forget("a")
        state.exhume("a")
    assert (state.waiting("a"), state.seen("a"), state.dead()) == (None, None, [])


def test_a_void_state_is_as_new(reopen: Reopen) -> None:
    state = reopen()
    with state.transaction():
        state.belong(IDENTITY)
        state.move(1)
        state.put(Pending("a", 1, "REG"))
    with state.transaction():
        state.void()
    state = reopen()
    assert (state.identity, state.cursor, state.pending()) == (None, None, 0)


def test_half_a_transaction_is_never_kept(reopen: Reopen) -> None:
    state = reopen()
    with pytest.raises(ZeroDivisionError), state.transaction():
        state.move(1)
        raise ZeroDivisionError
    assert reopen().cursor is None


def test_a_file_takes_one_process_only(tmp_path: Path) -> None:
    path = str(tmp_path / "state.sqlite")
    first = StateFile(path)
    with pytest.raises(StateTaken, match=r"another OneTrigger works with the state .*state\.sqlite"):
        StateFile(path)
    first.close()
    StateFile(path).close()


def test_a_file_is_its_owners(tmp_path: Path) -> None:
    StateFile(str(tmp_path / "made" / "state.sqlite")).close()
    assert stat.S_IMODE(os.stat(tmp_path / "made" / "state.sqlite").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "made").st_mode) == 0o700


def test_a_file_that_is_something_else_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"hello" * 1000)
    with pytest.raises(ConfigError, match="cannot be used"):
        StateFile(str(tmp_path / "state"))


def test_of_two_who_read_the_object_only_one_may_go_on(objects: dict[str, bytes]) -> None:
    first, second = StateObject(URL, "us-east-1", Trust()), StateObject(URL, "us-east-1", Trust())
    first.claim()
    with pytest.raises(StateTaken, match=URL):
        second.claim()
    with first.transaction():
        first.move(5)
    first.save()
    for state in (first, second):
        state.close()
    third = StateObject(URL, "us-east-1", Trust())
    assert third.cursor == 5
    third.close()


def test_an_object_that_was_deleted_meanwhile_is_not_written(objects: dict[str, bytes]) -> None:
    state = StateObject(URL, "us-east-1", Trust())
    state.claim()
    objects.clear()
    with state.transaction():
        state.move(1)
    with pytest.raises(StateTaken):
        state.save()
    state.close()


def test_an_object_without_changes_is_not_written(objects: dict[str, bytes]) -> None:
    state = StateObject(URL, "us-east-1", Trust())
    state.save()
    state.close()
    assert objects == {}


def test_an_object_that_is_something_else_is_named(objects: dict[str, bytes]) -> None:
    objects["/artifacts/onetrigger/stack/name.json"] = b"hello"
    with pytest.raises(ConfigError, match="is not the state of a OneTrigger"):
        StateObject(URL, "us-east-1", Trust())


@pytest.mark.parametrize("url", ["s3://", "s3://bucket", "s3://bucket/", "https://a/b"])
def test_a_url_that_names_no_object_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="must be s3://BUCKET/KEY"):
        StateObject(url, "us-east-1", Trust())
