"""OneTrigger at the emulated Oneprovider."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
from tests.emulator.onedata.lab import Client, Lab, running
from tests.supervisor.onetrigger.conftest import DEADLINE_S, Clock, Hook

from hfaas_supervisor.console import Console
from hfaas_supervisor.errors import ProviderAuth
from hfaas_supervisor.onetrigger import targets
from hfaas_supervisor.onetrigger.engine import Engine
from hfaas_supervisor.onetrigger.provider import Provider
from hfaas_supervisor.onetrigger.runner import Pace, Runner
from hfaas_supervisor.onetrigger.state_file import StateFile
from hfaas_supervisor.onetrigger.watch import Watch
from hfaas_supervisor.onetrigger.wire import Trust

NUMBERS = itertools.count(1)
OBJECT = "application/cdmi-object"
Run = Callable[[], None]


@pytest.fixture(scope="module")
def onedata(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("onedata") / "onedata") as started:
        yield started


@pytest.fixture
def client(onedata: Lab) -> Iterator[Client]:
    """A client of a space with an empty folder `in`."""
    made = onedata.client(f"space-{next(NUMBERS)}")
    made.folder("in")
    yield made
    while Client.opened:
        Client.opened.pop().close()


@pytest.fixture
def poll(client: Client, hook: Hook, memory: Path) -> Run:
    """One poll of the space, as a schedule would make it."""

    def once() -> None:
        run(client, hook, memory, Pace(0.05, once=True))

    return once


@cache
def trusting(ca: str) -> Trust:
    return Trust(ca)


def run(
    client: Client,
    hook: Hook,
    path: Path,
    pace: Pace,
    token: str = "",
    on_start: Callable[[Runner], None] | None = None,
    now: Callable[[], float] = time.time,
) -> None:
    trust = trusting(client.about["ca"])
    log = os.open(path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    watch = Watch(client.about["name"], "in", settle=0.2)
    with (
        closing(Provider(client.about["host"], token or client.token, trust)) as provider,
        closing(targets.Webhook(hook.url, trust)) as target,
        closing(StateFile(str(path / "state"))) as state,
    ):
        engine = Engine(provider, state, target, watch, Console(log), now)
        runner = Runner(engine, provider, Console(log), pace)
        if on_start:
            on_start(runner)
        runner.run()
    os.close(log)


def keys(hook: Hook, client: Client) -> list[str]:
    return [key.removeprefix(f"/{client.about['name']}/in/") for key in hook.keys]


def move(client: Client, path: str, new: str) -> None:
    body = {"move": f"{client.about['name']}/{path}"}
    assert client.cdmi("PUT", f"{client.about['name']}/{new}", body, Content_Type=OBJECT).status == 201


def test_uploads_overwrites_and_renames_are_reported_once_each(client: Client, hook: Hook, poll: Run) -> None:
    client.put("in/old", b"there before")
    poll()
    client.put("in/a", b"1")
    client.put("in/b.part", b"2")
    client.put("out", b"3")
    client.put("in/gone", b"4")
    client.ask("DELETE", f"/cdmi/{client.about['name']}/in/gone")
    poll()
    assert keys(hook, client) == ["a"]
    client.put("in/a", b"longer")
    move(client, "in/b.part", "in/b")
    poll()
    hook.answers = [503]
    while keys(hook, client) != ["a", "a", "b"]:
        poll()
    poll()
    assert keys(hook, client) == ["a", "a", "b"]


def test_a_folder_that_is_moved_in_reports_its_files(client: Client, hook: Hook, poll: Run) -> None:
    client.folder("x")
    client.put("x/a", b"1")
    client.folder("x/deep")
    client.put("x/deep/b", b"2")
    poll()
    move(client, "x", "in/x")
    while len(hook.keys) < 2:
        poll()
    assert sorted(keys(hook, client)) == ["x/a", "x/deep/b"]


def test_an_upload_by_rest_is_reported_when_it_rests(
    client: Client, hook: Hook, memory: Path, clock: Clock
) -> None:
    runners: list[Runner] = []
    thread = threading.Thread(target=run, args=(client, hook, memory, Pace(5), "", runners.append, clock))
    thread.start()
    client.put("in/marker", b"")
    while not hook.keys and thread.is_alive():  # it watches from some moment on
        client.put("in/marker", b"x" * (1 + next(NUMBERS)))
        hook.pause()
    hook.events.clear()
    made = client.op("POST", f"data/{client.id('in')}/children?name=slow").json["fileId"]
    for piece in range(3):
        assert client.op("PUT", f"data/{made}/content?offset={piece}", b"x").status == 204
    client.put("in/end", b"")
    hook.wait(lambda hook: "end" in keys(hook, client))  # so the changes before it have been read
    assert "slow" not in keys(hook, client)
    clock.advance(1)
    hook.wait(lambda hook: "slow" in keys(hook, client))
    runners[0].stop()
    thread.join(DEADLINE_S)
    assert keys(hook, client).count("slow") == 1


NAMES = ("a b", "ü ł 漢", "100%", "what?#1", "a+b&c@d;e'f\"g\\h", "%41")


def test_any_name_arrives_as_it_is(client: Client, hook: Hook, poll: Run) -> None:
    poll()
    for name in NAMES:
        assert client.put(f"in/{name}", b"1").status == 201
    poll()
    assert sorted(keys(hook, client)) == sorted(NAMES)
    assert {event["Records"][0]["objectKey"] for event in hook.events} == set(NAMES)


def test_a_read_only_token_is_refused_in_words(onedata: Lab, client: Client, hook: Hook, memory: Path) -> None:
    token = onedata.token(client.about["name"], readonly=True)
    with pytest.raises(ProviderAuth, match="must not be read-only"):
        run(client, hook, memory, Pace(1), token)
