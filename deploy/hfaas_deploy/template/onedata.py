"""OneTrigger: for each Onedata input a small Function that looks now and then what is new in the folder.

It runs the image of the Function it watches for; HFAAS_ONETRIGGER makes the supervisor in it poll. Its settings hold
the state's place and the Function's ARN, which only CloudFormation knows, so CloudFormation makes the base64 of them.
One poll at a time, by reserved concurrency where the account has enough of it, and no retries: the next poll finds what
the last one missed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from hfaas_deploy import names
from hfaas_deploy.pipeline import Function, InputPath, Pipeline, Provider
from hfaas_deploy.template.functions import log_group, secrets_of, tags
from hfaas_deploy.template.policies import Json, allow, artifacts, role, watch_statements

MEMORY = 256
TIMEOUT = 60
SHORTEST_AGE = 60
SPACE_TAG = "hfaas:onedata-space"
"""By it the emulator knows whom a change in a Space concerns, and need not wait for the schedule."""

TAGGABLE = re.compile(r"[\w .:/=+@-]{1,256}")
SCHEDULER = "SchedulerRights"


class Watcher(NamedTuple):
    """One OneTrigger: its name, whom it watches for, what it looks at, and where in the artifacts its state is."""

    name: str
    function: Function
    source: InputPath
    provider: Provider
    state: str

    def id(self, kind: str) -> str:
        """The logical id of one of its resources."""
        return names.logical(self.name, kind)


def watchers(pipeline: Pipeline) -> Iterator[Watcher]:
    """One for each Onedata input."""
    for function in pipeline.functions:
        known = {provider.name: provider for provider in function.providers}
        for number, source in enumerate(function.watched, start=1):
            name, provider = names.onetrigger(function.name, number), known[f"{source.kind}.{source.id}"]
            state = f"{names.ONETRIGGER}/{pipeline.stack}/{name}.json"
            yield Watcher(name, function, source, provider, state)


def resources(pipeline: Pipeline) -> Json:
    """Everything that OneTrigger needs, by logical id; nothing in a pipeline without Onedata inputs."""
    everyone = list(watchers(pipeline))
    own = {name: one for watcher in everyone for name, one in _of(watcher, pipeline).items()}
    return {**own, **({SCHEDULER: _scheduler(everyone)} if everyone else {})}


def _of(watcher: Watcher, pipeline: Pipeline) -> Json:
    return {
        watcher.id("Logs"): log_group(watcher.name, watcher.function.retention),
        watcher.id("Role"): _role(watcher),
        watcher.id("Function"): _function(watcher, reserved=pipeline.reserve),
        watcher.id("Retries"): _retries(watcher),
        watcher.id("Schedule"): _schedule(watcher, pipeline.poll),
    }


def _role(watcher: Watcher) -> Json:
    logs = {"Fn::GetAtt": [watcher.id("Logs"), "Arn"]}
    statements = watch_statements(watcher.function, watcher.source, watcher.state, logs)
    return {"Type": "AWS::IAM::Role", "Properties": role("lambda.amazonaws.com", statements)}


def _function(watcher: Watcher, *, reserved: bool) -> Json:
    properties: Json = {
        "FunctionName": watcher.name,
        "Description": _description(watcher),
        "PackageType": "Image",
        "Architectures": [watcher.function.architecture],
        "Code": {"ImageUri": {"Ref": names.image_parameter(watcher.function.name)}},
        "Role": {"Fn::GetAtt": [watcher.id("Role"), "Arn"]},
        "MemorySize": MEMORY,
        "Timeout": TIMEOUT,
        "LoggingConfig": {"LogGroup": {"Ref": watcher.id("Logs")}},
        **({"ReservedConcurrentExecutions": 1} if reserved else {}),
        "Environment": {"Variables": _environment(watcher)},
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(_tags(watcher).items())],
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def _description(watcher: Watcher) -> str:
    return f"Tells {watcher.function.name} of new files in onedata.{watcher.provider.id}"


def _environment(watcher: Watcher) -> Json:
    settings = {"Fn::Base64": {"Fn::Sub": _settings(watcher)}}
    return {"HFAAS_ONETRIGGER": settings, **secrets_of([watcher.provider])}


def _settings(watcher: Watcher) -> str:
    """JSON, with places for Fn::Sub; `${` in what the user wrote stays what it is."""
    written: dict[str, Any] = {
        "provider": watcher.provider.id,
        "oneprovider_host": watcher.provider.settings["oneprovider_host"],
        "space": watcher.provider.settings["space"],
        "folder": watcher.source.path,
        **({"suffix": list(watcher.source.suffix)} if watcher.source.suffix else {}),
    }
    filled = {
        "function": f"${{{names.logical(watcher.function.name, 'Function')}.Arn}}",
        "state": f"s3://{artifacts()}/{watcher.state}",
    }
    text = json.dumps(written, separators=(",", ":"), sort_keys=True, ensure_ascii=False).replace("${", "${!")
    return f"{text[:-1]},{json.dumps(filled, separators=(',', ':'))[1:]}"


def _tags(watcher: Watcher) -> dict[str, str]:
    space = str(watcher.provider.settings["space"])
    own = {SPACE_TAG: space} if TAGGABLE.fullmatch(space) else {}
    return {**tags(watcher.function), **own}


def _retries(watcher: Watcher) -> Json:
    return {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {
            "FunctionName": {"Ref": watcher.id("Function")},
            "Qualifier": "$LATEST",
            "MaximumRetryAttempts": 0,
            "MaximumEventAgeInSeconds": SHORTEST_AGE,
        },
    }


def _schedule(watcher: Watcher, minutes: int) -> Json:
    target = {
        "Arn": {"Fn::GetAtt": [watcher.id("Function"), "Arn"]},
        "RoleArn": {"Fn::GetAtt": [SCHEDULER, "Arn"]},
        "Input": "{}",
        "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": SHORTEST_AGE},
    }
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "Description": _description(watcher),
            "ScheduleExpression": f"rate({minutes} minute{'s' * (minutes != 1)})",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
        },
    }


def _scheduler(everyone: list[Watcher]) -> Json:
    arns = [{"Fn::GetAtt": [watcher.id("Function"), "Arn"]} for watcher in everyone]
    statements = [allow(["lambda:InvokeFunction"], arns if len(arns) > 1 else arns[0])]
    return {"Type": "AWS::IAM::Role", "Properties": role("scheduler.amazonaws.com", statements)}
