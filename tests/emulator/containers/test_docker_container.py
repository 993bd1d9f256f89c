"""One container of an engine that does not always answer."""

from __future__ import annotations

from collections.abc import Iterator
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

    def remove_container(self, id: str, **_: object) -> None:
        if self.failures:
            self.failures -= 1
            raise requests.ConnectionError("nobody answers")
        self.removed.append(id)


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


async def test_a_removal_that_failed_is_tried_again(home: Home) -> None:
    container = DockerContainer(home, "id")
    with pytest.raises(EngineError):
        await container.stop()
    await container.end(0)
    await container.stop()
    await container.stop()
    assert home.client.removed == ["id"]
