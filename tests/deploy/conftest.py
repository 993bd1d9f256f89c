"""A folder in which a pipeline and its scripts are written down quickly, and an emulator to deploy to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from tests.standin import emulating

from hfaas_deploy import checks, fdl
from hfaas_deploy.aws import looks
from hfaas_deploy.aws.target import Target
from hfaas_deploy.findings import Finding
from hfaas_deploy.pipeline import Pipeline

Write = Callable[[str], Path]
Check = Callable[[str], list[Finding]]
Parse = Callable[[str], Pipeline]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a pipeline file beside the scripts a.sh and b.sh, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.sh", "b.sh"):
        (tmp_path / name).write_text("#!/bin/sh\n")

    def write(text: str) -> Path:
        path = Path("pipeline.yaml")
        path.write_text(dedent(text).lstrip("\n"))
        return path

    return write


@pytest.fixture
def parse(write: Write) -> Parse:
    return lambda text: fdl.parse(write(text))


@pytest.fixture
def check(parse: Parse) -> Check:
    """All findings about a pipeline text."""
    return lambda text: checks.check(parse(text))


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """An emulator that runs functions as plain processes; names in it are shared by all tests of a worker."""
    with emulating(tmp_path_factory.mktemp("emulator"), "--engine", "process") as endpoint:
        yield Target.local(endpoint)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who watches a Stack patiently looks again at once after a silence."""
    monkeypatch.setattr(looks, "PATIENT_LOOK", 0.02)
