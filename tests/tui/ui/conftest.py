"""The terminal UI on a made-up target, its clock and its screen in the test's hands."""

from __future__ import annotations

import pytest
from tests.tui.ui.world import FakeBackend, sample


@pytest.fixture
def backend() -> FakeBackend:
    """A target with seven functions, runs in every state, buckets and a space."""
    return sample()
