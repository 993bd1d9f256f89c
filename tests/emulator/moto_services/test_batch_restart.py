"""Batch's records over a restart; a module of its own, because moto is one for the whole process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

FARGATE = {"type": "FARGATE", "maxvCpus": 4, "subnets": ["subnet-0"], "securityGroupIds": ["sg-0"]}
CONTAINER = {"image": "works:1", "vcpus": 1, "memory": 128}


def test_everything_is_there_again_after_a_restart(
    start: Callable[[Path], AbstractContextManager[Any]], tmp_path: Path
) -> None:
    with start(tmp_path) as emulator:
        batch = emulator.client("batch")
        batch.create_compute_environment(computeEnvironmentName="e", type="MANAGED", computeResources=FARGATE)
        order = [{"order": 1, "computeEnvironment": "e"}]
        batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
        batch.register_job_definition(jobDefinitionName="d", type="container", containerProperties=CONTAINER)
        before = batch.describe_compute_environments()["computeEnvironments"]
    with start(tmp_path) as emulator:
        batch = emulator.client("batch")
        assert batch.describe_compute_environments()["computeEnvironments"] == before
        batch.update_compute_environment(computeEnvironment="e", state="DISABLED")
        (queue,) = batch.describe_job_queues()["jobQueues"]
        assert queue["computeEnvironmentOrder"][0]["computeEnvironment"] == before[0]["computeEnvironmentArn"]
        with pytest.raises(ClientError, match="found existing JobQueue relationship"):
            batch.delete_compute_environment(computeEnvironment="e")
        again = batch.register_job_definition(
            jobDefinitionName="d", type="container", containerProperties=CONTAINER
        )
        assert again["revision"] == 2
