"""What is not needed for the first paint is not imported before it: start-up time is a feature."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"boto3", "botocore", "docker", "moto", "cv2", "PIL", "numpy", "yaml", "pygments"}
LIGHT = {"hfaas_deploy", "hfaas_deploy.names", "hfaas_deploy.aws", "hfaas_deploy.aws.refusals"}
"""What of the deploying part is no more than names and words."""


def loaded(code: str) -> set[str]:
    """Return the modules that a Python of its own has imported after some code."""
    script = f"{code}\nimport sys; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("view", ["functions", "logs", "runs", "storage", "welcome"])
def test_a_first_view_is_painted_without_anything_heavy(view: str) -> None:
    code = "import hfaas_tui.ui.__main__, hfaas_tui.ui.guarded, hfaas_tui.ui.emulator.local_backend, hfaas_tui.ui.emulator.emulation"
    found = loaded(f"{code}, hfaas_tui.ui.screens.{view}.view")
    assert "textual" in found
    assert not found & HEAVY
    assert {each for each in found if each.startswith("hfaas_deploy")} <= LIGHT


def test_the_splash_needs_no_textual() -> None:
    assert not loaded("import hfaas_tui.ui.__main__") & (HEAVY | {"textual", "rich", "asyncio"})


@pytest.mark.parametrize("command", ["--help", "run --help", "logs --help"])
def test_the_command_line_never_imports_textual(command: str) -> None:
    code = f"import sys; sys.argv[1:] = {command.split()!r}\nfrom hfaas_tui.cli import main\n"
    code += "try:\n    main()\nexcept SystemExit:\n    pass"
    assert not loaded(code) & {"textual", "hfaas_tui.ui"}
