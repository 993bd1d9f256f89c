"""What DescribeJobs, ListJobs and EventBridge say of a job, held against AWS's own description of the answers."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.model import Shape

from hfaas_emulator.batch import submission, view
from hfaas_emulator.batch.families import grow
from hfaas_emulator.batch.job import Attempt, Status
from hfaas_emulator.batch.records import ComputeEnvironment, JobDefinition, JobQueue
from hfaas_emulator.batch.state import Current, Job

ENTRY = submission.Entry("0f9b6a6e", "000000000000", "us-east-1", 1_700_000_000_000)
QUEUE = JobQueue(
    "arn:aws:batch:us-east-1:000000000000:job-queue/q", "q", 1, (ComputeEnvironment("a", "e", "EC2", 8),)
)
CONTAINER: dict[str, Any] = {
    "image": "works:1",
    "command": ["run"],
    "environment": [{"name": "A", "value": "b"}],
    "secrets": [{"name": "S", "valueFrom": "arn:secret"}],
    "linuxParameters": {"sharedMemorySize": 64, "initProcessEnabled": True},
    "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/g"}},
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}],
}
NODES = {
    "numNodes": 2,
    "mainNode": 0,
    "nodeRangeProperties": [{"targetNodes": "0:", "container": CONTAINER}],
}
KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "double": (int, float),
}


def job(*, multinode: bool = False, **request: Any) -> Job:
    kind = {"type": "multinode", "nodeProperties": NODES} if multinode else {"containerProperties": CONTAINER}
    definition = JobDefinition("arn:aws:batch:us-east-1:000000000000:job-definition/d:3", "d", 3, kind)
    asked = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d", **request}
    return grow(submission.make(asked, QUEUE, definition, ENTRY), 1)


@pytest.fixture
def ended() -> Job:
    made = job(
        parameters={"p": "v"},
        tags={"t": "v"},
        dependsOn=[{"jobId": "other"}],
        timeout={"attemptDurationSeconds": 60},
        retryStrategy={"attempts": 2, "evaluateOnExit": [{"onExitCode": "1", "action": "RETRY"}]},
        shareIdentifier="s",
        schedulingPriorityOverride=7,
    )
    made.status, made.said = Status.FAILED, "Essential container in task exited"
    made.started, made.stopped = 1_700_000_001_000, 1_700_000_002_000
    made.current = Current("d/default/1", "arn:task", 3, "Error")
    made.attempts = (
        Attempt(1_700_000_001_000, 1_700_000_002_000, 3, "Error", made.said, "d/default/1", "arn:task"),
    )
    return made


def shape(operation: str, member: str) -> Shape:
    output: Any = botocore.session.Session().get_service_model("batch").operation_model(operation).output_shape
    listed: Shape = output.members[member].member
    return listed


def unknown(value: Any, of: Any, path: str = "") -> list[str]:
    """Return where a document says what AWS's description does not know."""
    match of.type_name:
        case "structure":
            strange = [f"{path}.{name}" for name in value if name not in of.members]
            known = {name: each for name, each in value.items() if name in of.members}
            return strange + [
                bad for name in known for bad in unknown(value[name], of.members[name], f"{path}.{name}")
            ]
        case "list":
            return [bad for index, each in enumerate(value) for bad in unknown(each, of.member, f"{path}[{index}]")]
        case "map":
            return [bad for name, each in value.items() for bad in unknown(each, of.value, f"{path}.{name}")]
    return [] if isinstance(value, KINDS[of.type_name]) else [f"{path} is {value!r}, not a {of.type_name}"]


@pytest.mark.parametrize("multinode", [False, True])
def test_every_word_of_describe_jobs_is_aws_own(multinode: bool) -> None:
    made = job(multinode=multinode)
    for each in (made, *made.nodes):
        assert unknown(view.detail(each), shape("DescribeJobs", "jobs")) == []
        assert unknown(view.summary(each), shape("ListJobs", "jobSummaryList")) == []


def test_every_word_about_a_job_that_ended_is_aws_own(ended: Job) -> None:
    assert unknown(view.detail(ended), shape("DescribeJobs", "jobs")) == []
    assert unknown(view.summary(ended), shape("ListJobs", "jobSummaryList")) == []


def test_a_job_that_ended_shows_how(ended: Job) -> None:
    shown = view.detail(ended)
    assert (shown["status"], shown["statusReason"]) == ("FAILED", "Essential container in task exited")
    assert (shown["createdAt"], shown["startedAt"], shown["stoppedAt"]) == (
        1_700_000_000_000,
        1_700_000_001_000,
        1_700_000_002_000,
    )
    container = shown["container"]
    assert (container["exitCode"], container["reason"], container["logStreamName"]) == (3, "Error", "d/default/1")
    (attempt,) = shown["attempts"]
    assert (attempt["container"]["exitCode"], attempt["startedAt"]) == (3, 1_700_000_001_000)


def test_a_job_shows_what_was_asked_for(ended: Job) -> None:
    shown = view.detail(ended)
    assert shown["parameters"] == {"p": "v"}
    assert shown["tags"] == {"t": "v"}
    assert shown["dependsOn"] == [{"jobId": "other"}]
    assert shown["timeout"] == {"attemptDurationSeconds": 60}
    assert shown["retryStrategy"]["attempts"] == 2
    assert (shown["shareIdentifier"], shown["schedulingPriority"]) == ("s", 7)
    assert shown["container"]["environment"] == CONTAINER["environment"]
    assert shown["container"]["resourceRequirements"] == CONTAINER["resourceRequirements"]


def test_what_has_not_happened_is_left_out() -> None:
    shown = view.detail(job())
    assert {"startedAt", "stoppedAt", "statusReason", "arrayProperties", "nodeProperties"}.isdisjoint(shown)
    assert "exitCode" not in shown["container"]


def test_an_array_sums_up_its_children_and_a_child_tells_its_index() -> None:
    made = job(arrayProperties={"size": 3})
    assert view.detail(made)["arrayProperties"]["size"] == 3
    assert view.detail(made)["arrayProperties"]["statusSummary"]["SUBMITTED"] == 3
    child = view.detail(made.children[2])
    assert (child["jobId"], child["arrayProperties"]["index"]) == ("0f9b6a6e:2", 2)
    assert unknown(child, shape("DescribeJobs", "jobs")) == []


def test_a_multinode_job_shows_its_nodes_and_a_node_which_one_it_is() -> None:
    made = job(multinode=True)
    assert view.detail(made)["nodeProperties"] == NODES
    node = view.detail(made.nodes[1])
    assert (node["jobId"], node["nodeDetails"]) == ("0f9b6a6e#1", {"nodeIndex": 1, "isMainNode": False})
    assert view.summary(made.nodes[0])["nodeProperties"] == {"isMainNode": True, "numNodes": 2, "nodeIndex": 0}


def test_what_a_running_job_does_without_is_its_reason_and_a_tag() -> None:
    made = job()
    made.status, made.note = Status.RUNNING, "2 of 8 vCPUs"
    assert view.detail(made)["statusReason"] == "2 of 8 vCPUs"
    assert view.summary(made)["statusReason"] == "2 of 8 vCPUs"
    assert view.detail(made)["tags"] == {"hfaas:note": "2 of 8 vCPUs"}


def test_the_event_of_a_change_carries_the_job(ended: Job) -> None:
    event = view.event(ended, 1_700_000_002.5)
    assert (event["source"], event["detail-type"]) == ("aws.batch", "Batch Job State Change")
    assert (event["time"], event["resources"]) == ("2023-11-14T22:13:22Z", [ended.arn])
    assert event["detail"] == view.detail(ended)
