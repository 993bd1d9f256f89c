"""Ctrl-C at each stage of a promotion, and a second run that takes it up; and where no secret may be found after it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests import faults
from tests.deploy.promote import stage
from tests.registry import Registry
from tests.standin import StandIn

from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import StackFailed
from hfaas_deploy.promote import record

pytestmark = pytest.mark.slow

ENDS_WITHIN = 60
PRESSES = 3
INTERRUPTED = 130


@pytest.fixture
def proxy(stand_in: StandIn) -> Iterator[faults.Proxy]:
    with faults.before(stand_in.url) as found:
        yield found


@pytest.fixture
def registry_proxy(registry: Registry) -> Iterator[faults.Proxy]:
    with faults.before(registry.address) as found:
        yield found


def pressed(child: subprocess.Popen[str]) -> str:
    """Press Ctrl-C until it is heard: CPython misses one that comes just as it begins to wait for an answer."""
    for _ in range(PRESSES):
        child.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=ENDS_WITHIN / PRESSES)[0]
    raise AssertionError("it does not end")


def interrupt(child: subprocess.Popen[str], moment: faults.Moment) -> list[str]:
    """Press Ctrl-C while a request is held; gives what the promotion said until its end."""
    try:
        moment.wait(ENDS_WITHIN)
        said = pressed(child)
    finally:
        moment.release()
        child.kill()
        child.wait()
    assert child.returncode == INTERRUPTED, said
    assert "Traceback" not in said
    return said.splitlines()


def is_up(project: stage.Project) -> bool:
    """Whether everything that a promotion makes is there, and nothing else is left over."""
    cfn = project.target.client("cloudformation")
    stacks = cfn.describe_stacks()["Stacks"]
    mine = {one["StackName"]: one["StackStatus"] for one in stacks if project.id in one["StackName"]}
    sets = [one for name in mine for one in cfn.list_change_sets(StackName=name)["Summaries"]]
    keys = project.target.client("secretsmanager")
    (secret,) = [value for name, value in project.stack.outputs().items() if name.endswith("Secret")]
    return (
        mine == {project.name: "CREATE_COMPLETE", f"{project.name}-images": "CREATE_COMPLETE"}
        and not [one for one in sets if one["ExecutionStatus"] == "AVAILABLE"]
        and stage.TOKEN in keys.get_secret_value(SecretId=secret)["SecretString"]
        and record.latest(project.target, project.name) is not None
    )


STAGES: dict[str, tuple[str, ...]] = {
    "whose credentials": ("Action=GetCallerIdentity",),
    "the artifacts bucket": ("PUT", "lifecycle"),
    "the plan of the repositories": ("Action=CreateChangeSet", "-images"),
    "making the repositories": ("Action=ExecuteChangeSet", "-images"),
    "the plan of the Stack": ("Action=CreateChangeSet", "{fingerprint}"),
    "waiting for the plan": ("Action=DescribeChangeSet", "{fingerprint}"),
    "the order to apply": ("Action=ExecuteChangeSet", "{fingerprint}"),
    "a secret": ("X-Amz-Target", "PutSecretValue"),
    "a secret's mark": ("X-Amz-Target", "secretsmanager.TagResource"),
    "the smoke call": ("POST", "/invocations"),
    "the record": ("PUT", "/promotions/"),
}


@pytest.mark.parametrize("words", STAGES.values(), ids=STAGES)
def test_a_second_run_takes_up_what_ctrl_c_broke_off(
    project: stage.Project, proxy: faults.Proxy, words: tuple[str, ...]
) -> None:
    moment = proxy.hold(*(word.format(fingerprint=project.fingerprint) for word in words))
    interrupt(project.child(proxy.url, smoke="/invocations" in words), moment)

    project.promote()

    assert is_up(project)


def test_a_push_that_ctrl_c_broke_off_is_taken_up(
    project: stage.Project, stand_in: StandIn, registry_proxy: faults.Proxy
) -> None:
    moment = registry_proxy.hold("PUT", f"/v2/hfaas/join-{project.id}/manifests/")
    interrupt(project.child(stand_in.url, registry_proxy.address), moment)

    project.promote()

    assert is_up(project)


def test_ctrl_c_while_aws_works_says_that_it_goes_on_and_the_next_run_attaches(
    project: stage.Project, proxy: faults.Proxy
) -> None:
    ordered = proxy.hold("Action=ExecuteChangeSet", project.fingerprint)
    child = project.child(proxy.url)
    ordered.wait()
    watched = proxy.hold("Action=DescribeStackEvents")
    ordered.release()

    said = interrupt(child, watched)

    assert said[-1] == "GoesOn"
    project.promote()
    assert is_up(project)


def test_ctrl_c_while_aws_makes_the_repositories_says_that_it_goes_on_and_the_next_run_attaches(
    project: stage.Project, proxy: faults.Proxy
) -> None:
    ordered = proxy.hold("Action=ExecuteChangeSet", "-images")
    child = project.child(proxy.url)
    ordered.wait()
    watched = proxy.hold("Action=DescribeStackEvents")
    ordered.release()

    said = interrupt(child, watched)

    assert said[-1] == "GoesOn"
    project.promote()
    assert is_up(project)


THIRD = """\
  - lambda:
      name: last-{id}
      init_script: b.sh
      container: {{image: "debian:bookworm-slim"}}
"""


def test_an_update_that_fails_while_nobody_watches_is_undone_and_the_next_run_does_it_again(
    project: stage.Project, proxy: faults.Proxy
) -> None:
    project.promote()
    project.file.write_text(project.file.read_text() + THIRD.format(id=project.id))
    ordered = proxy.hold("Action=ExecuteChangeSet", project.fingerprint)
    child = project.child(proxy.url)
    ordered.wait()
    logs, group = project.target.client("logs"), f"/aws/lambda/last-{project.id}"
    logs.create_log_group(logGroupName=group)  # somebody is faster
    watched = proxy.hold("Action=DescribeStackEvents")
    ordered.release()

    said = interrupt(child, watched)
    with pytest.raises(StackFailed, match="AWS::Logs::LogGroup"):
        list(project.stack.watch())

    assert said[-1] == "GoesOn"
    assert project.stack.status() == "UPDATE_ROLLBACK_COMPLETE"
    logs.delete_log_group(logGroupName=group)
    project.promote()
    assert project.stack.status() == "UPDATE_COMPLETE"


# ------------------------------------------------------------------------------------------------------- secrets


def texts(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for file in folder.rglob("*"):
        if file.is_file():
            yield file, file.read_bytes()


def told_by_aws(target: Target, name: str) -> Iterator[Any]:
    """Everything that CloudFormation, Lambda, Batch and the logs know of a Stack."""
    cfn = target.client("cloudformation")
    for stack in (name, f"{name}-images"):
        yield cfn.get_template(StackName=stack)
        yield cfn.describe_stacks(StackName=stack)
        yield cfn.describe_stack_events(StackName=stack)
        yield cfn.describe_events(StackName=stack)
        yield cfn.list_stack_resources(StackName=stack)
        for one in cfn.list_change_sets(StackName=stack)["Summaries"]:
            yield cfn.describe_change_set(ChangeSetName=one["ChangeSetId"])
            yield cfn.get_template(ChangeSetName=one["ChangeSetId"])
    functions = target.client("lambda")
    yield from (
        functions.get_function(FunctionName=one["FunctionName"]) for one in functions.list_functions()["Functions"]
    )
    yield target.client("batch").describe_job_definitions()
    logs = target.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        yield logs.filter_log_events(logGroupName=group["logGroupName"])


def test_a_secret_is_in_its_secret_and_nowhere_else(
    project: stage.Project, stand_in: StandIn, proxy: faults.Proxy, tmp_path: Path
) -> None:
    """The whole way, one Ctrl-C on it: what the promotion says, its files, its arguments, what AWS tells of it."""
    moment = proxy.hold("Action=DescribeChangeSet", project.fingerprint)
    child = project.child(proxy.url)
    moment.wait()
    arguments = subprocess.run(["ps", "-eww", "-o", "args="], capture_output=True, check=True).stdout
    command = Path(f"/proc/{child.pid}/cmdline").read_bytes()
    said = interrupt(child, moment)

    again = project.child(proxy.url)
    rest, _ = again.communicate(timeout=ENDS_WITHIN)

    assert again.returncode == 0, rest
    assert is_up(project)
    token = stage.TOKEN.encode()
    assert token not in arguments + command
    assert stage.TOKEN not in "\n".join(said) + rest
    assert stage.TOKEN not in repr(project.plan())
    assert [file for file, content in texts(tmp_path) if token in content] == []
    assert token not in (stand_in.state / "log").read_bytes()
    assert not [one for one in told_by_aws(project.target, project.name) if stage.TOKEN in repr(one)]
    s3 = project.target.client("s3")
    for one in s3.list_objects_v2(Bucket=record.bucket(project.target)).get("Contents", ()):
        body = s3.get_object(Bucket=record.bucket(project.target), Key=one["Key"])["Body"].read()
        assert token not in body
