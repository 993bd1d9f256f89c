"""Pipelines end to end, through the command line as its user has it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Hfaas = Callable[..., subprocess.CompletedProcess[str]]

HELLO = """\
functions:
  aws:
  - lambda:
      name: hello
      memory: 128
      timeout: 30
      init_script: hello.sh
      container: {{image: "{image}"}}
      input: [{{storage_provider: s3, path: greetings/in}}]
      output: [{{storage_provider: s3, path: greetings/out}}]
"""
SCRIPT = """\
#!/bin/sh
grep -q fail "$INPUT_FILE_PATH" && { echo "this file says fail" >&2; exit 3; }
tr a-z A-Z <"$INPUT_FILE_PATH" >"$TMP_OUTPUT_DIR/$(basename "$INPUT_FILE_PATH")"
"""


def hfaas_in(directory: Path) -> Hfaas:
    """Return a function that runs `hfaas ARGUMENTS` in a directory."""
    program = Path(sys.executable).parent / "hfaas"

    def call(*arguments: object, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
        environment.pop("AWS_ENDPOINT_URL", None)
        return subprocess.run(
            [program, *map(str, arguments)],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return call


@pytest.fixture
def hfaas(tmp_path: Path) -> Hfaas:
    """Run the command in an empty directory."""
    return hfaas_in(tmp_path)


def hello_in(directory: Path, image: str) -> Path:
    """Write a pipeline of one function that turns text to upper case, and fails on files that say so."""
    (directory / "pipeline.yaml").write_text(HELLO.format(image=image))
    (directory / "hello.sh").write_text(SCRIPT)
    return directory / "pipeline.yaml"


@pytest.fixture
def hello(tmp_path: Path) -> Callable[[str], Path]:
    """Write the pipeline hello, and return its path."""
    return lambda image: hello_in(tmp_path, image)


def start(hfaas: Hfaas, engine: str) -> str:
    """Start an emulator on the directory's state."""
    started = hfaas("up", "--detach", "--port", "0", "--engine", engine)
    assert started.returncode == 0, started.stderr
    return started.stdout


@pytest.fixture
def emulator(hfaas: Hfaas) -> Iterator[Callable[..., str]]:
    """Start emulators on the directory's state; whatever runs at the end is stopped."""
    yield lambda engine: start(hfaas, engine)
    hfaas("down")
