from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from tests.emulator.onedata.lab import Client, Lab, running

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One Oneprovider for all tests of a module; each makes spaces of its own."""
    with running(tmp_path_factory.mktemp("onedata") / "onedata") as started:
        yield started


@pytest.fixture(autouse=True)
def connections() -> Iterator[None]:
    """Close the connections of a test behind it."""
    yield
    while Client.opened:
        Client.opened.pop().close()


@pytest.fixture
def client(lab: Lab) -> Client:
    """A client of an empty space."""
    return lab.client(f"space-{next(NUMBERS)}")
