"""Prices of runs, checked by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.tui.ui.world import NOW, changed, run

from hfaas_deploy import fdl, prices
from hfaas_deploy.pipeline import Pipeline
from hfaas_emulator.trace import Hop, What
from hfaas_tui.ui.emulator.reduction import Reduction
from hfaas_tui.ui.model import Condition, Run
from hfaas_tui.ui.project import costs

US = prices.of("us-east-1")
PIPELINE = """\
functions:
  aws:
  - lambda:
      name: split
      memory: 1024
      container: {image: x}
      input: [{storage_provider: s3, path: films/in}]
      output: [{storage_provider: s3, path: films/frames}]
    hfaas: {tmp: 512}
  - lambda:
      name: faces
      execution_mode: lambda-batch
      container: {image: x}
      input: [{storage_provider: s3, path: films/frames}]
      output: [{storage_provider: s3, path: films/out}]
    batch: {vcpus: 2, memory: 4096}
"""


@pytest.fixture(autouse=True)
def _loaded() -> None:
    costs.load()


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    file = tmp_path / "pipeline.yaml"
    file.write_text(PIPELINE)
    return fdl.read(file)


def usage(of: Run, now: float | None = None, **more: Any) -> dict[str, float]:
    found = costs.usage_of(of, now, **more)
    assert found is not None
    return dict(found.amounts)


def test_an_invocation_is_billed_by_what_lambda_billed() -> None:
    billed = run("a", "f", billed_ms=8000)

    assert usage(billed) == {"lambda_x86_gb_s": 16, "lambda_request": 1}
    assert costs.of_run(billed) == pytest.approx(16 * US.lambda_x86_gb_s + US.lambda_request)


def test_another_region_has_other_prices_and_an_unknown_one_those_of_us_east_1() -> None:
    job = run("a", "f", kind="job", took=3600.0, began=4000, gpus=1)
    hours = (3600 + 180 + 60) / 3600

    assert costs.of_run(job, region="eu-west-1") == pytest.approx(hours * 0.587)
    assert costs.of_run(job, region="moon-1") == pytest.approx(hours * 0.526)


def test_a_run_that_goes_on_costs_what_it_has_used() -> None:
    going = run("a", "f", Condition.RUNNING, began=30, took=None)

    assert usage(going, NOW)["lambda_x86_gb_s"] == 60
    assert costs.of_run(going) is None  # nobody said what time it is


def test_a_run_that_waits_and_one_whose_memory_is_unknown_have_no_price() -> None:
    assert costs.of_run(run("a", "f", Condition.QUEUED, took=None), NOW) is None
    assert costs.of_run(replace(run("a", "f"), memory_mb=0), NOW) is None


def test_objects_read_and_written_and_bytes_that_leave_aws_count() -> None:
    outputs = ("s3://b/x", "s3://b/y", "onedata://films/z")
    found = usage(run("a", "f", origin="s3://b/in", outputs=outputs, sent=500_000_000))

    assert (found["s3_get"], found["s3_put"], found["egress_gb"]) == (1, 2, 0.5)


def test_bytes_uploaded_to_a_space_are_kept_with_the_run() -> None:
    def hop(seq: int, what: What, **detail: Any) -> Hop:
        return Hop(seq, NOW, "lambda", what, "r", "i", 1, {"function": "f", **detail})

    news = Reduction().take(
        [
            hop(1, What.INVOCATION_STARTED),
            hop(2, What.OUTPUT_UPLOADED, url="onedata://films/a", bytes=700),
            hop(3, What.OUTPUT_UPLOADED, url="s3://films/a", bytes=70),
        ]
    )

    assert news.runs[0].sent == 700


def test_the_runs_of_a_pipeline_are_those_that_files_from_outside_began(pipeline: Pipeline) -> None:
    runs = [
        run("a", "split", billed_ms=1000),
        run("b", "split", billed_ms=1000),
        run("c", "faces", billed_ms=2000, job="d"),
        run("d", "faces", kind="job", began=400, took=360.0, invocation="c"),
        run("e", "grayify", billed_ms=9000),  # of another pipeline
        run("f", "split", Condition.RUNNING, took=None),
    ]
    found = costs.estimate(runs, pipeline, NOW)

    lambda_ = (2 + 2 + 4) * US.lambda_x86_gb_s + 3 * US.lambda_request + 4 * 1.5 / 2 * US.lambda_tmp_gb_s
    batch = 0.1 * (2 * US.fargate_vcpu_hour + 4 * US.fargate_gb_hour)
    assert found.runs == 2
    assert found.total == pytest.approx(lambda_ + batch)
    assert found.one == pytest.approx((lambda_ + batch) / 2)
    assert dict(found.groups) == {"Batch": pytest.approx(batch / 2), "Lambda": pytest.approx(lambda_ / 2)}
    assert (found.standing, found.region) == (0, "us-east-1")


def test_a_pipeline_that_never_ran_has_no_price_of_a_run(pipeline: Pipeline) -> None:
    assert costs.estimate([], pipeline, NOW).one is None


def test_prices_are_those_of_the_region_that_is_promoted_to(pipeline: Pipeline) -> None:
    assert costs.estimate([], pipeline, NOW, "eu-west-1").region == "eu-west-1"


def test_children_and_onetrigger_are_told_by_others(pipeline: Pipeline) -> None:
    child = changed(run("a", "faces", kind="job"), id="a:0")

    assert costs.estimate([child, run("b", "split-onetrigger-1")], pipeline, NOW).total == 0


def test_a_call_over_http_begins_a_run(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text("functions:\n  aws:\n  - lambda: {name: f, container: {image: x}}\n")

    assert costs.entry_names(fdl.read(file)) == {"f"}
