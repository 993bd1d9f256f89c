"""One Stack with every kind of trigger and job: rendered, planned, brought up, changed, planned for nothing, removed.

    uv run python -m benchmarks stack [--rounds 5]

The same client and change sets as a promotion's. The floor is one small request for each resource, made one after the
other by the same client.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Row, median, table

from hfaas_deploy import fdl, steps, template
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.layers import LayerImages
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.template import Template
from hfaas_tui.rehearsal import Options, rehearsal
from hfaas_tui.watch import Emulator

PIPELINE = """\
hfaas: {stack: mask-video}
storage_providers:
  onedata:
    datahub: {oneprovider_host: datahub.egi.eu, token: "${ONEDATA_TOKEN}", space: blurry}
functions:
  aws:
  - lambda:
      name: split-video
      memory: 1024
      timeout: 29
      init_script: script.sh
      container: {image: bench}
      input:
      - {storage_provider: s3, path: mask-video/input, suffix: [.mp4]}
      - {storage_provider: onedata.datahub, path: raw, suffix: [.mp4]}
      output: [{storage_provider: s3, path: mask-video/frames}]
    api_gateway: {name: split-video}
  - lambda:
      name: detect-faces
      memory: 2048
      timeout: 900
      init_script: script.sh
      execution_mode: lambda-batch
      container: {image: bench}
      input: [{storage_provider: s3, path: mask-video/frames}]
      output:
      - {storage_provider: s3, path: mask-video/result}
      - {storage_provider: onedata.datahub, path: result}
    batch: {vcpus: 4, memory: 8192, enable_gpu: true, compute_resources: {max_v_cpus: 16}}
    hfaas: {url: iam}
  - lambda:
      name: count-faces
      timeout: 60
      init_script: script.sh
      container: {image: bench}
      input: [{storage_provider: s3, path: mask-video/result, suffix: [.json]}]
      output: [{storage_provider: s3, path: mask-video/count}]
"""
PINGS = 200
PLAN_AIM, DEPLOY_AIM = 0.2, 1.5


def run(arguments: list[str]) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser("benchmarks stack", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "script.sh").write_text("#!/bin/sh\n")
        (folder / "pipeline.yaml").write_text(PIPELINE)
        pipeline = fdl.read(folder / "pipeline.yaml")
        with rehearsal(Options(folder / "state", engine="process", discard=True)) as emulator:
            print(table(("step", "median", "range", "aim"), measured(pipeline, emulator, chosen.rounds)))
    print(f"\nload of the machine: {load:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores")


def measured(pipeline: Pipeline, emulator: Emulator, rounds: int) -> Iterator[Row]:
    """Yield what each step took, over all rounds; the first round, with all that is loaded then, is left out."""
    taken: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        found = dict(one_round(pipeline, emulator))
        for step, seconds in found.items() if number else ():
            taken.setdefault(step, []).append(seconds)
    rendered = template.render(steps.checked(pipeline, lambda _: None))
    aims = {"plan a new Stack": PLAN_AIM, "apply": DEPLOY_AIM, "plan a change": PLAN_AIM, "plan nothing": PLAN_AIM}
    yield (f"resources: {len(template.document(pipeline)['Resources'])}, {rendered.size} bytes", "", "", "")
    for step, values in taken.items():
        aim = f"<= {aims[step]:g} s" if step in aims else ""
        yield step, shown(median(values)), f"{shown(min(values))} to {shown(max(values))}", aim
    count = len(template.document(pipeline)["Resources"])
    yield f"{count} small requests (floor)", shown(count * ping(emulator)), "", ""


def one_round(pipeline: Pipeline, emulator: Emulator) -> Iterator[tuple[str, float]]:
    """Yield each step of one life of the Stack and its seconds."""
    target = Target.local(emulator.endpoint)
    images = LayerImages(emulator.endpoint)
    references = {one.name: images.build(steps.source(one), lambda _: None) for one in pipeline.functions}
    stack = Stack(target.client("cloudformation"), pipeline.stack)
    began = time.perf_counter()
    rendered = template.render(steps.checked(pipeline, lambda _: None))
    yield "check and render", time.perf_counter() - began
    values = {**steps.parameters(references), **steps.network(pipeline, target)}
    yield from brought(stack, rendered, values, "a new Stack", "apply")
    changed = {**values, "SplitVideoImage": references["detect-faces"]}
    yield from brought(stack, rendered, changed, "a change", "apply a new image")
    began = time.perf_counter()
    assert stack.plan(rendered, changed) is None
    yield "plan nothing", time.perf_counter() - began
    began = time.perf_counter()
    list(stack.remove())
    yield "remove", time.perf_counter() - began


def brought(
    stack: Stack, rendered: Template, values: dict[str, str], what: str, name: str
) -> Iterator[tuple[str, float]]:
    """Yield the seconds of a plan and of its execution."""
    began = time.perf_counter()
    plan = stack.plan(rendered, values)
    assert plan
    yield f"plan {what}", time.perf_counter() - began
    began = time.perf_counter()
    list(stack.apply(plan))
    yield name, time.perf_counter() - began


def ping(emulator: Emulator) -> float:
    """Return the seconds of one small request by boto3."""
    client = Target.local(emulator.endpoint).client("sts")
    client.get_caller_identity()
    began = time.perf_counter()
    for _ in range(PINGS):
        client.get_caller_identity()
    return (time.perf_counter() - began) / PINGS


def shown(seconds: float) -> str:
    """Return seconds as the table shows them."""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
