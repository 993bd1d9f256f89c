"""A whole emulator with queues and definitions for jobs, and what tests ask about them over HTTP."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

WAIT_S = 400
FINAL = ("SUCCEEDED", "FAILED")
ACCOUNT = "000000000000"
_NUMBERS = itertools.count(1)

Job = dict[str, Any]


def fresh(kind: str) -> str:
    """Return a name that nothing has."""
    return f"{kind}-{next(_NUMBERS)}"


def until(condition: Callable[[], Any]) -> Any:
    """Return what a condition comes to, once that is anything."""
    deadline = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.005)
    return found


def needs(vcpus: str = "1", memory: str = "128", gpus: str = "") -> dict[str, Any]:
    """Return what a container asks for."""
    wanted = {"VCPU": vcpus, "MEMORY": memory, "GPU": gpus}
    return {"resourceRequirements": [{"type": kind, "value": value} for kind, value in wanted.items() if value]}


class Lab:
    """Queues, definitions and jobs of one emulator; the queues `q` and, on Fargate, `f` have room for everybody."""

    def __init__(self, emulator: Any, image: str) -> None:
        self.emulator, self.image = emulator, image
        self.batch, self.logs = emulator.client("batch"), emulator.client("logs")
        self.role = emulator.role("worker")
        iam = emulator.client("iam")
        self.profile = iam.create_instance_profile(InstanceProfileName="machines")["InstanceProfile"]["Arn"]
        self.queue("q", self.environment(64))
        self.queue("f", self.environment(64, fargate=True))

    def environment(self, vcpus: int, *, fargate: bool = False, types: Sequence[str] = ("g5", "optimal")) -> str:
        """Make a compute environment and return its name."""
        name = fresh("environment")
        kind = {"type": "FARGATE"} if fargate else self._instances(types)
        resources = {**kind, "maxvCpus": vcpus, "subnets": ["subnet-0"], "securityGroupIds": ["sg-0"]}
        self.batch.create_compute_environment(
            computeEnvironmentName=name, type="MANAGED", computeResources=resources
        )
        return name

    def _instances(self, types: Sequence[str]) -> dict[str, Any]:
        return {"type": "EC2", "minvCpus": 0, "instanceTypes": list(types), "instanceRole": self.profile}

    def queue(self, name: str = "", *environments: str, priority: int = 1) -> str:
        """Make a queue, with an environment of its own of 2 vCPUs unless some are given, and return its name."""
        name = name or fresh("queue")
        named = environments or (self.environment(2),)
        order = [{"order": place, "computeEnvironment": each} for place, each in enumerate(named)]
        self.batch.create_job_queue(jobQueueName=name, priority=priority, computeEnvironmentOrder=order)
        return name

    def define(self, command: Sequence[str], *, fargate: bool = False, **more: Any) -> str:
        """Register a definition and return its ARN; `container` and `nodes` go where they belong."""
        own = {"image": self.image, "command": list(command), **needs(), **more.pop("container", {})}
        if fargate:
            more = {"platformCapabilities": ["FARGATE"], **more}
            own = {"executionRoleArn": self.role, **own, **needs("0.25", "512")}
        what: dict[str, Any] = {"type": "container", "containerProperties": own}
        if nodes := more.pop("nodes", 0):
            every = [{"targetNodes": "0:", "container": own}]
            properties = {"numNodes": nodes, "mainNode": more.pop("main", 0), "nodeRangeProperties": every}
            what = {"type": "multinode", "nodeProperties": properties}
        made = self.batch.register_job_definition(**{"jobDefinitionName": fresh("definition"), **what, **more})
        return str(made["jobDefinitionArn"])

    def submit(self, *command: str, define: Mapping[str, Any] | None = None, **more: Any) -> str:
        """Submit a job that does this and return its id."""
        if "jobDefinition" not in more:
            more["jobDefinition"] = self.define(command, **(define or {}))
        return str(self.batch.submit_job(**{"jobName": fresh("job"), "jobQueue": "q", **more})["jobId"])

    def job(self, job_id: str) -> Job:
        """Describe a job."""
        (found,) = self.batch.describe_jobs(jobs=[job_id])["jobs"]
        return dict(found)

    def when(self, job_id: str, *statuses: str, reason: str = "") -> Job:
        """Describe a job once it is in one of these states, and gives such a reason."""
        deadline = time.monotonic() + WAIT_S
        while (job := self.job(job_id))["status"] not in statuses or reason not in job.get("statusReason", ""):
            assert time.monotonic() < deadline, f"still {job['status']}: {job.get('statusReason')}"
            assert job["status"] not in FINAL, f"{job['status']}: {job.get('statusReason')} {job['container']}"
            time.sleep(0.005)
        return job

    def ended(self, job_id: str) -> Job:
        """Describe a job once it is final."""
        return self.when(job_id, *FINAL)

    def end(self, *ids: str) -> None:
        """Terminate jobs and wait for their end."""
        for job_id in ids:
            self.batch.terminate_job(jobId=job_id, reason="the test is over")
        for job_id in ids:
            self.ended(job_id)

    def lines(self, job_id: str) -> list[str]:
        """Return what a job's last attempt printed."""
        container = self.job(job_id)["container"]
        options = container.get("logConfiguration", {}).get("options", {})
        group = options.get("awslogs-group", "/aws/batch/job")
        found = self.logs.get_log_events(
            logGroupName=group, logStreamName=container["logStreamName"], startFromHead=True
        )
        return [event["message"].rstrip("\n") for event in found["events"]]

    def refused(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
        """Return the message with which Batch refuses a call."""
        with pytest.raises(ClientError) as error:
            call(*arguments, **named)
        assert error.value.response["Error"]["Code"] == "ClientException"
        return str(error.value.response["Error"]["Message"])
