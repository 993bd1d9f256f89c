"""Templates the tests share: a pipeline of one function, and pieces of it."""

from __future__ import annotations

import json
from typing import Any

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/x@sha256:" + "a" * 64
OTHER_IMAGE = IMAGE.replace("a" * 64, "b" * 64)

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def ref(name: str) -> dict[str, Any]:
    return {"Ref": name}


def att(name: str, attribute: str = "Arn") -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def allow(action: str, resource: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": [action], "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def resource(type: str, properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"Type": type, "Properties": properties or {}, **more}


def body(resources: dict[str, Any], **sections: Any) -> str:
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", **sections, "Resources": resources})


def role() -> dict[str, Any]:
    policy = {"PolicyName": "hfaas", "PolicyDocument": allow("sqs:SendMessage", att("DeadLetters"))}
    return resource("AWS::IAM::Role", {"AssumeRolePolicyDocument": TRUST, "Policies": [policy]})


def function(name: str = "detect", **more: Any) -> dict[str, Any]:
    properties = {
        "FunctionName": name,
        "PackageType": "Image",
        "Architectures": ["x86_64"],
        "Code": {"ImageUri": ref("Image")},
        "Role": att("Role"),
        "MemorySize": 512,
        "Timeout": 60,
        "Environment": {"Variables": {"FUNCTION_CONFIG": "e30="}},
        **more,
    }
    return resource("AWS::Lambda::Function", properties)


def permission() -> dict[str, Any]:
    return resource(
        "AWS::Lambda::Permission",
        {
            "FunctionName": ref("Function"),
            "Action": "lambda:InvokeFunction",
            "Principal": "s3.amazonaws.com",
            "SourceAccount": ref("AWS::AccountId"),
            "SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:s3:::hfaas-pipeline"},
        },
    )


def bucket(name: str = "hfaas-pipeline", **more: Any) -> dict[str, Any]:
    notification = {
        "Event": "s3:ObjectCreated:*",
        "Function": att("Function"),
        "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".jpg"}]}},
    }
    properties = {
        "BucketName": name,
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "RestrictPublicBuckets": True},
        "NotificationConfiguration": {"LambdaConfigurations": [notification]},
        **more,
    }
    return resource(
        "AWS::S3::Bucket",
        properties,
        DependsOn=["Permission"],
        DeletionPolicy="RetainExceptOnCreate",
        UpdateReplacePolicy="Retain",
    )


def retries() -> dict[str, Any]:
    return resource(
        "AWS::Lambda::EventInvokeConfig",
        {
            "FunctionName": ref("Function"),
            "Qualifier": "$LATEST",
            "MaximumRetryAttempts": 2,
            "MaximumEventAgeInSeconds": 3600,
            "DestinationConfig": {"OnFailure": {"Destination": att("DeadLetters")}},
        },
    )


def pipeline(**changed: dict[str, Any] | None) -> str:
    """A pipeline's template; keywords replace resources, None leaves one out."""
    queue_policy = {"Queues": [ref("DeadLetters")], "PolicyDocument": allow("sqs:SendMessage", att("DeadLetters"))}
    resources: dict[str, Any] = {
        "DeadLetters": resource("AWS::SQS::Queue", {"MessageRetentionPeriod": 1209600}),
        "Policy": resource("AWS::SQS::QueuePolicy", queue_policy),
        "Logs": resource("AWS::Logs::LogGroup", {"LogGroupName": "/aws/lambda/detect", "RetentionInDays": 14}),
        "Role": role(),
        "Function": function(),
        "Retries": retries(),
        "Permission": permission(),
        "Bucket": bucket(),
        **changed,
    }
    outputs = {
        "Bucket": {"Value": ref("Bucket")},
        "Function": {"Value": {"Fn::Join": ["=", ["arn", att("Function")]]}, "Description": "who works"},
    }
    kept = {name: one for name, one in resources.items() if one is not None}
    shown = {name: one for name, one in outputs.items() if name in kept}
    return body(kept, Parameters={"Image": {"Type": "String", "Default": IMAGE}}, Outputs=shown)


def image(value: str) -> list[dict[str, str]]:
    return [{"ParameterKey": "Image", "ParameterValue": value}]
