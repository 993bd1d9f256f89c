"""Tables: what a job is asked to do, and what is true of it when it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.emulator.batch.lab import ACCOUNT, needs

EXITED = "Essential container in task exited"
NOT_STARTED = "Task failed to start"


@dataclass(frozen=True)
class Row:
    """A job, and what is true of it when it has ended."""

    behaviour: str
    command: tuple[str, ...]
    expected: dict[str, Any]
    submit: dict[str, Any] = field(default_factory=dict)
    define: dict[str, Any] = field(default_factory=dict)


def tries(attempts: int, *rules: dict[str, str]) -> dict[str, Any]:
    strategy: dict[str, Any] = {"attempts": attempts}
    return {"retryStrategy": {**strategy, "evaluateOnExit": list(rules)} if rules else strategy}


def rule(action: str, **patterns: str) -> dict[str, str]:
    return {"action": action, **patterns}


def ends(status: str, *attempts: int | None, **more: Any) -> dict[str, Any]:
    return {"status": status, "attempts": list(attempts), **more}


def secret(source: str) -> dict[str, Any]:
    return {"container": {"secrets": [{"name": "WORD", "valueFrom": source}]}}


OK, ON_3 = ("exit", "0"), ("exit", "3")
ENDS = [
    Row("exit code 0 is a success", OK, ends("SUCCEEDED", 0, said=EXITED)),
    Row("exit code 1 is a failure", ("exit", "1"), ends("FAILED", 1, said=EXITED)),
    Row("exit code 3 is told", ON_3, ends("FAILED", 3, exit=3)),
    Row("exit code 137 alone is no lack of memory", ("exit", "137"), ends("FAILED", 137, why="")),
    Row("exit code 143 is told", ("exit", "143"), ends("FAILED", 143)),
    Row("exit code 255 is told", ("exit", "255"), ends("FAILED", 255)),
    Row("a lack of memory is told", ("oom",), ends("FAILED", 137, why="OutOfMemoryError: Container killed")),
    Row(
        "a missing image fails the job",
        OK,
        ends("FAILED", None, said=NOT_STARTED, why="CannotPullContainerError: there is no image gone:1", exit=None),
        define={"container": {"image": "gone:1"}},
    ),
    Row(
        "a container that cannot start fails the job",
        ("refuse", "no such file"),
        ends("FAILED", None, said=NOT_STARTED, why="CannotStartContainerError: no such file"),
    ),
    Row(
        "a missing secret fails the job",
        OK,
        ends("FAILED", None, said=NOT_STARTED, why="ResourceInitializationError: unable to pull secrets"),
        define=secret(f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:nothing"),
    ),
    Row("one attempt is made unless more are asked for", ON_3, ends("FAILED", 3)),
    Row("a job that goes on failing uses up its attempts", ON_3, ends("FAILED", 3, 3, 3), tries(3)),
    Row("an attempt that succeeds is the last", ("exit", "3", "4", "0"), ends("SUCCEEDED", 3, 4, 0), tries(5)),
    Row("the definition's attempts count", ON_3, ends("FAILED", 3, 3), define=tries(2)),
    Row("the job's attempts beat the definition's", ON_3, ends("FAILED", 3), tries(1), tries(4)),
    Row("a rule ends by exit code", ON_3, ends("FAILED", 3), tries(3, rule("EXIT", onExitCode="3"))),
    Row("a rule retries by exit code", ON_3, ends("FAILED", 3, 3), tries(2, rule("RETRY", onExitCode="3"))),
    Row(
        "no rule that matches means another attempt",
        ON_3,
        ends("FAILED", 3, 3),
        tries(2, rule("EXIT", onExitCode="4")),
    ),
    Row("a star ends an exit code", ("exit", "37"), ends("FAILED", 37), tries(2, rule("EXIT", onExitCode="3*"))),
    Row(
        "without a star an exit code is whole",
        ("exit", "37"),
        ends("FAILED", 37, 37),
        tries(2, rule("EXIT", onExitCode="3")),
    ),
    Row(
        "the first rule that matches counts",
        ON_3,
        ends("FAILED", 3),
        tries(3, rule("EXIT", onExitCode="3"), rule("RETRY", onExitCode="3")),
    ),
    Row(
        "each attempt is judged anew",
        ("exit", "3", "4", "0"),
        ends("FAILED", 3, 4),
        tries(3, rule("RETRY", onExitCode="3"), rule("EXIT", onExitCode="*")),
    ),
    Row(
        "a rule ends by the container's reason",
        ("oom",),
        ends("FAILED", 137),
        tries(3, rule("EXIT", onReason="OutOfMemory*")),
    ),
    Row(
        "a rule ends by the reason of a start that failed",
        OK,
        ends("FAILED", None),
        tries(3, rule("EXIT", onReason="CannotPull*")),
        {"container": {"image": "gone:1"}},
    ),
    Row(
        "a rule retries by the status reason",
        ON_3,
        ends("FAILED", 3, 3),
        tries(2, rule("RETRY", onStatusReason="Essential*"), rule("EXIT", onExitCode="*")),
    ),
    Row(
        "all patterns of a rule must match",
        ON_3,
        ends("FAILED", 3, 3),
        tries(2, rule("EXIT", onExitCode="3", onReason="OutOfMemory*")),
    ),
    Row("an action may be written in any case", ON_3, ends("FAILED", 3), tries(2, rule("exit", onExitCode="3"))),
    Row("no rule repeats a success", OK, ends("SUCCEEDED", 0), tries(3, rule("RETRY", onExitCode="0"))),
    Row(
        "a rule allows no more attempts than there are",
        ON_3,
        ends("FAILED", 3, 3),
        tries(2, rule("RETRY", onReason="*")),
    ),
    Row("a start that failed is an attempt", ("refuse", "x"), ends("FAILED", None, None), tries(2)),
    Row(
        "an array succeeds with its children",
        OK,
        ends("SUCCEEDED", children={"SUCCEEDED": 3}),
        {"arrayProperties": {"size": 3}},
    ),
    Row(
        "an array fails with one of its children",
        ("child", "1", "9"),
        ends("FAILED", said="Array Child Job failed", children={"SUCCEEDED": 2, "FAILED": 1}),
        {"arrayProperties": {"size": 3}},
    ),
    Row(
        "an array of a hundred",
        ("child", "200", "1"),
        ends("SUCCEEDED", children={"SUCCEEDED": 100}),
        {"arrayProperties": {"size": 100}},
    ),
    Row("nodes succeed with the main one", OK, ends("SUCCEEDED", 0), define={"nodes": 3}),
    Row("nodes fail with the main one", ("node", "0", "5"), ends("FAILED", 5), define={"nodes": 3}),
    Row("another node's end is not the job's", ("node", "1", "5"), ends("SUCCEEDED", 0), define={"nodes": 2}),
    Row("any node may be the main one", ("node", "1", "5"), ends("FAILED", 5), define={"nodes": 2, "main": 1}),
    Row("nodes are retried together", ("node", "0", "5"), ends("FAILED", 5, 5), tries(2), {"nodes": 2}),
    Row(
        "overrides longer than 8,192 are taken and fail",
        OK,
        ends("FAILED", said="Container Overrides length must be at most 8192", exit=None),
        {"containerOverrides": {"environment": [{"name": "EVENT", "value": "x" * 8_150}]}},
    ),
    Row(
        "overrides of almost 8,192 run",
        OK,
        ends("SUCCEEDED", 0),
        {"containerOverrides": {"environment": [{"name": "EVENT", "value": "x" * 8_100}]}},
    ),
]
SHOWN = ("AWS_BATCH_JOB_ATTEMPT", "AWS_BATCH_JQ_NAME", "AWS_REGION", "AWS_EXECUTION_ENV")
SEEN = [
    Row("a job knows queue, attempt and region", ("show", *SHOWN), {"lines": [f"{SHOWN[0]}=1", f"{SHOWN[1]}=q", f"{SHOWN[2]}=us-east-1", f"{SHOWN[3]}=AWS_ECS_EC2"]}),
    Row("a job alone has no place in an array", ("show", "AWS_BATCH_JOB_ARRAY_INDEX"), {"lines": ["AWS_BATCH_JOB_ARRAY_INDEX=-"]}),
    Row("parameters have defaults", ("say", "Ref::what"), {"lines": ["a"]}, define={"parameters": {"what": "a"}}),
    Row("a job's parameters beat the defaults", ("say", "Ref::what"), {"lines": ["b"]}, {"parameters": {"what": "b"}}, {"parameters": {"what": "a"}}),
    Row("a parameter that nobody gives stays as it is", ("say", "Ref::what"), {"lines": ["Ref::what"]}),
    Row("a command may be overridden", ("say", "a"), {"lines": ["b"]}, {"containerOverrides": {"command": ["say", "b"]}}),
    Row("variables are merged", ("show", "A", "B"), {"lines": ["A=2", "B=1"]}, {"containerOverrides": {"environment": [{"name": "A", "value": "2"}]}}, {"container": {"environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]}}),
    Row("memory and vCPUs are what was asked for", ("show", "memory", "cpus"), {"lines": ["memory=256", "cpus=2.0"]}, define={"container": needs("2", "256")}),
    Row("memory and vCPUs may be overridden", ("show", "memory", "cpus"), {"lines": ["memory=512", "cpus=3.0"]}, {"containerOverrides": needs("3", "512")}),
    Row("a GPU is given", ("show", "gpus"), {"lines": ["gpus=1"]}, define={"container": needs(gpus="1")}),
    Row("a user may be named", ("show", "user"), {"lines": ["user=12"]}, define={"container": {"user": "12"}}),
    Row("a secret is a variable", ("show", "WORD"), {"lines": ['WORD={"pass": "swordfish"}']}, define=secret(f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:word")),
    Row("a parameter of Systems Manager is a variable", ("show", "WORD"), {"lines": ["WORD=here"]}, define=secret("place")),
    Row("a group and a prefix of its own", ("say", "a"), {"lines": ["a"], "stream": "mine/default/"}, define={"container": {"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/mine", "awslogs-stream-prefix": "mine"}}}}),
    Row("a stream is named after the definition", ("say", "a"), {"lines": ["a"], "stream": "named/default/"}, define={"jobDefinitionName": "named"}),
]  # fmt: skip
