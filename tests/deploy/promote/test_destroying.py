"""Taking down what was promoted: what stays, what goes, and what is never touched."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests import faults
from tests.deploy.promote import stage
from tests.standin import REGION, StandIn, somebody_else

from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.standing import FINGERPRINT
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import CredentialsError, PurgeError, StackFailed
from hfaas_deploy.messages import Destroyed, Emptying, Happened, JobsUnderWay, Message, Purged, SecretsLeaving
from hfaas_deploy.promote import destroying, purging

pytestmark = pytest.mark.slow


def destroy(project: stage.Project, **options: Any) -> list[Message]:
    told: list[Message] = []
    destroying.destroy(project.target, project.name, told.append, **options)
    return told


def buckets(target: Target) -> set[str]:
    return {one["Name"] for one in target.client("s3").list_buckets()["Buckets"]}


def fill(project: stage.Project) -> None:
    """Versions, a delete marker and a begun upload."""
    s3 = project.target.client("s3")
    s3.put_bucket_versioning(Bucket=project.name, VersioningConfiguration={"Status": "Enabled"})
    for text in (b"one", b"two"):
        s3.put_object(Bucket=project.name, Key="kept/a", Body=text)
    s3.delete_object(Bucket=project.name, Key="kept/a")
    s3.put_object(Bucket=project.name, Key="kept/b", Body=b"three")
    s3.create_multipart_upload(Bucket=project.name, Key="kept/c")


def test_the_facts_name_what_would_go_and_touch_nothing(project: stage.Project) -> None:
    project.promote()
    fill(project)

    found = destroying.facts(project.target, project.name)

    assert found.status == "CREATE_COMPLETE"
    assert found.buckets == (purging.Contents(project.name, objects=4, bytes=11, uploads=1),)
    assert len(found.secrets) == 1
    assert [(one.repository, one.images) for one in found.repositories] == [
        (f"hfaas/join-{project.id}", 1),
        (f"hfaas/split-{project.id}", 1),
    ]
    assert project.stack.status() == "CREATE_COMPLETE"


def test_destroying_keeps_buckets_and_images_and_says_so(project: stage.Project) -> None:
    project.promote()
    fill(project)

    told = destroy(project)

    assert project.stack.status() == ""
    assert told[-1] == Destroyed(
        project.name, (project.name,), (f"hfaas/join-{project.id}", f"hfaas/split-{project.id}")
    )
    (leaving,) = [one for one in told if isinstance(one, SecretsLeaving)]
    assert "recovery window" in leaving.until
    assert project.name in buckets(project.target)
    functions = project.target.client("lambda").list_functions()["Functions"]
    assert not [one for one in functions if project.id in one["FunctionName"]]


def test_a_named_bucket_goes_with_every_version_marker_and_upload(project: stage.Project) -> None:
    project.promote()
    fill(project)

    told = destroy(project, purge=[project.name])

    assert project.name not in buckets(project.target)
    assert Purged(project.name, 5, 11) in told
    assert [one.objects for one in told if isinstance(one, Emptying)] == [4, 5]
    assert told[-1] == Destroyed(project.name, (), (f"hfaas/join-{project.id}", f"hfaas/split-{project.id}"))


def test_every_page_of_a_large_bucket_goes(project: stage.Project) -> None:
    project.promote()
    s3 = project.target.client("s3")
    for number in range(1005):
        s3.put_object(Bucket=project.name, Key=f"kept/{number}", Body=b"x")

    told = destroy(project, purge=[project.name])

    assert [one.objects for one in told if isinstance(one, Emptying)] == [1000, 1005]
    assert project.name not in buckets(project.target)


def test_a_bucket_that_an_earlier_destruction_left_can_be_purged_later(project: stage.Project) -> None:
    project.promote()
    destroy(project)

    found = destroying.facts(project.target, project.name)
    assert (found.status, [one.bucket for one in found.buckets]) == ("", [project.name])
    destroy(project, purge=[project.name])

    assert project.name not in buckets(project.target)
    assert destroying.facts(project.target, project.name).buckets == ()


def test_a_name_that_is_not_the_stacks_stops_everything(project: stage.Project) -> None:
    project.promote()
    s3 = project.target.client("s3")
    s3.create_bucket(Bucket=f"mine-{project.id}", CreateBucketConfiguration={"LocationConstraint": REGION})

    with pytest.raises(PurgeError, match=f"mine-{project.id} is no bucket of Stack {project.name}"):
        destroy(project, purge=[f"mine-{project.id}"])

    assert project.stack.status() == "CREATE_COMPLETE"
    assert f"mine-{project.id}" in buckets(project.target)


def test_a_bucket_of_another_account_is_never_touched(project: stage.Project, stand_in: StandIn) -> None:
    """Ours went, and somebody else took its name."""
    project.promote()
    destroy(project, purge=[project.name])
    with somebody_else():
        others = stand_in.target().client("s3")
        others.create_bucket(Bucket=project.name, CreateBucketConfiguration={"LocationConstraint": REGION})
    others.put_object(Bucket=project.name, Key="k", Body=b"x")

    assert "is not of account" in purging.contents(project.target, project.name).fault
    with pytest.raises(PurgeError, match="is no bucket of Stack"):
        destroy(project, purge=[project.name])
    with pytest.raises(PurgeError, match="is not of account"):
        purging.empty(project.target, project.name, lambda _: None)

    assert others.list_objects_v2(Bucket=project.name)["KeyCount"] == 1


def test_repositories_go_on_request(project: stage.Project) -> None:
    project.promote()

    told = destroy(project, images=True)

    assert told[-1] == Destroyed(project.name, (project.name,), ())
    repositories = project.target.client("ecr").describe_repositories()["repositories"]
    assert not [one for one in repositories if project.id in one["repositoryName"]]
    assert destroying.facts(project.target, project.name).repositories == ()


def test_jobs_that_have_not_ended_are_told(project: stage.Project) -> None:
    project.promote()
    batch = project.target.client("batch")
    (queue,) = [value for name, value in project.stack.outputs().items() if ":job-queue/" in value]
    (described,) = batch.describe_job_queues(jobQueues=[queue])["jobQueues"]
    for one in described["computeEnvironmentOrder"]:
        batch.update_compute_environment(computeEnvironment=one["computeEnvironment"], state="DISABLED")
    batch.submit_job(jobName="waits", jobQueue=queue, jobDefinition=f"join-{project.id}")

    found = destroying.facts(project.target, project.name)
    told = destroy(project)

    assert [one.jobs for one in found.jobs] == [1]
    assert [one for one in told if isinstance(one, JobsUnderWay)] == list(found.jobs)
    assert project.stack.status() == ""


def test_what_was_cut_off_is_taken_up(project: stage.Project, stand_in: StandIn) -> None:
    project.promote()
    with faults.before(stand_in.url) as proxy:
        proxy.refuse("Action=DescribeStackEvents", code="ExpiredToken", skip=1)
        with pytest.raises(CredentialsError, match="expired"):
            destroying.destroy(replace(project.target, endpoint=proxy.url), project.name, lambda _: None)

    told = destroy(project, purge=[project.name], images=True)

    assert isinstance(told[-1], Destroyed)
    assert project.stack.status() == ""
    assert project.name not in buckets(project.target)


def test_what_keeps_a_stack_from_going_is_named_and_the_next_run_goes_on(project: stage.Project) -> None:
    project.promote()
    iam = project.target.client("iam")
    roles = [one["RoleName"] for one in iam.list_roles()["Roles"] if project.id in one["RoleName"]]
    assert roles
    for role in roles[:2]:
        iam.create_instance_profile(InstanceProfileName=f"p-{role}"[:60])
        iam.add_role_to_instance_profile(InstanceProfileName=f"p-{role}"[:60], RoleName=role)

    with pytest.raises(StackFailed) as caught:
        destroy(project)

    assert caught.value.message.count("AWS::IAM::Role") == 1, "one reason is told once"
    assert "; the same of " in caught.value.message
    assert "free what is named" in caught.value.hint
    for role in roles[:2]:
        iam.remove_role_from_instance_profile(InstanceProfileName=f"p-{role}"[:60], RoleName=role)
    told = destroy(project)
    assert project.stack.status() == ""
    assert any(isinstance(one, Happened) for one in told)


def stopped(project: stage.Project, stand_in: StandIn, *words: str) -> None:
    """A promotion that ends where a request with these words would be done."""
    planned = project.plan()
    with faults.before(stand_in.url) as proxy:
        proxy.refuse("Action=ExecuteChangeSet", *words, code="ExpiredToken")
        with pytest.raises(CredentialsError, match="expired"):
            project.promote(planned, replace(project.target, endpoint=proxy.url))


def stacks(project: stage.Project) -> dict[str, str]:
    found = project.target.client("cloudformation").describe_stacks()["Stacks"]
    return {one["StackName"]: one["StackStatus"] for one in found if project.id in one["StackName"]}


def test_an_empty_stack_of_images_that_a_promotion_left_behind_goes_along(
    project: stage.Project, stand_in: StandIn
) -> None:
    stopped(project, stand_in, f"{project.name}-images")
    assert stacks(project) == {f"{project.name}-images": "REVIEW_IN_PROGRESS"}

    found = destroying.facts(project.target, project.name)
    told = destroy(project)

    assert not found.is_empty
    assert found.hollow == f"{project.name}-images"
    assert stacks(project) == {}
    assert told[-1] == Destroyed(project.name, (), ())
    assert destroying.facts(project.target, project.name).is_empty


def test_an_empty_stack_that_a_promotion_left_behind_goes_and_images_stay(
    project: stage.Project, stand_in: StandIn
) -> None:
    stopped(project, stand_in, project.fingerprint)
    assert stacks(project)[project.name] == "REVIEW_IN_PROGRESS"

    found = destroying.facts(project.target, project.name)
    destroy(project)

    assert (found.status, found.hollow, len(found.repositories)) == ("REVIEW_IN_PROGRESS", "", 2)
    assert stacks(project) == {f"{project.name}-images": "CREATE_COMPLETE"}


def test_a_stack_of_images_that_never_came_up_goes_along(project: stage.Project) -> None:
    cloudformation = project.target.client("cloudformation")
    name = f"{project.name}-images"
    bad = {"Resources": {"R": {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "BAD NAME"}}}}
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps(bad), Tags=[{"Key": FINGERPRINT, "Value": "x"}]
    )
    with pytest.raises(StackFailed):
        list(Stack.at(project.target, name).watch())
    assert stacks(project) == {name: "ROLLBACK_COMPLETE"}

    destroy(project)

    assert stacks(project) == {}


def test_a_bucket_of_others_that_was_never_told_is_told_in_the_end(
    project: stage.Project, stand_in: StandIn
) -> None:
    first, second = project.borrow("first"), project.borrow("second")
    project.listen_to(first)
    project.promote()
    project.listen_to(second)
    with faults.before(stand_in.url) as proxy:
        proxy.refuse(f"/{first}?notification", code="ExpiredToken")
        with pytest.raises(CredentialsError, match="expired"):
            project.promote(project.plan(), replace(project.target, endpoint=proxy.url))
    assert (project.heard(first), project.heard(second)) == (1, 1)

    found = destroying.facts(project.target, project.name)
    destroy(project)

    assert found.listened == (second, first)
    assert (project.heard(first), project.heard(second)) == (0, 0)
    assert destroying.facts(project.target, project.name).listened == ()


def test_what_never_was_is_no_error(project: stage.Project) -> None:
    found = destroying.facts(project.target, "never-was")

    assert found.is_empty
    destroying.destroy(project.target, "never-was", lambda _: None)
