"""`hfaas cost`: bills that a person can check, from hops and from a real emulator."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hfaas_deploy import cost
from hfaas_emulator.trace import Hop, What
from hfaas_tui import usage
from hfaas_tui.money import dollars
from hfaas_tui.usage import Measured, Meter, Size

Hfaas = Callable[..., tuple[int, str, str]]
numbers = itertools.count(1)


def hop(what: What, invocation: str = "i", run: str = "run", **detail: Any) -> Hop:
    return Hop(next(numbers), 100.0, "test", what, run, invocation, 1, {"function": "f", **detail})


def meter(*hops: Hop, **known: Any) -> Measured:
    return Meter(**known).feed(hops)


def ended(invocation: str = "i", run: str = "run", **detail: Any) -> Hop:
    return hop(What.INVOCATION_SUCCEEDED, invocation, run, **{"billed_ms": 2000, "memory_mb": 1024, **detail})


def test_each_attempt_is_billed_the_failed_ones_too() -> None:
    found = meter(ended(), hop(What.INVOCATION_FAILED, billed_ms=500, memory_mb=2048))

    assert found.usage.amounts == {"lambda_x86_gb_s": 2 * 1 + 0.5 * 2, "lambda_request": 2}


def test_what_lambda_knows_of_a_function_makes_its_price() -> None:
    found = meter(ended(), functions={"f": Size(tmp_mb=1536, architecture="arm64")})

    assert found.usage.amounts == {"lambda_arm_gb_s": 2, "lambda_request": 1, "lambda_tmp_gb_s": 2}


def test_what_one_file_sets_off_is_one_run() -> None:
    found = meter(ended("a", "1"), ended("b", "1"), ended("c", "2"))

    assert (found.runs, found.invocations) == (2, 3)
    assert found.of_one["lambda_request"] == 1.5


def test_onetrigger_is_no_part_of_a_run() -> None:
    found = meter(
        ended(function="f-onetrigger-1"),
        hop(What.SCHEDULE_FIRED, target="arn:aws:lambda:us-east-1:1:function:f-onetrigger-1"),
    )

    assert (found.usage.amounts, found.runs) == ({}, 0)


def test_a_job_is_billed_from_its_start_to_its_stop() -> None:
    big = cost.like(2, 4096, gpu=False)
    found = meter(
        hop(What.JOB_STATE, job="j", status="RUNNABLE"),
        hop(What.JOB_STATE, job="j", status="RUNNING", started=1_000_000),
        hop(What.JOB_STATE, job="j", status="SUCCEEDED", started=1_000_000, stopped=4_600_000),
        jobs={"j": big},
    )

    assert found.usage.amounts == {"fargate_vcpu_hour": 2, "fargate_gb_hour": 4}
    assert found.jobs == 1


def test_each_attempt_of_a_job_and_each_child_of_an_array_is_billed() -> None:
    states = [
        hop(What.JOB_STATE, job="j:0", status=status, started=0.001, stopped=3_600_000)
        for status in ("RUNNING", "RUNNABLE", "RUNNING", "FAILED")
    ]
    found = meter(*states, hop(What.JOB_STATE, job="j", status="FAILED"), jobs={"j": cost.like(1, 2048, gpu=False)})

    assert found.usage["fargate_vcpu_hour"] == pytest.approx(2)


def test_requests_and_bytes() -> None:
    found = meter(
        hop(What.OBJECT_CREATED, size=10),
        hop(What.PERMISSION_GRANTED),
        hop(What.SCRIPT_STARTED, item=1),
        hop(What.SCRIPT_STARTED, "other", item=1),  # its event was not of S3
        hop(What.OUTPUT_UPLOADED, url="onedata://films/out/a.jpg", bytes=250_000_000),
        hop(What.OUTPUT_UPLOADED, url="s3://films/out/a.jpg", bytes=250_000_000),
        hop(What.ENDPOINT_CALLED, kind="HTTP API"),
        hop(What.ENDPOINT_CALLED, kind="function URL"),
        hop(What.EVENT_DELIVERED, destination="arn:aws:sqs:us-east-1:1:q"),
        hop(What.SCHEDULE_FIRED, target="arn:aws:lambda:us-east-1:1:function:nightly"),
    )

    assert found.usage.amounts == {
        "s3_put": 1,
        "s3_get": 1,
        "egress_gb": 0.25,
        "http_request": 1,
        "sqs_request": 1,
        "schedule": 1,
    }


def test_log_lines_are_counted_with_what_cloudwatch_adds() -> None:
    assert usage.of_lines(["abcd", "é"]).amounts == {"logs_gb": (4 + 2 + 2 * 26) / 1e9}


@pytest.mark.parametrize(
    ("document", "container", "name"),
    [
        ({"platformCapabilities": ["FARGATE"]}, {}, "fargate_vcpu_hour"),
        ({"platformCapabilities": ["EC2"]}, {}, "m5_vcpu_hour"),
        ({}, {"resourceRequirements": [{"type": "GPU", "value": "1"}]}, "g4dn_xlarge_hour"),
    ],
)
def test_what_a_job_ran_on_makes_its_price(document: Any, container: Any, name: str) -> None:
    assert name in cost.job(60, usage.batch_of(document, container)).amounts


@pytest.mark.parametrize(
    ("amount", "told"),
    [(0, "0.00 $"), (0.00003, "< 0.0001 $"), (0.0213, "0.0213 $"), (2.5, "2.50 $"), (12_345.678, "12,345.68 $")],
)
def test_dollars(amount: float, told: str) -> None:
    assert dollars(amount) == told


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("empty")
def test_a_region_without_prices(hfaas: Hfaas) -> None:
    code, _, err = hfaas("cost", "--region", "moon-1")

    assert code == 1
    assert "no prices of moon-1" in err


@pytest.mark.usefixtures("empty")
def test_the_bill_of_a_job_on_ec2(hfaas: Hfaas, batch: Any) -> None:
    (job,) = batch.api.describe_jobs(jobs=[batch.done("say", "hello")])["jobs"]
    worked = (job["stoppedAt"] - job["startedAt"]) / 1000

    told = json.loads(hfaas("cost", "--json", "--region", "eu-west-1")[1])
    code, out, _ = hfaas("cost", "--region", "eu-west-1")

    (line,) = [each for each in told["lines"] if each["name"] == "m5_vcpu_hour"]
    assert line["quantity"] == pytest.approx((240 + worked) / 3600, abs=1 / 3600)  # boot and idle, and the work
    assert line["amount"] == pytest.approx(line["quantity"] * 0.0535)
    assert (told["runs"], told["jobs"], told["region"], told["estimate"]) == (1, 1, "eu-west-1", True)
    assert told["per1000Runs"] == pytest.approx(1000 * told["perRun"])
    assert code == 0
    assert "EC2 vCPUs (m5), boot and idle included" in out
    assert "1,000 runs ≈ " in out
    assert "standing" not in out  # there is no pipeline file


def test_the_standing_cost_is_that_of_the_pipeline(
    hfaas: Hfaas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipeline.yaml").write_text(
        "functions:\n  aws:\n  - lambda: {name: f, region: eu-west-1, container: {image: x}}\n"
    )

    told = json.loads(hfaas("cost", "--json")[1])

    assert (told["standingPerMonth"], told["region"]) == (0, "eu-west-1")
