"""Repositories of images in a stack: made, changed in place, kept, taken over, gone; and the bootstrap template."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.emulator.cloudformation import templates as t

from hfaas_deploy import fdl
from hfaas_deploy.template import bootstrap

NAME = "hfaas/hello"
KINDS = {"Arn": t.att("R"), "Uri": t.att("R", "RepositoryUri"), "Name": t.ref("R")}
PIPELINE = Path(__file__).parents[3] / "samples" / "video" / "pipeline.yaml"


def repository(**properties: Any) -> dict[str, Any]:
    return t.resource("AWS::ECR::Repository", {"RepositoryName": NAME, **properties})


def body(one: dict[str, Any]) -> str:
    return t.body({"R": one}, Outputs={key: {"Value": value} for key, value in KINDS.items()})


def lifecycle(count: int) -> dict[str, str]:
    chosen = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    rule = {"rulePriority": 1, "selection": chosen, "action": {"type": "expire"}}
    return {"LifecyclePolicyText": json.dumps({"rules": [rule]})}


def pull(service: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": ["ecr:BatchGetImage"]}
    return {"Version": "2012-10-17", "Statement": [statement]}


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def kept(aws: Any) -> int:
    found = json.loads(aws("ecr").get_lifecycle_policy(repositoryName=NAME)["lifecyclePolicyText"])
    return int(found["rules"][0]["selection"]["countNumber"])


def puller(aws: Any) -> str:
    found = json.loads(aws("ecr").get_repository_policy(repositoryName=NAME)["policyText"])
    return str(found["Statement"][0]["Principal"]["Service"])


def tags(aws: Any, arn: str) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in aws("ecr").list_tags_for_resource(resourceArn=arn)["tags"]}


def push(aws: Any) -> None:
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "m", "config": {"size": 1}, "layers": []})
    aws("ecr").put_image(repositoryName=NAME, imageManifest=manifest, imageTag="one")


def names(aws: Any) -> list[str]:
    return [one["repositoryName"] for one in aws("ecr").describe_repositories()["repositories"]]


def test_a_repository_tells_its_name_arn_and_uri(cfn: Any, aws: Any) -> None:
    made = outputs(cfn.create("images", body(repository())))
    (found,) = aws("ecr").describe_repositories(repositoryNames=[NAME])["repositories"]
    assert made == {"Arn": found["repositoryArn"], "Uri": found["repositoryUri"], "Name": NAME}


def test_all_but_the_name_changes_in_place(cfn: Any, aws: Any) -> None:
    first = repository(
        ImageTagMutability="IMMUTABLE",
        LifecyclePolicy=lifecycle(10),
        RepositoryPolicyText=pull("lambda.amazonaws.com"),
        Tags=[{"Key": "a", "Value": "1"}],
        EmptyOnDelete=True,
    )
    arn = outputs(cfn.create("images", body(first)))["Arn"]
    assert (kept(aws), puller(aws), tags(aws, arn)["a"]) == (10, "lambda.amazonaws.com", "1")
    later = repository(
        LifecyclePolicy=lifecycle(3),
        RepositoryPolicyText=pull("batch.amazonaws.com"),
        Tags=[{"Key": "b", "Value": "2"}],
    )
    assert cfn.plan("images", body(later))["Changes"][0]["ResourceChange"]["Replacement"] == "False"
    assert cfn.execute("images")["StackStatus"] == "UPDATE_COMPLETE", cfn.events("images")
    assert (kept(aws), puller(aws)) == (3, "batch.amazonaws.com")
    assert ("a" in tags(aws, arn), tags(aws, arn)["b"]) == (False, "2")
    (found,) = aws("ecr").describe_repositories(repositoryNames=[NAME])["repositories"]
    assert found["imageTagMutability"] == "MUTABLE"


def test_policies_that_are_left_out_are_taken_away(cfn: Any, aws: Any) -> None:
    cfn.create("images", body(repository(LifecyclePolicy=lifecycle(10), RepositoryPolicyText=pull("x"))))
    assert cfn.update("images", body(repository()))["StackStatus"] == "UPDATE_COMPLETE", cfn.events("images")
    ecr = aws("ecr")
    with pytest.raises(ecr.exceptions.LifecyclePolicyNotFoundException):
        kept(aws)
    with pytest.raises(ecr.exceptions.RepositoryPolicyNotFoundException):
        puller(aws)


def test_another_name_is_another_repository(cfn: Any, aws: Any) -> None:
    cfn.create("images", body(repository()))
    other = body(repository(RepositoryName="hfaas/other"))
    assert cfn.plan("images", other)["Changes"][0]["ResourceChange"]["Replacement"] == "True"
    cfn.execute("images")
    assert names(aws) == ["hfaas/other"]


def test_a_repository_without_a_name_gets_one_of_lower_case(cfn: Any, aws: Any) -> None:
    cfn.create("Images", t.body({"Repository": t.resource("AWS::ECR::Repository")}))
    assert names(aws)[0].startswith("images-repository-")


@pytest.mark.parametrize(("empties", "end"), [(True, "DELETE_COMPLETE"), (False, "DELETE_FAILED")])
def test_images_go_along_only_where_the_template_says_so(cfn: Any, aws: Any, empties: bool, end: str) -> None:
    cfn.create("images", body(repository(EmptyOnDelete=empties)))
    push(aws)
    assert cfn.delete("images")["StackStatus"] == end
    assert bool(names(aws)) is (not empties)


def test_a_kept_repository_is_taken_over_with_its_images(cfn: Any, aws: Any) -> None:
    one = {**repository(ImageTagMutability="IMMUTABLE"), "DeletionPolicy": "Retain"}
    cfn.create("images", body(one))
    push(aws)
    cfn.delete("images")
    plan = cfn.plan("images", body(one), "CREATE", ImportExistingResources=True)
    assert [change["ResourceChange"]["Action"] for change in plan["Changes"]] == ["Import"]
    assert cfn.execute("images")["StackStatus"].endswith("_COMPLETE"), cfn.events("images")
    assert len(aws("ecr").describe_images(repositoryName=NAME)["imageDetails"]) == 1


def test_a_repository_of_somebody_else_fails_the_creation(cfn: Any, aws: Any) -> None:
    aws("ecr").create_repository(repositoryName=NAME)
    cfn.create("images", body(repository()))
    (why,) = [why for _, status, why in cfn.events("images", "R") if status == "CREATE_FAILED"]
    assert "already exists" in why
    assert names(aws) == [NAME]


def test_the_bootstrap_template_comes_up_changes_and_goes(cfn: Any, aws: Any) -> None:
    pipeline = fdl.read(PIPELINE)
    whole = json.dumps(bootstrap.document(pipeline))
    assert cfn.create("images", whole)["StackStatus"] == "CREATE_COMPLETE", cfn.events("images")
    built = [one for one in pipeline.functions if one.create_image]
    assert len(names(aws)) == len(built) > 1
    fewer = json.dumps(bootstrap.document(replace(pipeline, functions=pipeline.functions[:1])))
    assert cfn.update("images", fewer)["StackStatus"] == "UPDATE_COMPLETE", cfn.events("images")
    assert cfn.delete("images")["StackStatus"] == "DELETE_COMPLETE"
