"""What Batch does, one behaviour after the other: a whole emulator over HTTP, its containers functions of a test.

The jobs of the tables (`rows`) are submitted together by the first test that needs one and run side by side.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.emulator.batch.actor import IMAGE, Gates, Stage
from tests.emulator.batch.lab import FINAL, Job, Lab, fresh, needs, until
from tests.emulator.batch.rows import ENDS, SEEN, Row, rule, tries
from tests.emulator.conftest import running

from hfaas_emulator.trace import What
from hfaas_tui.watch import Emulator


@pytest.fixture(scope="module")
def gates() -> Gates:
    return Gates()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, gates: Gates) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("state"), lambda: Stage(gates)) as emulator:
        made = Lab(emulator, IMAGE)
        secrets, parameters = emulator.client("secretsmanager"), emulator.client("ssm")
        secrets.create_secret(Name="word", SecretString='{"pass": "swordfish"}')
        parameters.put_parameter(Name="place", Value="here", Type="String")
        yield made


@pytest.fixture(scope="module")
def submitted(lab: Lab) -> dict[str, str]:
    """All jobs of the tables, by behaviour."""
    return {row.behaviour: lab.submit(*row.command, define=row.define, **row.submit) for row in (*ENDS, *SEEN)}


def named(rows: Sequence[Row]) -> list[Any]:
    return [pytest.param(row, id=row.behaviour.replace(" ", "-")) for row in rows]


def told(job: Job) -> dict[str, Any]:
    summary = job.get("arrayProperties", {}).get("statusSummary", {})
    container = job.get("container", {})
    return {
        "status": job["status"],
        "attempts": [each["container"].get("exitCode") for each in job["attempts"]],
        "said": job.get("statusReason", ""),
        "exit": container.get("exitCode"),
        "why": container.get("reason", ""),
        "children": {status: count for status, count in summary.items() if count},
        "stream": container.get("logStreamName", ""),
    }


@pytest.mark.parametrize("row", named(ENDS))
def test_a_job_ends(lab: Lab, submitted: dict[str, str], row: Row) -> None:
    job = told(lab.ended(submitted[row.behaviour]))
    wanted = dict(row.expected)
    why = wanted.pop("why", "")
    assert job["why"].startswith(why) if why else not job["why"] or "why" not in row.expected
    assert {key: job[key] for key in wanted} == wanted


@pytest.mark.parametrize("row", named(SEEN))
def test_a_job_sees(lab: Lab, submitted: dict[str, str], row: Row) -> None:
    job_id = submitted[row.behaviour]
    job = told(lab.ended(job_id))
    assert lab.lines(job_id) == row.expected["lines"]
    assert job["stream"].startswith(row.expected.get("stream", ""))


@dataclass(frozen=True)
class Link:
    """A job of a story: whom it waits for (`name`, or `name N_TO_N`), and the size of its array."""

    name: str
    command: tuple[str, ...] = ("exit", "0")
    after: tuple[str, ...] = ()
    size: int = 0
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Story:
    """Jobs that wait for each other; `order` names pairs of which the first ended before the second began."""

    behaviour: str
    links: tuple[Link, ...]
    expected: dict[str, str]
    order: tuple[tuple[str, str], ...] = ()


BAD = ("exit", "1")
OK, NO = "SUCCEEDED", "FAILED"
STORIES = [
    Story("one after another", (Link("a"), Link("b", after=("a",))), {"a": OK, "b": OK}, (("a", "b"),)),
    Story("none after a failure", (Link("a", BAD), Link("b", after=("a",))), {"b": NO}),
    Story(
        "a chain",
        (Link("a"), Link("b", after=("a",)), Link("c", after=("b",))),
        {"c": OK},
        (("a", "b"), ("b", "c")),
    ),
    Story("a chain breaks at once", (Link("a", BAD), Link("b", after=("a",)), Link("c", after=("b",))), {"c": NO}),
    Story("after both", (Link("a"), Link("b"), Link("c", after=("a", "b"))), {"c": OK}, (("a", "c"), ("b", "c"))),
    Story("one failure is enough", (Link("a"), Link("b", BAD), Link("c", after=("a", "b"))), {"c": NO}),
    Story(
        "a diamond",
        (Link("a"), Link("b", after=("a",)), Link("c", after=("a",)), Link("d", after=("b", "c"))),
        {"d": OK},
        (("b", "d"), ("c", "d")),
    ),
    Story(
        "a retry is waited for",
        (Link("a", ("exit", "1", "0"), more=tries(2)), Link("b", after=("a",))),
        {"a": OK, "b": OK},
        (("a", "b"),),
    ),
    Story(
        "after a whole array",
        (Link("a", size=3), Link("b", after=("a",))),
        {"b": OK},
        (("a:0", "b"), ("a:1", "b"), ("a:2", "b")),
    ),
    Story("none after an array of which one failed", (Link("a", ("child", "2", "1"), size=3), Link("b", after=("a",))), {"b": NO}),
    Story("after one child", (Link("a", ("child", "1", "1"), size=2), Link("b", after=("a:0",))), {"a": NO, "b": OK}),
    Story("an array after a job", (Link("a"), Link("b", after=("a",), size=2)), {"b": OK}, (("a", "b:0"), ("a", "b:1"))),
    Story("no child after a failure", (Link("a", BAD), Link("b", after=("a",), size=2)), {"b": NO, "b:0": NO, "b:1": NO}),
    Story(
        "child after child",
        (Link("a", size=2), Link("b", after=("a N_TO_N",), size=2)),
        {"b": OK},
        (("a:0", "b:0"), ("a:1", "b:1")),
    ),
    Story(
        "only the counterpart of a failed child fails",
        (Link("a", ("child", "1", "1"), size=3), Link("b", after=("a N_TO_N",), size=3)),
        {"b": NO, "b:0": OK, "b:1": NO, "b:2": OK},
    ),
    Story("one child at a time", (Link("a", after=(" SEQUENTIAL",), size=3),), {"a": OK}, (("a:0", "a:1"), ("a:1", "a:2"))),
    Story(
        "a sequence ends with its first failure",
        (Link("a", ("child", "1", "1"), after=(" SEQUENTIAL",), size=4),),
        {"a": NO, "a:0": OK, "a:1": NO, "a:2": NO, "a:3": NO},
    ),
    Story(
        "a sequence that waits for a job, too",
        (Link("a"), Link("b", after=("a", " SEQUENTIAL"), size=2)),
        {"b": OK},
        (("a", "b:0"), ("b:0", "b:1")),
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def stories(lab: Lab) -> dict[str, dict[str, str]]:
    """The ids of all jobs of all stories, by behaviour and name."""
    made: dict[str, dict[str, str]] = {}
    definitions = {link.command: lab.define(link.command) for story in STORIES for link in story.links}
    for story in STORIES:
        ids = made[story.behaviour] = dict[str, str]()
        for link in story.links:
            array = {"arrayProperties": {"size": link.size}} if link.size else {}
            ids[link.name] = lab.submit(
                jobDefinition=definitions[link.command],
                dependsOn=[_dependency(each, ids) for each in link.after],
                **array,
                **link.more,
            )
            ids.update({f"{link.name}:{index}": f"{ids[link.name]}:{index}" for index in range(link.size)})
    return made


def _dependency(text: str, ids: dict[str, str]) -> dict[str, str]:
    name, _, kind = text.partition(" ")
    return {**({"jobId": ids[name]} if name else {}), **({"type": kind} if kind else {})}


@pytest.mark.parametrize("story", [pytest.param(each, id=each.behaviour.replace(" ", "-")) for each in STORIES])
def test_jobs_wait_for_each_other(lab: Lab, stories: dict[str, dict[str, str]], story: Story) -> None:
    jobs = {name: lab.ended(job_id) for name, job_id in stories[story.behaviour].items()}
    assert {name: jobs[name]["status"] for name in story.expected} == story.expected
    for first, second in story.order:
        assert jobs[first]["stoppedAt"] <= jobs[second]["startedAt"]
    doomed = [jobs[link.name] for link in story.links if jobs[link.name]["status"] == NO and not link.size]
    untried = [job for job in doomed if not job["attempts"]]
    assert {job["statusReason"] for job in untried} <= {"Dependent Job failed"}


@pytest.mark.parametrize(
    ("after", "size", "complaint"),
    [
        ({"jobId": "nobody"}, 0, "Job nobody that the job depends on does not exist"),
        ({"jobId": "JOB", "type": "N_TO_N"}, 0, "the type N_TO_N is for array jobs"),
        ({"jobId": "JOB", "type": "N_TO_N"}, 2, "only valid between array jobs"),
        ({"jobId": "ARRAY", "type": "N_TO_N"}, 2, "only valid between equal sizes"),
        ({"type": "SEQUENTIAL"}, 0, "the type SEQUENTIAL is for array jobs"),
        ({"type": "SEQUENTIAL", "jobId": "JOB"}, 2, "takes no jobId"),
        ({"jobId": "JOB", "type": "LATER"}, 0, "must be one of N_TO_N | SEQUENTIAL"),
        ({}, 0, "jobId is missing"),
    ],
)
def test_a_dependency_that_cannot_be_is_refused(
    lab: Lab, stories: dict[str, dict[str, str]], after: dict[str, str], size: int, complaint: str
) -> None:
    known = {"JOB": stories["a chain"]["a"], "ARRAY": stories["after a whole array"]["a"]}
    wanted = {key: known.get(value, value) for key, value in after.items()}
    array = {"arrayProperties": {"size": size}} if size else {}
    assert complaint in lab.refused(lab.submit, "exit", "0", dependsOn=[wanted], **array)


def test_twenty_dependencies_are_the_most(lab: Lab, submitted: dict[str, str]) -> None:
    ids = [{"jobId": job_id} for job_id in list(submitted.values())[:21]]
    assert "at most 20 jobs, not 21" in lab.refused(lab.submit, "exit", "0", dependsOn=ids)


@pytest.mark.parametrize("status", FINAL)
def test_a_dependency_may_have_ended_long_ago(lab: Lab, status: str) -> None:
    first = lab.submit("exit", "0" if status == OK else "1")
    lab.ended(first)
    assert lab.ended(lab.submit("exit", "0", dependsOn=[{"jobId": first}]))["status"] == status


PASSED = ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING"]
PATHS = {
    "a success": (("exit", "0"), {}, [*PASSED, "SUCCEEDED"]),
    "a failure": (("exit", "1"), {}, [*PASSED, "FAILED"]),
    "a retry": (("exit", "1", "0"), tries(2), [*PASSED, *PASSED[1:], "SUCCEEDED"]),
    "a start that fails": (("refuse", "x"), {}, [*PASSED[:-1], "FAILED"]),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_job_goes_through_the_states_of(lab: Lab, path: str) -> None:
    command, more, states = PATHS[path]
    job = lab.submit(*command, **more)
    lab.ended(job)
    assert _states(lab, job) == states


def test_a_job_that_depends_on_another_is_pending_in_between(lab: Lab, gates: Gates) -> None:
    first = lab.submit("wait", gate := fresh("gate"))
    second = lab.submit("exit", "0", dependsOn=[{"jobId": first}])
    lab.when(second, "PENDING")
    gates.open(gate)
    lab.ended(second)
    assert _states(lab, second) == ["SUBMITTED", "PENDING", *PASSED[1:], OK]


def _states(lab: Lab, job: str) -> list[str]:
    hops = Emulator(lab.emulator.endpoint).hops()
    states = [hop.detail["status"] for hop in hops if hop.what is What.JOB_STATE and hop.detail["job"] == job]
    return [state for place, state in enumerate(states) if states[place - 1 : place] != [state]]


FILLER = {"environment": [{"name": "A", "value": "x" * 31_000}]}
OVERLONG = {"environment": [{"name": "A", "value": "x" * 25_000}]}
REFUSED = [
    ({"containerOverrides": FILLER}, {}, "Job size must be less than 30 KiB, got 31 KiB"),
    ({}, {"container": OVERLONG}, "Job definition size must be less than 24 KiB"),
    ({"arrayProperties": {"size": 1}}, {}, "size must be between 2 and 10000, not 1"),
    ({"arrayProperties": {"size": 10_001}}, {}, "size must be between 2 and 10000, not 10001"),
    ({"arrayProperties": {"size": 2}}, {"nodes": 2}, "a multi-node parallel job cannot be an array"),
    (tries(11), {}, "attempts must be between 1 and 10, not 11"),
    (tries(2, *[rule("EXIT", onExitCode="1")] * 6), {}, "evaluateOnExit takes at most 5 entries, not 6"),
    (tries(2, rule("EXIT")), {}, "an entry needs one of onExitCode, onReason, onStatusReason"),
    (tries(2, rule("STOP", onExitCode="1")), {}, 'action "STOP" must be RETRY or EXIT'),
    ({"timeout": {"attemptDurationSeconds": 59}}, {}, "attemptDurationSeconds must be at least 60, not 59"),
    ({}, {"container": {"environment": [{"name": "AWS_BATCH_X", "value": "1"}]}}, "AWS Batch keeps for its own"),
    ({}, {"container": needs("0")}, "VCPU must be a whole number from 1, not 0"),
    ({"containerOverrides": {"command": ["a"]}}, {"nodes": 2}, "use nodeOverrides"),
    ({"nodeOverrides": {"numNodes": 2}}, {}, "use containerOverrides"),
    ({"jobQueue": "nowhere"}, {}, "JobQueue nowhere not found."),
    ({"jobName": "-"}, {}, "must be 1 to 128 letters"),
]


@pytest.mark.parametrize(("submit", "define", "complaint"), REFUSED)
def test_a_job_that_cannot_be_is_refused(
    lab: Lab, submit: dict[str, Any], define: dict[str, Any], complaint: str
) -> None:
    assert complaint in lab.refused(lab.submit, "exit", "0", define=define, **submit)


def test_each_registration_is_a_revision_and_the_newest_that_is_active_counts(lab: Lab) -> None:
    name = fresh("revised")
    for word in ("one", "two", "three"):
        lab.define(("say", word), jobDefinitionName=name)
    lab.batch.deregister_job_definition(jobDefinition=f"{name}:3")
    newest, first = lab.submit(jobDefinition=name), lab.submit(jobDefinition=f"{name}:1")
    assert [lab.ended(job_id)["jobDefinition"].rpartition("/")[2] for job_id in (newest, first)] == [
        f"{name}:2",
        f"{name}:1",
    ]
    assert (lab.lines(newest), lab.lines(first)) == (["two"], ["one"])
    assert f"{name}:3 does not exist or is not in ACTIVE" in lab.refused(lab.submit, jobDefinition=f"{name}:3")


def test_a_job_keeps_the_definition_that_it_was_submitted_with(lab: Lab, gates: Gates) -> None:
    name = fresh("revised")
    lab.define(("say", "one"), jobDefinitionName=name)
    first = lab.submit("wait", gate := fresh("gate"))
    later = lab.submit(jobDefinition=name, dependsOn=[{"jobId": first}])
    lab.batch.deregister_job_definition(jobDefinition=f"{name}:1")
    gates.open(gate)
    assert lab.ended(later)["status"] == OK
    assert lab.lines(later) == ["one"]


def test_each_attempt_has_a_log_stream_and_a_task_of_its_own(lab: Lab) -> None:
    lab.ended(job_id := lab.submit("exit", "1", **tries(2)))
    containers = [each["container"] for each in lab.job(job_id)["attempts"]]
    assert len({each["logStreamName"] for each in containers} | {each["taskArn"] for each in containers}) == 4
    assert lab.job(job_id)["container"]["logStreamName"] == containers[-1]["logStreamName"]


def test_a_job_that_runs_has_its_log_stream_before_its_first_line(lab: Lab, gates: Gates) -> None:
    job_id = lab.submit("wait", gate := fresh("gate"))
    lab.when(job_id, "RUNNING")
    assert lab.lines(job_id) == []
    gates.open(gate)


def test_each_child_knows_its_place(lab: Lab) -> None:
    names = ("AWS_BATCH_JOB_ID", "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE")
    lab.ended(job_id := lab.submit("show", *names, arrayProperties={"size": 2}))
    assert lab.lines(f"{job_id}:1") == [f"{names[0]}={job_id}:1", f"{names[1]}=1", f"{names[2]}=2"]


def test_each_node_knows_its_place_and_the_main_one(lab: Lab, gates: Gates) -> None:
    kinds = ("NODE_INDEX", "NUM_NODES", "MAIN_NODE_INDEX", "MAIN_NODE_PRIVATE_IPV4_ADDRESS")
    names = [f"AWS_BATCH_JOB_{kind}" for kind in kinds]
    job_id = lab.submit("lead", gate := fresh("gate"), *names, define={"nodes": 2, "main": 1})
    lab.when(job_id, "RUNNING")
    until(lambda: lab.lines(f"{job_id}#0") and lab.lines(f"{job_id}#1"))
    gates.open(gate)
    lab.ended(job_id)
    assert lab.lines(f"{job_id}#0") == [f"{names[0]}=0", f"{names[1]}=2", f"{names[2]}=1", f"{names[3]}=127.0.0.1"]
    assert lab.lines(f"{job_id}#1")[-1] == f"{names[3]}=-"


def test_children_and_nodes_are_listed_by_their_state(lab: Lab) -> None:
    array = lab.submit("child", "1", "1", arrayProperties={"size": 3})
    group = lab.submit("exit", "0", define={"nodes": 2})
    lab.ended(array), lab.ended(group)
    failed = lab.batch.list_jobs(arrayJobId=array, jobStatus="FAILED")["jobSummaryList"]
    nodes = lab.batch.list_jobs(multiNodeJobId=group, jobStatus="SUCCEEDED")["jobSummaryList"]
    assert [each["jobId"] for each in failed] == [f"{array}:1"]
    assert [each["nodeProperties"]["isMainNode"] for each in nodes] == [True, False]


def test_a_queue_lists_what_runs_unless_told_otherwise(lab: Lab, gates: Gates) -> None:
    queue = lab.queue()
    over, runs = lab.submit("exit", "0", jobQueue=queue), lab.submit("wait", gate := fresh("gate"), jobQueue=queue)
    lab.ended(over), lab.when(runs, "RUNNING")
    listed = [lab.batch.list_jobs(jobQueue=queue, **more)["jobSummaryList"] for more in ({}, {"jobStatus": OK})]
    assert [[each["jobId"] for each in jobs] for jobs in listed] == [[runs], [over]]
    gates.open(gate)


def test_a_filter_finds_jobs_of_a_definition_in_every_state(lab: Lab) -> None:
    name = fresh("filtered")
    lab.define(("exit", "1"), jobDefinitionName=name)
    failed = lab.ended(lab.submit(jobDefinition=name))["jobId"]
    filters = [{"name": "JOB_DEFINITION", "values": [name]}]
    assert [each["jobId"] for each in lab.batch.list_jobs(jobQueue="q", filters=filters)["jobSummaryList"]] == [
        failed
    ]


def test_every_state_of_a_job_reaches_a_queue_through_a_rule(lab: Lab) -> None:
    name, events, sqs = fresh("told"), lab.emulator.client("events"), lab.emulator.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.batch"], "detail-type": ["Batch Job State Change"], "detail": {"jobName": [name]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    job_id = lab.submit("exit", "7", jobName=name)
    seen: list[dict[str, Any]] = []

    def failed() -> bool:
        told = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ())
        for message in told:
            seen.append(json.loads(message["Body"])["detail"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return any(each["status"] == "FAILED" for each in seen)

    until(failed)
    assert [each["status"] for each in seen] == [*PASSED, "FAILED"]
    assert (seen[-1]["jobId"], seen[-1]["container"]["exitCode"]) == (job_id, 7)
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)
