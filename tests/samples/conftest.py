from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.samples.scripts import SAMPLE, loaded


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip that the sample draws."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    subprocess.run([sys.executable, SAMPLE / "clip.py", path], check=True)
    return path


@pytest.fixture(scope="session")
def people() -> Any:
    """The module that finds people."""
    return loaded("lib/people.py")
