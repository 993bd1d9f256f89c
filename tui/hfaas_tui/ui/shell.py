"""A shell in the image of a function, with its environment and without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hfaas_tui.ui.model import Function, Target
from hfaas_tui.ui.safe import clean


def reason_against(function: Function, engine: str, target: Target) -> str:
    """Return why there can be no shell, and what to do; empty when there can."""
    if target.is_live:
        return "a shell opens in images of this machine: go to the local emulator first"
    if engine != "docker":
        return f"a shell needs the docker engine; here functions run as {engine or 'plain'} processes: open one yourself"
    if shutil.which("docker") is None:
        return "no `docker` command found: install Docker's command line to open shells in images"
    if not function.image or function.image.startswith("-"):
        return f"{function.name} has no image"
    return ""


def command(function: Function, environment: Path) -> list[str]:
    """Return how docker is called; values are in a file, not where `ps` shows them."""
    options = ["-it", "--rm", "--network", "none", "--env-file", str(environment), "--entrypoint", "/bin/sh"]
    return ["docker", "run", *options, function.image]


def run(function: Function) -> None:
    """Run it on the terminal until the user leaves it."""
    sys.stdout.write(f"shell in {clean(function.image)} of {clean(function.name)}, no network; `exit` comes back\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="hfaas-") as folder:
        file = Path(folder) / "environment"
        file.touch(mode=0o600)
        file.write_text(
            "".join(f"{name}={value}\n" for name, value in function.environment.items() if "\n" not in value)
        )
        status = subprocess.run(command(function, file), check=False, env=os.environ).returncode
    if status in {125, 126, 127}:  # docker's own: the image has no shell, or is not there
        sys.stdout.write("docker could not start it; ⏎ comes back\n")
        sys.stdout.flush()
        sys.stdin.readline()
