"""The terminal UI on a made-up target, its clock and its screen in the test's hands."""

from __future__ import annotations

import inspect
import time
from pathlib import Path

import pytest
from tests.tui.ui.world import FakeBackend, sample


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs the whole UI: such tests are coroutines, and take half a second each."""
    here = Path(__file__).parent
    for item in items:
        is_whole = isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function)
        if is_whole and here in item.path.parents:
            item.add_marker("screens")


@pytest.fixture
def backend() -> FakeBackend:
    """A target with seven functions, runs in every state, buckets and a space."""
    return sample()


@pytest.fixture(autouse=True)
def _no_files_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What defects leave stays out of the user's home."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times of day in golden frames are everywhere the same."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
