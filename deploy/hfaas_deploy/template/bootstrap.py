"""The Stack that comes first on AWS: a repository for each image that we build.

It is apart because Lambda looks at the image when it makes a function: repository, push, then the pipeline's Stack. Tags
cannot be moved, so what a digest was rehearsed as stays that. An emulator needs none of it; it runs what the engine has.
"""

from __future__ import annotations

import json

from hfaas_deploy import names
from hfaas_deploy.pipeline import Function, Pipeline
from hfaas_deploy.template.policies import Json

KEPT_IMAGES = 10
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def document(pipeline: Pipeline) -> Json:
    """The template as data; nothing in it but repositories, and no parameters."""
    built = [function for function in pipeline.functions if function.create_image]
    uris = {
        names.logical(one.name, "Repository"): {
            "Value": {"Fn::GetAtt": [names.logical(one.name, "Repository"), "RepositoryUri"]}
        }
        for one in built
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Images of hfaas pipeline {pipeline.stack}",
        "Resources": {names.logical(one.name, "Repository"): _repository(one) for one in built},
        "Outputs": uris,
    }


def _repository(function: Function) -> Json:
    keeps = "Delete" if function.delete_image else "Retain"
    return {
        "Type": "AWS::ECR::Repository",
        "Properties": {
            "RepositoryName": names.repository(function.name),
            "ImageTagMutability": "IMMUTABLE",
            "EmptyOnDelete": True,
            "LifecyclePolicy": {"LifecyclePolicyText": _lifecycle()},
            "RepositoryPolicyText": _pull(function),
            "Tags": [{"Key": "createdby", "Value": "hfaas"}],
        },
        "DeletionPolicy": keeps,
        "UpdateReplacePolicy": keeps,
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
