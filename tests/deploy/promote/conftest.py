"""A project of the test's own, and the stand-in that it is promoted to."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.deploy.promote import stage
from tests.registry import Registry
from tests.standin import StandIn

from hfaas_deploy.aws.target import Target


@pytest.fixture
def project(
    tmp_path: Path, stand_in: StandIn, aws: Target, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> stage.Project:
    """Two Functions, a bucket and a secret under names that no other test has."""
    assert registry.address == stand_in.registry
    monkeypatch.setenv(stage.VARIABLE, stage.TOKEN)
    return stage.Project(tmp_path, aws, registry)
