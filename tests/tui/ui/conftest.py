"""The terminal UI on a made-up target, its clock and its screen in the test's hands."""

from __future__ import annotations

import time

import pytest
from tests.tui.ui.world import FakeBackend, sample


@pytest.fixture
def backend() -> FakeBackend:
    """A target with seven functions, runs in every state, buckets and a space."""
    return sample()


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times of day in golden frames are everywhere the same."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
