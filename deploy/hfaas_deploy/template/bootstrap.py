"""The Stack that comes first on AWS: a repository for each image that is not in one of the account already.

It is apart because Lambda looks at the image when it makes a function: repository, push, then the pipeline's Stack. Tags
cannot be moved, so what a digest was rehearsed as stays that. An emulator needs none of it; it runs what the engine has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from hfaas_deploy import names
from hfaas_deploy.pipeline import Function, Pipeline
from hfaas_deploy.template import Template
from hfaas_deploy.template.policies import Json

KEPT_IMAGES = 10
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def needs_repository(function: Function, registry: str = "") -> bool:
    """Tell whether the image of a Function must be pushed; not one that is used as it is from our own `registry`."""
    is_own = bool(registry) and not function.build and function.image.startswith(f"{registry}/")
    return function.create_image or not is_own


def document(
    pipeline: Pipeline,
    registry: str = "",
    *,
    adopted: Collection[str] = (),
    kept: Mapping[str, Any] | None = None,
) -> Json:
    """The template as data; nothing in it but repositories, and no parameters.

    `registry` is the account's own, as it stands before a repository's name. A repository in `adopted` was there before
    the Stack; CloudFormation takes over only what may stay. `kept` are resources of which a Stack still makes use.
    """
    resources = dict(kept or {})
    for function in pipeline.functions:
        if needs_repository(function, registry):
            resources[logical(function)] = _repository(function, adopted)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Images of hfaas pipeline {pipeline.stack}",
        "Resources": resources,
        "Outputs": {name: {"Value": {"Fn::GetAtt": [name, "RepositoryUri"]}} for name in resources},
    }


def logical(function: Function) -> str:
    """The logical id of a Function's repository, and the name of the output with its URI."""
    return names.logical(function.name, "Repository")


def rendered(whole: Json) -> Template:
    """The text of a document."""
    body = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return Template(body, (), hashlib.sha256(body.encode()).hexdigest())


def _repository(function: Function, adopted: Collection[str]) -> Json:
    name = names.repository(function.name)
    leaves = function.delete_image and name not in adopted
    return {
        "Type": "AWS::ECR::Repository",
        "Properties": {
            "RepositoryName": name,
            "ImageTagMutability": "IMMUTABLE",
            "EmptyOnDelete": True,
            "LifecyclePolicy": {"LifecyclePolicyText": _lifecycle()},
            "RepositoryPolicyText": _pull(function),
            "Tags": [{"Key": "createdby", "Value": "hfaas"}],
        },
        "DeletionPolicy": "Delete" if leaves else "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Delete" if leaves else "Retain",
    }


def _lifecycle() -> str:
    rule = {
        "rulePriority": 1,
        "description": f"the newest {KEPT_IMAGES}",
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": KEPT_IMAGES},
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [rule]}, separators=(",", ":"))


def _pull(function: Function) -> Json:
    """Lambda itself fetches images, for this Function and for those that watch for it; jobs do by their own roles."""
    watching = (names.onetrigger(function.name, number) for number in range(1, len(function.watched) + 1))
    arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"
    whom = [{"Fn::Sub": f"{arn}{name}"} for name in (function.name, *watching)]
    statement = {
        "Sid": "Lambda",
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": PULL,
        "Condition": {"ArnLike": {"aws:SourceArn": whom}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
