"""What happens reaches the store; the emulator may end and come back meanwhile."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.tui.conftest import IMAGE, WAIT_S, obey
from tests.tui.ui.world import FakeBackend, run, sample, until

from hfaas_emulator import server
from hfaas_emulator.containers.engine import Image
from hfaas_emulator.containers.fake import FakeEngine
from hfaas_tui.errors import CliError
from hfaas_tui.transfer import client
from hfaas_tui.ui.emulator.local_backend import LocalBackend
from hfaas_tui.ui.emulator.wire import Stream, _Body
from hfaas_tui.ui.feed import Feeds, Pause
from hfaas_tui.ui.logs.store import LogStore
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.state import Kind, Store


class Emulator:
    """An emulator on a state folder, in a thread: started and stopped as often as a test likes."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._thread: threading.Thread | None = None
        self._held: dict[str, Any] = {}

    def start(self) -> str:
        up = threading.Event()

        async def serve() -> None:
            stop = asyncio.Event()
            engine = FakeEngine(obey, {IMAGE: Image(IMAGE, "sha256:1", "x86_64", supervised=True)})
            self._held = {"loop": asyncio.get_running_loop(), "stop": stop}
            async with server.opened(server.Options(0, self._state), stop, engine) as announced:
                self._held["endpoint"] = announced.endpoint
                up.set()
                await stop.wait()

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()))
        self._thread.start()
        assert up.wait(WAIT_S), "the emulator did not start"
        return str(self._held["endpoint"])

    def stop(self) -> None:
        if self._thread:
            self._held["loop"].call_soon_threadsafe(self._held["stop"].set)
            self._thread.join(WAIT_S)
            assert not self._thread.is_alive(), "the emulator did not stop"
            self._thread = None


class Fed:
    """A store, and what feeds it."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.store, self.logs = Store(backend.target), LogStore()
        self.feeds = Feeds(backend, self.store, self.logs)
        self.feeds.start()

    def hurried(self, condition: Any) -> None:
        """Wait for something, and have the feeds look all the while."""

        def look() -> bool:
            self.feeds.hurry()
            return bool(condition())

        until(look, WAIT_S)


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    made = Emulator(tmp_path / "state")
    yield made
    made.stop()


@pytest.fixture
def fed(emulator: Emulator, tmp_path: Path) -> Iterator[Fed]:
    emulator.start()
    made = Fed(LocalBackend(tmp_path / "state"))
    until(lambda: made.store.health.is_up)
    yield made
    made.feeds.close()


@pytest.fixture
def fake(backend: FakeBackend) -> Iterator[Fed]:
    made = Fed(backend)
    yield made
    made.feeds.close()


@pytest.fixture
def backend() -> FakeBackend:
    return sample()


def make_function(endpoint: str) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = client(endpoint, "iam").create_role(RoleName="f", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    client(endpoint, "lambda").create_function(
        FunctionName="f", Role=role, PackageType="Image", Code={"ImageUri": IMAGE}
    )


def test_everything_a_target_has_comes_into_the_store(fake: Fed) -> None:
    until(lambda: fake.store.places() and fake.store.runs() and len(fake.logs) > 0)
    assert fake.store.health.is_up
    assert len(fake.store.functions()) == 7
    assert fake.store.machine.cpu == 0.38


def test_what_happens_is_there_at_once(fake: Fed, backend: FakeBackend) -> None:
    until(fake.store.runs)
    backend.tell(run("new", "grayify"), writers={"s3://b/k": ("grayify", "new")})
    until(lambda: fake.store.writer("s3://b/k") == ("grayify", "new"))


def test_nothing_changes_in_the_store_while_nothing_changes(fake: Fed, backend: FakeBackend) -> None:
    until(lambda: fake.store.version(Kind.PLACES))
    before, looks = fake.store.version(Kind.HEALTH, Kind.FUNCTIONS, Kind.PLACES), backend.calls.count(("places",))
    fake.hurried(lambda: backend.calls.count(("places",)) > looks + 3)
    assert fake.store.version(Kind.HEALTH, Kind.FUNCTIONS, Kind.PLACES) == before


def test_a_target_that_is_gone_is_told_with_the_next_try_and_everything_stays(
    fake: Fed, backend: FakeBackend
) -> None:
    until(lambda: fake.store.places() and fake.store.runs())
    backend.broken = "no emulator answers"
    fake.hurried(lambda: not fake.store.health.is_up)
    until(lambda: fake.store.health.next_try > time.time())
    assert fake.store.health.problem
    assert (len(fake.store.functions()), len(fake.store.places())) == (7, 4)
    backend.broken = ""
    fake.hurried(lambda: fake.store.health.is_up)
    assert fake.store.health.problem is None


def test_the_wait_grows_to_a_limit_and_begins_small_again() -> None:
    pause = Pause(0.5, 10)
    assert [pause.take() for _ in range(6)] == [0.5, 1, 2, 4, 8, 10]
    pause.reset()
    assert pause.take() == 0.5


def test_an_emulator_that_came_back_elsewhere_is_found_and_no_run_is_there_twice(
    fed: Fed, emulator: Emulator
) -> None:
    first = f"http://{fed.store.target.place}"
    make_function(first)
    made = fed.backend.invoke("f", b"{}", wait=True)
    until(lambda: (found := fed.store.run(made.id)) and found.state is Condition.OK)
    emulator.stop()
    until(lambda: not fed.store.health.is_up)
    assert fed.store.run(made.id)
    second = emulator.start()
    fed.hurried(lambda: fed.store.health.is_up and fed.store.target.place == second.partition("://")[2])
    again = fed.backend.invoke("f", b"{}", wait=True)
    until(lambda: (found := fed.store.run(again.id)) and found.state is Condition.OK)
    assert [each.id for each in fed.store.runs()] == [made.id, again.id]


def test_what_was_under_way_when_the_emulator_ended_does_not_run_for_ever(fed: Fed, emulator: Emulator) -> None:
    make_function(f"http://{fed.store.target.place}")
    fed.store.put_runs([])
    fed.backend._reduction._rows.clear()
    made = fed.backend.invoke("f", b"{}", wait=True)
    until(lambda: (found := fed.store.run(made.id)) and found.is_over)
    fed.backend._reduction._rows[made.id].ended = None
    emulator.stop()
    emulator.start()
    fed.hurried(lambda: (found := fed.store.run(made.id)) and found.state is Condition.STOPPED)


def test_lines_of_a_function_come_with_its_name_and_request(fed: Fed) -> None:
    make_function(f"http://{fed.store.target.place}")
    made = fed.backend.invoke("f", b"{}", wait=True)
    until(lambda: any(b"REPORT" in fed.logs.line(n).raw for n in range(len(fed.logs))))
    lines = [fed.logs.line(n) for n in range(len(fed.logs))]
    assert {(line.function, line.request) for line in lines if made.id.encode() in line.raw} == {("f", made.id)}


def test_closing_ends_every_thread(fed: Fed) -> None:
    fed.feeds.close()
    until(lambda: not any(each.name.startswith("hfaas-feed-") for each in threading.enumerate()))


def test_a_chunked_answer_is_taken_apart_wherever_it_is_torn() -> None:
    whole = b'5\r\n{"a":\r\n4\r\n 1}\n\r\n8;x=y\r\n{"b":2}\n\r\n0\r\n\r\n'
    for size in range(1, len(whole) + 1):
        body, lines = _Body(), list[bytes]()
        for at in range(0, len(whole), size):
            lines += body.take(whole[at : at + size])
        assert (lines, body.is_over) == ([b'{"a": 1}', b'{"b":2}'], True)


def test_an_address_where_no_emulator_is_says_so() -> None:
    with pytest.raises(CliError, match="no emulator answers"):
        next(Stream("http://127.0.0.1:1", "/_hfaas/trace").batches())


def test_a_page_that_the_emulator_does_not_have_is_told(fed: Fed) -> None:
    with pytest.raises(CliError, match="answers 404"):
        next(Stream(f"http://{fed.store.target.place}", "/_hfaas/nothing").batches())
