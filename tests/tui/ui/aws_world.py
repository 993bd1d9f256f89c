"""A pipeline deployed to what plays AWS, for tests of the terminal UI there."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.standin import ACCOUNT, StandIn, standin
from tests.tui.ui.world import until

from hfaas_deploy import deploy, fdl
from hfaas_deploy.aws import target
from hfaas_deploy.building.layers import LayerImages
from hfaas_tui.errors import CliError
from hfaas_tui.ui.aws.aws_backend import AwsBackend
from hfaas_tui.ui.model import LogLine, Run

STACK = "hello-aws"
FDL = """
hfaas: {stack: hello-aws}
functions:
  aws:
  - lambda:
      name: hello
      init_script: hello.sh
      memory: 256
      timeout: 60
      container: {image: "debian:bookworm-slim"}
      input: [{storage_provider: s3, path: hello-aws/in}]
      output: [{storage_provider: s3, path: hello-aws/out}]
    hfaas: {url: iam}
  - lambda:
      name: heavy
      init_script: heavy.sh
      execution_mode: batch
      memory: 128
      container: {image: "debian:bookworm-slim"}
      input: [{storage_provider: s3, path: hello-aws/out}]
      output: [{storage_provider: s3, path: hello-aws/done}]
    batch: {vcpus: 1, memory: 2048}
"""
HELLO = """#!/bin/sh
set -e
name=$(basename "$INPUT_FILE_PATH")
echo "Hello, $name"
case $name in bad*) exit 3;; esac
tr a-z A-Z < "$INPUT_FILE_PATH" > "$TMP_OUTPUT_DIR/$name"
"""
HEAVY = """#!/bin/sh
set -e
name=$(basename "$INPUT_FILE_PATH")
echo "Heavy on $name"
case $name in slow*) sleep 600;; esac
wc "$INPUT_FILE_PATH" > "$TMP_OUTPUT_DIR/$name"
"""


@contextmanager
def deployed(folder: Path) -> Iterator[StandIn]:
    """Run what plays AWS with the pipeline in it, and the user's environment pointing there."""
    (folder / "state").mkdir()
    for name, text in (("pipeline.yaml", FDL), ("hello.sh", HELLO), ("heavy.sh", HEAVY)):
        (folder / name).write_text(text)
    with standin(folder / "state") as found, pytest.MonkeyPatch.context() as patch:
        place = found.use(patch).within(ACCOUNT, ("subnet-1",), ("sg-1",))
        deploy.deploy(fdl.read(folder / "pipeline.yaml"), place, LayerImages(found.url), lambda _: None)
        yield found
    target.forget_credentials()


def client(found: StandIn, service: str) -> Any:
    """Return a client of the account there."""
    return found.target().within(ACCOUNT).client(service)


class Watched:
    """A backend whose news and lines threads read."""

    def __init__(self, pipeline: Path | None = None) -> None:
        self.backend = AwsBackend(region=os.environ["AWS_REGION"], pipeline=pipeline)
        assert self.backend.health().is_up
        self.runs: dict[str, Run] = {}
        self.writers: dict[str, tuple[str, str]] = {}
        self.lines: list[LogLine] = []
        self.failures: list[CliError] = []
        self._threads = [threading.Thread(target=each) for each in (self._read_news, self._read_lines)]
        for thread in self._threads:
            thread.start()

    def _read_news(self) -> None:
        try:
            for news in self.backend.news():
                self.runs |= {run.id: run for run in news.runs}
                self.writers |= news.writers or {}
        except CliError as error:
            self.failures.append(error)

    def _read_lines(self) -> None:
        try:
            for lines in self.backend.log_lines():
                self.lines += lines
        except CliError as error:
            self.failures.append(error)

    def until(self, is_it: Callable[[Run], object]) -> Run:
        """Wait for a run and return it."""
        found: list[Run] = []

        def look() -> bool:
            found.extend(run for run in [*self.runs.values()] if is_it(run))
            return bool(found)

        until(look)
        return found[0]

    def said(self, job: Run, word: str) -> bool:
        """Tell whether a job has said this: other tests' jobs may run, too."""
        return any(line.request == f"job:{job.id}" and word.encode() in line.raw for line in [*self.lines])

    def close(self) -> None:
        self.backend.close()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()
