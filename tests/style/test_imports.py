"""What is not needed is not imported: start-up time is a feature."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"textual", "docker", "boto3", "moto", "cv2", "starlette"}


@pytest.mark.parametrize(
    "code",
    [
        "from hfaas_tui.cli import execute; execute(['--help'])",
        "import hfaas_deploy.fdl",
        "import hfaas_deploy.template",
        "import hfaas_supervisor.flow",
    ],
)
def test_start_up_loads_nothing_heavy(code: str) -> None:
    script = f"{code}\nimport sys; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
