"""A promotion to an emulator that plays AWS, with a real registry as its ECR: first, again, and after an edit.

    uv run python -m benchmarks promote             # needs a Docker engine, scripts/base-image and docker-registry

The floor of a promotion is what the engine itself takes to push the same image to another registry that has as much
of it; the rest is repositories, Stack, smoke call and record.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.figures import Row, table
from tests.registry import running
from tests.standin import ACCOUNT, REGION, StandIn, standin

from hfaas_deploy import fdl, steps
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.images import DockerImages
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.promote import planning, procedure
from hfaas_deploy.promote.promotion import Promotion
from hfaas_deploy.promote.rehearsals import Rehearsals

PIPELINE = """\
hfaas: {{stack: bench-promote}}
functions:
  aws:
  - lambda:
      name: bench-hello
      init_script: hello.sh
      container: {{image: "{base}"}}
      input: [{{storage_provider: s3, path: bench-promote/in}}]
      output: [{{storage_provider: s3, path: bench-promote/out}}]
"""
PLAN_AIM = "<= 0.2 s"


def run(arguments: list[str]) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser("benchmarks promote", description=__doc__)
    parser.add_argument("--base", default="hfaas/base:bookworm")
    chosen = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in ("registry", "floor", "standin"):
            (folder / name).mkdir()
        (folder / "pipeline.yaml").write_text(PIPELINE.format(base=chosen.base))
        with (
            running(folder / "registry") as registry,
            running(folder / "floor") as floor,
            standin(folder / "standin", registry.address, "docker") as stand_in,
            DockerImages() as images,
        ):
            rows = list(Course(folder, stand_in, floor.address, images).rows())
    print(table(("step", "measured", "engine's own push", "ratio", "aim"), rows))
    print(f"\nload of the machine: {load:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores")


class Course:
    """One life of a small Stack, from its first plan to its end."""

    def __init__(self, folder: Path, stand_in: StandIn, floor: str, images: DockerImages) -> None:
        self._folder, self._images, self._floor = folder, images, floor
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(stand_in.environment)
        self._target = Target.aws(REGION, stand_in=stand_in.url)

    def rows(self) -> Iterator[Row]:
        """Yield each step and its seconds."""
        self._write("one")
        pipeline = self._read()
        floor = self._pushed_by_the_engine(pipeline)
        self._plan()  # what is loaded once
        yield self._row("plan, nothing there", self._plan, aim=PLAN_AIM)
        yield self._row("promote the first time", self._promote, floor)
        yield self._row("plan, all is there", self._plan, aim=PLAN_AIM)
        yield self._row("promote again", self._promote)
        self._write("two")
        floor = self._pushed_by_the_engine(self._read())
        yield self._row("plan after an edit of the script", self._plan, aim=PLAN_AIM)
        yield self._row("promote after an edit of the script", self._promote, floor)
        stack = Stack(self._target.within(ACCOUNT).client("cloudformation"), pipeline.stack)
        yield self._row("remove the Stack", lambda: list(stack.remove()))

    def _row(self, step: str, work: Callable[[], object], floor: float = 0, *, aim: str = "") -> Row:
        began = time.perf_counter()
        work()
        taken = time.perf_counter() - began
        return (
            step,
            f"{taken:.2f} s",
            f"{floor:.2f} s" if floor else "",
            f"{taken / floor:.2f}x" if floor else "",
            aim,
        )

    def _write(self, word: str) -> None:
        (self._folder / "hello.sh").write_text(f"#!/bin/sh\n# {word} {os.urandom(8).hex()}\necho {word}\n")

    def _read(self) -> Pipeline:
        return fdl.read(self._folder / "pipeline.yaml")

    def _plan(self) -> Promotion:
        rehearsals = Rehearsals(self._folder / "rehearsals")
        return planning.plan(self._read(), self._target, self._images, rehearsals, _unheard)

    def _promote(self) -> object:
        return procedure.promote(self._plan(), self._target, self._images, _unheard, lambda _: True)

    def _pushed_by_the_engine(self, pipeline: Pipeline) -> float:
        """Build, and push to a registry of its own; the seconds of the push alone."""
        reference = self._images.build(steps.source(pipeline.functions[0]), lambda _: None)
        engine = self._images.client
        name = f"{self._floor}/hello"
        engine.images.get(reference).tag(name, "floor")
        began = time.perf_counter()
        for _ in engine.images.push(name, "floor", stream=True, decode=True, auth_config={}):
            pass
        taken = time.perf_counter() - began
        engine.images.remove(f"{name}:floor")
        return taken


def _unheard(_: object) -> None:
    pass
