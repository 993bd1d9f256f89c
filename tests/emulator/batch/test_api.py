"""Jobs over HTTP, through boto3 and the whole emulator."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

WAIT_S = 60
FARGATE = {"type": "FARGATE", "maxvCpus": 2, "subnets": ["subnet-0"], "securityGroupIds": ["sg-0"]}
FINAL = {"SUCCEEDED", "FAILED"}


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)
    return found


class Bench:
    """A client with a queue `q`, a small one `small`, and definitions `say` and `sleep`."""

    def __init__(self, emulator: Any) -> None:
        self.emulator = emulator
        self.api = emulator.client("batch")
        role = emulator.role("executes")
        for name, most in (("q", 64), ("small", 1)):
            self.api.create_compute_environment(
                computeEnvironmentName=name, type="MANAGED", computeResources={**FARGATE, "maxvCpus": most}
            )
            order = [{"order": 1, "computeEnvironment": name}]
            self.api.create_job_queue(jobQueueName=name, priority=1, computeEnvironmentOrder=order)
        for name, command, vcpus in (("say", ["say", "Ref::what", "Ref::code"], "0.25"), ("sleep", ["sleep"], "1")):
            memory = "512" if vcpus == "0.25" else "2048"
            self.api.register_job_definition(
                jobDefinitionName=name,
                type="container",
                platformCapabilities=["FARGATE"],
                parameters={"what": "hello", "code": "0"},
                containerProperties={
                    "image": "works:1",
                    "command": command,
                    "executionRoleArn": role,
                    "resourceRequirements": [
                        {"type": "VCPU", "value": vcpus},
                        {"type": "MEMORY", "value": memory},
                    ],
                },
            )

    def submit(self, definition: str = "say", **more: Any) -> str:
        settings = {"jobName": "j", "jobQueue": "q", "jobDefinition": definition, **more}
        return str(self.api.submit_job(**settings)["jobId"])

    def job(self, job_id: str) -> dict[str, Any]:
        (found,) = self.api.describe_jobs(jobs=[job_id])["jobs"]
        return dict(found)

    def when(self, job_id: str, *statuses: str) -> dict[str, Any]:
        return dict(until(lambda: found if (found := self.job(job_id))["status"] in statuses else None))

    def end(self, *ids: str) -> None:
        for job_id in ids:
            self.api.terminate_job(jobId=job_id, reason="the test is over")
            self.when(job_id, *FINAL)


@pytest.fixture(scope="module")
def bench(emulator: Any) -> Bench:
    return Bench(emulator)


def refused(call: Callable[..., Any], **named: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**named)
    assert error.value.response["Error"]["Code"] == "ClientException"
    return str(error.value.response["Error"]["Message"])


def test_a_job_runs_and_its_log_is_where_it_says(bench: Bench) -> None:
    job = bench.when(bench.submit(parameters={"what": "good morning"}), *FINAL)
    assert (job["status"], job["container"]["exitCode"]) == ("SUCCEEDED", 0)
    logs = bench.emulator.client("logs")
    stream = job["container"]["logStreamName"]
    found = logs.get_log_events(logGroupName="/aws/batch/job", logStreamName=stream)
    assert [event["message"].strip() for event in found["events"]] == ["good morning"]


def test_a_job_that_fails_says_its_exit_code(bench: Bench) -> None:
    job = bench.when(bench.submit(parameters={"code": "3"}), *FINAL)
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 3)
    assert job["statusReason"] == "Essential container in task exited"


def test_a_job_is_named_by_its_arn_too(bench: Bench) -> None:
    answer = bench.api.submit_job(jobName="j", jobQueue="q", jobDefinition="say:1")
    assert bench.job(answer["jobArn"])["jobId"] == answer["jobId"]


def test_unknown_jobs_are_left_out_of_a_description(bench: Bench) -> None:
    assert bench.api.describe_jobs(jobs=["nobody"])["jobs"] == []
    assert "at most 100 job ids, not 101" in refused(bench.api.describe_jobs, jobs=["x"] * 101)


def test_another_account_sees_nothing_of_a_job(bench: Bench) -> None:
    job_id = bench.submit()
    stranger = bench.emulator.client("batch", account="111111111111")
    assert stranger.describe_jobs(jobs=[job_id])["jobs"] == []


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"jobQueue": "nowhere"}, "JobQueue nowhere not found."),
        ({"definition": "none"}, "JobDefinition name none does not exist or is not in ACTIVE status"),
        ({"definition": "say:9"}, "JobDefinition name say:9 does not exist or is not in ACTIVE status"),
        ({"jobName": "no blanks"}, "must be 1 to 128 letters"),
        ({"dependsOn": [{"jobId": "nobody"}]}, "nobody"),
    ],
)
def test_a_job_that_cannot_be_is_refused(bench: Bench, request_: dict[str, Any], message: str) -> None:
    assert message in refused(bench.submit, **request_)


def test_a_job_with_overrides_that_are_too_long_is_taken_and_fails(bench: Bench) -> None:
    environment = [{"name": "EVENT", "value": "x" * 8192}]
    job = bench.when(bench.submit(containerOverrides={"environment": environment}), *FINAL)
    assert job["status"] == "FAILED"
    assert job["statusReason"] == "Container Overrides length must be at most 8192"
    assert job["attempts"] == []


def test_a_waiting_job_is_cancelled_and_a_running_one_terminated(bench: Bench) -> None:
    running = bench.submit("sleep", jobQueue="small")
    bench.when(running, "RUNNING")
    waiting = bench.submit("sleep", jobQueue="small")
    assert "CAPACITY" in bench.when(waiting, "RUNNABLE")["statusReason"]
    front = bench.api.get_job_queue_snapshot(jobQueue="small")["frontOfQueue"]["jobs"]
    assert [each["jobArn"].rpartition("/")[2] for each in front] == [waiting]
    bench.api.cancel_job(jobId=waiting, reason="not needed")
    bench.api.terminate_job(jobId=running, reason="enough")
    cancelled, terminated = bench.when(waiting, *FINAL), bench.when(running, *FINAL)
    assert (cancelled["statusReason"], cancelled["isCancelled"]) == ("not needed", True)
    assert (terminated["statusReason"], terminated["isTerminated"]) == ("enough", True)


def test_ending_a_job_needs_a_reason_and_a_job(bench: Bench) -> None:
    assert "'reason' is a required field" in refused(bench.api.cancel_job, jobId="x", reason="")
    assert refused(bench.api.terminate_job, jobId="nobody", reason="r") == "Job nobody does not exist"


def test_jobs_are_listed_by_state_newest_first(bench: Bench) -> None:
    name = uuid.uuid4().hex
    ids = [bench.submit("sleep", jobName=name) for _ in range(2)]
    for job_id in ids:
        bench.when(job_id, "RUNNING")
    listed = [each["jobId"] for each in bench.api.list_jobs(jobQueue="q")["jobSummaryList"]]
    assert [job_id for job_id in listed if job_id in ids] == ids[::-1]
    bench.end(*ids)
    listed = [each["jobId"] for each in bench.api.list_jobs(jobQueue="q", jobStatus="FAILED")["jobSummaryList"]]
    assert set(ids) <= set(listed)


def test_filters_find_jobs_in_all_states(bench: Bench) -> None:
    name = uuid.uuid4().hex
    job_id = bench.submit(jobName=name)
    bench.when(job_id, "SUCCEEDED")

    def found(key: str, value: str) -> list[str]:
        filters = [{"name": key, "values": [value]}]
        return [each["jobId"] for each in bench.api.list_jobs(jobQueue="q", filters=filters)["jobSummaryList"]]

    assert found("JOB_NAME", name.upper()) == [job_id]
    assert found("JOB_NAME", name[:8] + "*") == [job_id]
    assert job_id in found("JOB_DEFINITION", "say")
    assert job_id in found("AFTER_CREATED_AT", "1")
    assert found("BEFORE_CREATED_AT", "1") == []


def test_a_list_comes_in_pages(bench: Bench) -> None:
    name = uuid.uuid4().hex
    ids = {bench.submit(jobName=name) for _ in range(3)}
    filters = [{"name": "JOB_NAME", "values": [name]}]
    pages = list(
        bench.api.get_paginator("list_jobs").paginate(
            jobQueue="q", filters=filters, PaginationConfig={"PageSize": 2}
        )
    )
    assert [len(page["jobSummaryList"]) for page in pages] == [2, 1]
    assert {each["jobId"] for page in pages for each in page["jobSummaryList"]} == ids


def test_a_list_is_of_exactly_one_thing(bench: Bench) -> None:
    assert refused(bench.api.list_jobs).startswith("Exactly one of")
    assert refused(bench.api.list_jobs, jobQueue="q", arrayJobId="x").startswith("Exactly one of")


def test_an_array_lists_its_children(bench: Bench) -> None:
    job_id = bench.submit(arrayProperties={"size": 3})
    job = bench.when(job_id, "SUCCEEDED")
    assert job["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 3
    children = bench.api.list_jobs(arrayJobId=job_id, jobStatus="SUCCEEDED")["jobSummaryList"]
    assert [child["arrayProperties"]["index"] for child in children] == [0, 1, 2]
    assert bench.job(f"{job_id}:1")["container"]["exitCode"] == 0


def test_a_job_waits_for_the_one_it_depends_on(bench: Bench) -> None:
    first = bench.submit("sleep")
    second = bench.submit(dependsOn=[{"jobId": first}])
    assert bench.job(second)["status"] == "PENDING"
    bench.end(first)
    assert bench.when(second, *FINAL)["statusReason"] == "Dependent Job failed"


def test_the_tags_of_a_job_are_shown_and_stay(bench: Bench) -> None:
    arn = bench.api.submit_job(jobName="j", jobQueue="q", jobDefinition="say", tags={"a": "b"})["jobArn"]
    assert bench.api.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "b"}
    assert "those it was submitted with" in refused(bench.api.tag_resource, resourceArn=arn, tags={"c": "d"})


def test_raising_the_limit_of_an_environment_lets_a_job_start(bench: Bench) -> None:
    running = bench.submit("sleep", jobQueue="small")
    bench.when(running, "RUNNING")
    waiting = bench.submit("sleep", jobQueue="small")
    bench.when(waiting, "RUNNABLE")
    bench.api.update_compute_environment(computeEnvironment="small", computeResources={"maxvCpus": 2})
    bench.when(waiting, "RUNNING")
    bench.end(running, waiting)
    bench.api.update_compute_environment(computeEnvironment="small", computeResources={"maxvCpus": 1})


def test_the_jobs_of_a_deleted_queue_end(bench: Bench) -> None:
    order = [{"order": 1, "computeEnvironment": "small"}]
    bench.api.create_job_queue(jobQueueName="gone", priority=1, computeEnvironmentOrder=order)
    running, waiting = (bench.submit("sleep", jobQueue="gone") for _ in range(2))
    bench.when(running, "RUNNING")
    bench.api.update_job_queue(jobQueue="gone", state="DISABLED")
    assert "not in ENABLED state" in refused(bench.submit, jobQueue="gone")
    bench.api.delete_job_queue(jobQueue="gone")
    ended = [bench.when(each, *FINAL)["statusReason"] for each in (running, waiting)]
    assert ended == ["The job queue gone was deleted"] * 2


def test_rules_of_eventbridge_see_each_state_of_a_job(bench: Bench) -> None:
    name, events, sqs = uuid.uuid4().hex, bench.emulator.client("events"), bench.emulator.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    pattern = {"source": ["aws.batch"], "detail": {"jobName": [name], "status": ["RUNNING", "SUCCEEDED"]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:us-east-1:000000000000:{name}"}])
    job_id = bench.submit(jobName=name)
    seen: list[dict[str, Any]] = []

    def both() -> bool:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", ()):
            seen.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(seen) == 2

    until(both)
    assert {each["detail"]["status"] for each in seen} == {"RUNNING", "SUCCEEDED"}
    assert seen[0]["detail-type"] == "Batch Job State Change"
    assert seen[0]["resources"][0].endswith(f":job/{job_id}")
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)


def test_a_rule_submits_a_job_with_the_parameters_of_its_input(bench: Bench) -> None:
    name, events = uuid.uuid4().hex, bench.emulator.client("events")
    queue = bench.api.describe_job_queues(jobQueues=["q"])["jobQueues"][0]["jobQueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    target = {
        "Id": "1",
        "Arn": queue,
        "RoleArn": "arn:aws:iam::000000000000:role/works",
        "BatchParameters": {"JobDefinition": "say", "JobName": name},
        "InputTransformer": {
            "InputPathsMap": {"what": "$.detail.what"},
            "InputTemplate": '{"Parameters": {"what": "<what>"}}',
        },
    }
    events.put_targets(Rule=name, Targets=[target])
    events.put_events(Entries=[{"Source": name, "DetailType": "t", "Detail": json.dumps({"what": "rule"})}])
    filters = [{"name": "JOB_NAME", "values": [name]}]
    (found,) = until(lambda: bench.api.list_jobs(jobQueue="q", filters=filters)["jobSummaryList"])
    assert bench.job(found["jobId"])["parameters"]["what"] == "rule"
    assert bench.when(found["jobId"], *FINAL)["container"]["command"][1] == "rule"
