"""One call of each function after a promotion, answered by real supervisors that run no script for it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests import faults

from hfaas_deploy import deploy, fdl
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.layers import LayerImages
from hfaas_deploy.errors import CredentialsError
from hfaas_deploy.messages import Message, Smoked, SmokeStarted
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.promote import smoke

FDL = """\
hfaas: {{stack: {name}}}
functions:
  aws:
  - lambda:
      name: {name}
      init_script: mark.sh
      timeout: 20
      execution_mode: {mode}
      container: {{image: "x"}}
      input: [{{storage_provider: s3, path: {name}/in}}]
      output: [{{storage_provider: s3, path: {name}/out}}]
"""

Up = Callable[..., Pipeline]


@pytest.fixture
def up(tmp_path: Path, target: Target) -> Up:
    """Brings a pipeline of one function up, whose script leaves a mark when it runs."""

    def up(mode: str = "lambda") -> Pipeline:
        (tmp_path / "mark.sh").write_text(f"#!/bin/sh\ntouch {tmp_path}/mark\n")
        file = tmp_path / "pipeline.yaml"
        file.write_text(FDL.format(name=f"puff-{uuid.uuid4().hex[:8]}", mode=mode))
        pipeline = fdl.parse(file)
        deploy.deploy(pipeline, target, LayerImages(target.endpoint), lambda _: None)
        return pipeline

    return up


def puff(pipeline: Pipeline, target: Target) -> tuple[smoke.Result, list[Message]]:
    told: list[Message] = []
    (result,) = smoke.smoke(pipeline, target, told.append)
    return result, told


@pytest.mark.parametrize("mode", ["lambda", "lambda-batch", "batch"])
def test_a_function_answers_without_running_its_script_or_a_job(
    up: Up, target: Target, tmp_path: Path, mode: str
) -> None:
    pipeline = up(mode)

    result, told = puff(pipeline, target)

    name = pipeline.functions[0].name
    assert told == [SmokeStarted(name), Smoked(name, True, result.text)]
    assert (result.ok, result.text) == (True, "it starts and reads its configuration")
    assert not (tmp_path / "mark").exists()
    batch = target.client("batch")
    queues = [one for page in batch.get_paginator("describe_job_queues").paginate() for one in page["jobQueues"]]
    for queue in queues:
        for status in ("SUBMITTED", "RUNNABLE", "RUNNING", "SUCCEEDED", "FAILED"):
            jobs = batch.list_jobs(jobQueue=queue["jobQueueArn"], jobStatus=status)["jobSummaryList"]
            assert not any(name in job["jobName"] for job in jobs)


def test_a_configuration_that_cannot_be_read_is_told_with_what_the_supervisor_says(up: Up, target: Target) -> None:
    pipeline = up()
    name = pipeline.functions[0].name
    functions = target.client("lambda")
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {"FUNCTION_CONFIG": "bm90aGluZw=="}}
    )

    result, _ = puff(pipeline, target)

    assert result.ok is False
    assert "FUNCTION_CONFIG" in result.text


def test_a_function_that_is_not_there_is_told(up: Up, target: Target) -> None:
    pipeline = up()
    target.client("lambda").delete_function(FunctionName=pipeline.functions[0].name)

    result, _ = puff(pipeline, target)

    assert result.ok is False
    assert "ResourceNotFoundException" in result.text


def test_functions_that_are_not_ours_to_call_are_left_in_peace(up: Up, target: Target, tmp_path: Path) -> None:
    pipeline = up()
    (function,) = pipeline.functions
    foreign = replace(pipeline, functions=(replace(function, create_image=False),))
    shut = replace(pipeline, functions=(replace(function, concurrency=0),))

    for one, why in ((foreign, "used as it is"), (shut, "concurrency is 0")):
        result, told = puff(one, target)

        assert result.ok is None
        assert why in result.text
        assert [type(message) for message in told] == [Smoked]


def test_a_function_that_is_busy_is_no_failure(up: Up, target: Target) -> None:
    pipeline = up()
    with faults.before(target.endpoint) as proxy:
        proxy.refuse("/invocations", code="TooManyRequestsException", message="Rate exceeded", status=429)

        result, _ = puff(pipeline, replace(target, endpoint=proxy.url))

    assert result.ok is None
    assert "busy" in result.text


def test_expired_credentials_are_not_the_functions_fault(up: Up, target: Target) -> None:
    pipeline = up()
    with faults.before(target.endpoint) as proxy:
        proxy.refuse("/invocations", code="ExpiredTokenException", message="expired", status=403)

        with pytest.raises(CredentialsError, match="expired"):
            puff(pipeline, replace(target, endpoint=proxy.url))


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b'"hello"', b'{"statusCode": 200, "headers": {"hfaas-items": "1"}}', b'{"statusCode": 500}'],
)
def test_who_does_not_answer_as_a_supervisor_does_is_none(body: bytes) -> None:
    ok, text = smoke._judged(body, is_failed=False)

    assert not ok
    assert "did not answer as a supervisor does" in text
