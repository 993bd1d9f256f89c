"""Subscribing again and again: what ends a stream, and what ends the runner."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.supervisor.onetrigger.conftest import DEADLINE_S, TOKEN, Datahub, Hook

from hfaas_supervisor.console import Console
from hfaas_supervisor.errors import ConfigError, ProviderAuth
from hfaas_supervisor.onetrigger import targets
from hfaas_supervisor.onetrigger.engine import Engine
from hfaas_supervisor.onetrigger.errors import StateTaken, Unreachable
from hfaas_supervisor.onetrigger.provider import Provider
from hfaas_supervisor.onetrigger.runner import Pace, Runner
from hfaas_supervisor.onetrigger.state import State
from hfaas_supervisor.onetrigger.state_file import StateFile
from hfaas_supervisor.onetrigger.state_object import StateObject
from hfaas_supervisor.onetrigger.watch import Watch
from hfaas_supervisor.onetrigger.wire import Trust

URL = "s3://artifacts/state.json"
ONCE = Pace(0.05, once=True)
MakeRunner = Callable[..., Runner]


@pytest.fixture
def make_runner(live_hub: Datahub, hook: Hook, trust: Trust, memory: Path) -> Iterator[MakeRunner]:
    closing: list[Provider | State | targets.Target] = []
    silent = os.open(os.devnull, os.O_WRONLY)

    def make(pace: Pace, state: State | None = None, token: str = TOKEN, space: str = "films") -> Runner:
        provider, target = Provider(live_hub.host, token, trust), targets.Webhook(hook.url, trust)
        state = state or StateFile(str(memory / "state.sqlite"))
        closing.extend((provider, target, state))
        console = Console(silent)
        # an upload tells its end: a file that rests in the midst of its changes must not count as finished
        engine = Engine(provider, state, target, Watch(space, "in", settle=600), console)
        return Runner(engine, provider, console, pace)

    yield make
    for each in closing:
        each.close()
    os.close(silent)


@contextmanager
def running(runner: Runner) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=runner.run)
    thread.start()
    yield thread
    runner.stop()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_a_change_is_sent_at_once(make_runner: MakeRunner, live_hub: Datahub, hook: Hook) -> None:
    with running(make_runner(Pace())):
        live_hub.wait_for("timeout=30000")
        live_hub.upload("in/a", 3)
        began = time.monotonic()
        hook.wait(lambda hook: hook.keys == ["/films/in/a"])
        assert time.monotonic() - began < 25, "the silence of the stream was waited for"


def test_a_silent_stream_is_renewed_from_the_last_change_with_one_request(
    make_runner: MakeRunner, live_hub: Datahub, hook: Hook
) -> None:
    live_hub.mkdir("in")
    with running(make_runner(Pace(idle=600))):
        live_hub.wait_for("timeout=600000")
        live_hub.upload("in/a", 3)
        hook.wait(lambda hook: len(hook.keys) == 1)
        live_hub.clear_requests()
        live_hub.end_streams()
        live_hub.wait_for("/changes/")
        assert live_hub.requests == [
            f"POST /api/v3/oneprovider/changes/metadata/s1?timeout=600000&last_seq={live_hub.seq}"
        ]


def test_a_broken_stream_is_opened_again_and_nothing_is_lost(
    make_runner: MakeRunner, live_hub: Datahub, hook: Hook
) -> None:
    with running(make_runner(Pace())):
        live_hub.wait_for("timeout=30000")
        live_hub.upload("in/a", 3)
        hook.wait(lambda hook: len(hook.keys) == 1)
        live_hub.break_streams()
        live_hub.upload("in/b", 3)
        hook.wait(lambda hook: hook.keys == ["/films/in/a", "/films/in/b"])


def test_a_provider_that_is_down_at_the_start_is_waited_for(
    make_runner: MakeRunner, live_hub: Datahub, hook: Hook
) -> None:
    live_hub.failures = [503]
    with running(make_runner(Pace())):
        live_hub.wait_for("timeout=30000")
        live_hub.upload("in/a", 3)
        hook.wait(lambda hook: len(hook.keys) == 1)


def test_stopping_interrupts_every_wait(make_runner: MakeRunner, live_hub: Datahub) -> None:
    with running(make_runner(Pace(idle=600))) as thread:
        live_hub.wait_for("timeout=600000")
    assert not thread.is_alive()


def test_a_wrong_token_is_said_at_the_start(make_runner: MakeRunner) -> None:
    with pytest.raises(ProviderAuth):
        make_runner(Pace(), token="wrong").run()


def test_a_space_that_is_not_there_is_said_at_the_start(make_runner: MakeRunner) -> None:
    with pytest.raises(ConfigError, match="there is no space 'typo'"):
        make_runner(Pace(), space="typo").run()


def test_once_sends_what_changed_since_the_last_time(
    make_runner: MakeRunner, live_hub: Datahub, hook: Hook
) -> None:
    runner = make_runner(ONCE)
    runner.run()
    live_hub.upload("in/a", 3)
    live_hub.upload("in/b", 3)
    runner.run()
    assert hook.keys == ["/films/in/a", "/films/in/b"]
    runner.run()
    assert len(hook.keys) == 2


def test_once_ends_at_its_deadline_whatever_happens(make_runner: MakeRunner, live_hub: Datahub) -> None:
    runner = make_runner(Pace(600, once=True, end=time.monotonic() + 0.2))
    began = time.monotonic()
    runner.run()
    assert time.monotonic() - began < 60


def test_once_gives_up_a_provider_that_stays_down(make_runner: MakeRunner, live_hub: Datahub) -> None:
    live_hub.failures = [503] * 100
    with pytest.raises(Unreachable, match="503"):
        make_runner(ONCE).run()


def test_of_two_polls_at_the_same_time_only_one_sends(
    make_runner: MakeRunner, live_hub: Datahub, hook: Hook, objects: dict[str, bytes]
) -> None:
    state = StateObject(URL, "us-east-1", Trust())
    make_runner(ONCE, state).run()
    state.save()
    live_hub.upload("in/a", 3)
    first, second = StateObject(URL, "us-east-1", Trust()), StateObject(URL, "us-east-1", Trust())
    make_runner(ONCE, first).run()
    with pytest.raises(StateTaken, match="this one stops"):
        make_runner(ONCE, second).run()
    assert hook.keys == ["/films/in/a"]


def test_a_poll_that_died_before_it_saved_sends_again(
    make_runner: MakeRunner, live_hub: Datahub, hook: Hook, objects: dict[str, bytes]
) -> None:
    state = StateObject(URL, "us-east-1", Trust())
    make_runner(ONCE, state).run()
    state.save()
    live_hub.upload("in/a", 3)
    make_runner(ONCE, state).run()
    make_runner(ONCE, StateObject(URL, "us-east-1", Trust())).run()
    assert hook.keys == ["/films/in/a"] * 2
    assert hook.events[0]["Records"][0]["eventId"] == hook.events[1]["Records"][0]["eventId"]
