"""Pipelines end to end, through the command line as its user has it."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hfaas_emulator.state import held

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


def kill(state: Path) -> str:
    """Kill the emulator on a state directory, wait until nothing of it is left, and return the port that it had."""
    about = json.loads((state / "emulator.json").read_text())
    os.kill(about["pid"], signal.SIGKILL)
    while held(state):
        time.sleep(0.01)
    return str(about["endpoint"].rpartition(":")[2])


def lasting_port() -> int:
    """Return a free port of those that nobody gets who asks for any: it is still free when its emulator was killed."""
    while True:
        port = random.randrange(20_000, 30_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def start(hfaas: Hfaas, engine: str, port: int = 0, onedata_port: int = 0) -> str:
    """Start an emulator on the directory's state."""
    ports = "--port", port, "--onedata-port", onedata_port
    started = hfaas("up", "--detach", *ports, "--engine", engine)
    assert started.returncode == 0, started.stderr
    return started.stdout


@pytest.fixture
def emulator(hfaas: Hfaas) -> Iterator[Callable[..., str]]:
    """Start emulators on the directory's state; whatever runs at the end is stopped."""
    yield lambda engine: start(hfaas, engine)
    hfaas("down")
