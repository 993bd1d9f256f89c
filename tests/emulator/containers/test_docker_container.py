"""One container of an engine that does not always answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from hfaas_emulator.containers.docker_container import DockerContainer
from hfaas_emulator.containers.threads import Threads
from hfaas_emulator.errors import EngineError


class Client:
    """An engine's client whose first removals fail."""

    def __init__(self) -> None:
        self.failures = 1
        self.removed: list[str] = []
        self.removal: Callable[[], None] = lambda: None

    def start(self, id: str) -> None: ...

    def remove_container(self, id: str, **_: object) -> None:
        if self.failures:
            self.failures -= 1
            raise requests.ConnectionError("nobody answers")
        self.removed.append(id)
        self.removal()


class Home:
    """What a container needs of its engine."""

    def __init__(self) -> None:
        self.threads = Threads()
        self.client: Any = Client()

    def known(self, id: str) -> DockerContainer | None: ...

    def remember(self, container: DockerContainer) -> None: ...

    def forget(self, id: str) -> None: ...


@pytest.fixture
def home() -> Iterator[Home]:
    home = Home()
    yield home
    home.threads.close()


class Late:
    """The output of a container, whose last words come some time after its end."""

    last_words_s = 60.0

    def __init__(self) -> None:
        self.said: list[str] = []
        self.ended = asyncio.Event()
        self.is_closed = False

    def come(self) -> None:
        if not self.is_closed:
            self.said.append("last words")
            self.ended.set()

    def close(self) -> None:
        self.is_closed = True


async def test_a_removal_that_failed_is_tried_again(home: Home) -> None:
    container = DockerContainer(home, "id")
    with pytest.raises(EngineError):
        await container.stop()
    await container.end(0)
    await container.stop()
    await container.stop()
    assert home.client.removed == ["id"]


async def test_what_it_says_at_its_end_is_heard_though_it_is_removed(home: Home) -> None:
    home.client.failures = 0
    attached: Any = Late()
    loop = asyncio.get_running_loop()
    home.client.removal = lambda: loop.call_soon_threadsafe(loop.call_later, 0.05, attached.come)
    container = DockerContainer(home, "id", attached=attached)
    container.begin()
    await container.end(5)
    await container.stop()
    assert (attached.said, attached.is_closed) == (["last words"], True)


async def test_the_output_of_one_that_never_began_is_not_waited_for(home: Home) -> None:
    home.client.failures = 0
    attached: Any = Late()
    await asyncio.wait_for(DockerContainer(home, "id", attached=attached).stop(), 30)
    assert attached.is_closed
