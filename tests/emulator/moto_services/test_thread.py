from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from sqlite3 import ProgrammingError

import pytest
import pytest_asyncio

from hfaas_emulator.errors import StateError
from hfaas_emulator.journal import Journal, Put, Table
from hfaas_emulator.moto_services import commit
from hfaas_emulator.moto_services.bridge import Answer, Request
from hfaas_emulator.moto_services.thread import Moto


def echo(request: Request) -> Answer:
    return Answer(200, (), request.path.encode())


@pytest.fixture
def journal() -> Iterator[Journal]:
    with closing(Journal(None)) as journal:
        yield journal


@pytest_asyncio.fixture
async def moto(journal: Journal) -> AsyncIterator[Moto]:
    moto = Moto(journal)
    await moto.open(lambda: echo)
    yield moto
    await moto.close()


def _put(key: str) -> None:
    commit.record(Put(Table.MESSAGE, key, b"v"))


async def test_commands_run_on_one_thread_in_order(moto: Moto) -> None:
    threads: list[int] = []
    await asyncio.gather(*(moto.call(lambda: threads.append(threading.get_ident())) for _ in range(20)))
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


async def test_requests_go_to_the_application(moto: Moto) -> None:
    answer = await moto.request(Request("GET", "/x", "", {}))
    assert answer.body == b"/x"


async def test_what_a_command_recorded_is_on_disk_before_its_caller_goes_on(moto: Moto, journal: Journal) -> None:
    await moto.call(_put, "k")
    assert journal.get(Table.MESSAGE, "k") == b"v"


async def test_callbacks_run_on_the_loop_after_the_commit(moto: Moto, journal: Journal) -> None:
    seen: list[tuple[int, bytes | None]] = []

    def work() -> None:
        commit.after(lambda: seen.append((threading.get_ident(), journal.get(Table.MESSAGE, "k"))))
        _put("k")

    await moto.call(work)
    assert seen == [(threading.get_ident(), b"v")]


async def test_an_exception_reaches_the_caller_and_the_thread_lives_on(moto: Moto) -> None:
    with pytest.raises(ZeroDivisionError):
        await moto.call(lambda: 1 // 0)
    assert await moto.call(lambda: 7) == 7


async def test_a_journal_that_cannot_be_written_is_the_callers_error(moto: Moto, journal: Journal) -> None:
    journal.close()
    with pytest.raises(Exception, match="closed") as raised:
        await moto.call(_put, "k")
    assert not isinstance(raised.value, StateError) or raised.value.hint


class Upload:
    """What a command holds that can be referred to weakly."""


def _fail(_upload: Upload) -> None:
    raise ZeroDivisionError


def _keep(_upload: Upload) -> None:
    _put("k")


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("command", [_fail, _keep])
async def test_what_a_refused_command_held_is_gone_when_the_next_one_runs(
    moto: Moto, journal: Journal, command: Callable[[Upload], None]
) -> None:
    journal.close()
    upload = Upload()
    seen = weakref.ref(upload)
    with without_garbage_collection():
        with suppress(ZeroDivisionError, ProgrammingError):
            await moto.call(command, upload)
        del upload
        assert await moto.call(seen) is None


async def test_a_caller_that_gave_up_harms_nobody(moto: Moto) -> None:
    task = asyncio.create_task(moto.call(lambda: 1))
    await asyncio.sleep(0)
    task.cancel()
    assert await moto.call(lambda: 2) == 2


async def test_a_start_that_fails_is_told(journal: Journal) -> None:
    def boot() -> object:
        raise RuntimeError("no moto")

    moto = Moto(journal)
    with pytest.raises(RuntimeError, match="no moto"):
        await moto.open(boot)  # type: ignore[arg-type]
    await moto.close()
