"""Which action of which service a request means, and on which resources, where the request names them.

The general rule is `service:Operation`, on the ARNs among the request's members that are of the service, else on `*`.
Services that name their resources otherwise have a row in RESOURCES.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from hfaas_emulator.permissions.context import Context, joined
from hfaas_emulator.permissions.document import Ask

PREFIXES = {"monitoring": "cloudwatch", "email": "ses", "tagging": "tag"}
"""Services whose actions begin otherwise than what requests to them are signed for."""

SAME = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sns:PublishBatch": "sns:Publish",
}
FREE = {"sts:GetCallerIdentity", "sts:GetSessionToken", "sts:GetAccessKeyInfo"}
"""What needs no permission."""

FUNCTION = re.compile(r"/\d{4}-\d\d-\d\d/functions/([^/]+)(?:/.*)?")
SCHEDULE = re.compile(r"/schedules/([^/]+)/?")
ARN_MEMBER = re.compile(r".*(?:[aA]rn|ARN)")

Members = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as far as its meaning goes: `operation` as in the service's API, `path` still percent-encoded."""

    service: str
    operation: str
    region: str
    account: str
    method: str = "POST"
    path: str = "/"
    query: str = ""
    members: Members = field(default_factory=dict)

    def arn(self, rest: str, service: str = "") -> str:
        """Return an ARN of the caller's account and region."""
        return f"arn:aws:{service or self.service}:{self.region}:{self.account}:{rest}"

    def text(self, *names: str) -> str:
        """Return the first of the members that is a text."""
        given = (self.members.get(name) for name in names)
        return next((each for each in given if isinstance(each, str) and each), "")


def members(body: bytes, content_type: str) -> Members:
    """Read the members of a request; what is neither a form nor a JSON object has none."""
    if content_type.startswith("application/x-www-form-urlencoded"):
        return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    try:
        read = json.loads(body) if body else None
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def action_of(request: Request) -> str:
    """Return the action."""
    if request.service == "apigateway":
        return f"apigateway:{request.method}"
    action = f"{PREFIXES.get(request.service, request.service)}:{request.operation or request.method}"
    return SAME.get(action, action)


def asks(request: Request, context: Context) -> tuple[Ask, ...]:
    """Return what must be allowed."""
    action = action_of(request)
    if action in FREE:
        return ()
    if request.service == "sts":
        context = joined(context, lambda: _session_keys(request))
    resources = RESOURCES.get(request.service, _named)(request) or ("*",)
    own = tuple(Ask(action, resource, context, _shown(request, resource)) for resource in dict.fromkeys(resources))
    secrets = request.members.get("SecretIdList") if request.service == "secretsmanager" else None
    each = (
        Ask("secretsmanager:GetSecretValue", _secret_arn(request, str(one)), context, str(one))
        for one in secrets or ()
    )
    return (*own, *each)


def _session_keys(request: Request) -> dict[str, tuple[str, ...]]:
    keys = {"sts:externalid": "ExternalId", "sts:rolesessionname": "RoleSessionName"}
    return {key: (value,) for key, name in keys.items() if (value := request.text(name))}


def _shown(request: Request, resource: str) -> str:
    """Return how the service's refusals name a resource: Secrets Manager repeats what it was given."""
    return (request.text("SecretId") or resource) if request.service == "secretsmanager" else resource


def _named(request: Request) -> Sequence[str]:
    """Return the ARNs of the service among the members."""
    given = ((name, value) for name, value in request.members.items() if ARN_MEMBER.fullmatch(name))
    return [value for _, value in given if isinstance(value, str) and value.split(":")[2:3] == [request.service]]


def function_arn(request: Request) -> str:
    """Return the ARN of the function that a path names by name, partial ARN or ARN; nothing when it names none."""
    found = FUNCTION.fullmatch(request.path)
    name = unquote(found[1]) if found else ""
    qualifier = parse_qs(request.query).get("Qualifier", [""])[0]
    if not name:
        return ""
    if ":function:" in name:
        account, _, rest = name.rpartition(":function:")
        arn = name if name.startswith("arn:") else f"arn:aws:lambda:{request.region}:{account}:function:{rest}"
    else:
        arn = request.arn(f"function:{name}")
    return f"{arn}:{qualifier}" if qualifier and arn.count(":") == 6 else arn


def _lambda(request: Request) -> Sequence[str]:
    if arn := function_arn(request):
        return [arn]
    if name := request.text("FunctionName"):
        return [name if name.startswith("arn:") else request.arn(f"function:{name}")]
    return ["*"]


def _batch(request: Request) -> Sequence[str]:
    if request.operation.startswith(("Describe", "List")):
        return ["*"]
    kinds = {
        "jobDefinition": "job-definition", "jobDefinitionName": "job-definition", "jobQueue": "job-queue",
        "jobQueueName": "job-queue", "computeEnvironment": "compute-environment",
        "computeEnvironmentName": "compute-environment", "jobId": "job",
    }  # fmt: skip
    named = ((kind, request.text(member)) for member, kind in kinds.items())
    return [name if name.startswith("arn:") else request.arn(f"{kind}/{name}") for kind, name in named if name]


def _sqs(request: Request) -> Sequence[str]:
    place = request.text("QueueUrl") or (request.path if request.path.count("/") >= 2 else "")
    if place:
        account, _, name = urlsplit(place).path.strip("/").rpartition("/")
        account = account.rpartition("/")[2] or request.account
        return [f"arn:aws:sqs:{request.region}:{account}:{unquote(name)}"]
    if name := request.text("QueueName"):
        account = request.text("QueueOwnerAWSAccountId") or request.account
        return [f"arn:aws:sqs:{request.region}:{account}:{name}"]
    return [request.text("SourceArn", "ResourceArn") or "*"]


def _logs(request: Request) -> Sequence[str]:
    """Return a stream of a group; where a request names no stream, its part of the ARN is empty, as on AWS."""
    group = request.text("logGroupName", "logGroupIdentifier")
    if group.startswith("arn:"):
        return [f"{group.removesuffix(':*')}:log-stream:{request.text('logStreamName')}"]
    if request.operation == "DescribeLogGroups" or group:
        return [request.arn(f"log-group:{group}:log-stream:{request.text('logStreamName')}")]
    return _named(request)


def _events(request: Request) -> Sequence[str]:
    entries = request.members.get("Entries")
    if request.operation == "PutEvents" and isinstance(entries, list):
        given = [str(entry.get("EventBusName") or "default") for entry in entries if isinstance(entry, Mapping)]
        return [bus if bus.startswith("arn:") else request.arn(f"event-bus/{bus}") for bus in given]
    bus = request.text("EventBusName").rpartition("/")[2]
    between = f"{bus}/" if bus and bus != "default" else ""
    if name := request.text("Rule") or (request.text("Name") if request.operation.endswith("Rule") else ""):
        return [request.arn(f"rule/{between}{name}")]
    return [request.arn(f"event-bus/{bus}")] if bus else _named(request)


def _secret_arn(request: Request, id: str) -> str:
    return id if id.startswith("arn:") else request.arn(f"secret:{id}")


def _secretsmanager(request: Request) -> Sequence[str]:
    if name := request.text("SecretId") or (request.text("Name") if request.operation == "CreateSecret" else ""):
        return [_secret_arn(request, name)]
    return ["*"]


def _sns(request: Request) -> Sequence[str]:
    if name := request.text("Name"):
        return [request.arn(name)]
    return _named(request) or ([request.text("TargetArn")] if request.text("TargetArn") else ["*"])


def _iam(request: Request) -> Sequence[str]:
    kinds = {
        "RoleName": "role",
        "UserName": "user",
        "GroupName": "group",
        "InstanceProfileName": "instance-profile",
    }
    for member, kind in kinds.items():
        if name := request.text(member):
            return [f"arn:aws:iam::{request.account}:{kind}/{name}"]
    return [request.text("PolicyArn") or "*"]


def _sts(request: Request) -> Sequence[str]:
    return [request.text("RoleArn") or "*"]


def _cloudformation(request: Request) -> Sequence[str]:
    name = request.text("StackName")
    return [name if name.startswith("arn:") else request.arn(f"stack/{name}/*")] if name else ["*"]


def _scheduler(request: Request) -> Sequence[str]:
    found = SCHEDULE.fullmatch(request.path)
    if not found:
        return ["*"]
    group = request.text("GroupName") or parse_qs(request.query).get("groupName", ["default"])[0]
    return [request.arn(f"schedule/{group}/{unquote(found[1])}")]


def _by_name(member: str, kind: str) -> Callable[[Request], Sequence[str]]:
    def resources(request: Request) -> Sequence[str]:
        name = request.text(member)
        if not name:
            return _named(request)
        return [name if name.startswith("arn:") else request.arn(f"{kind}/{name.lstrip('/')}")]

    return resources


def _apigateway(request: Request) -> Sequence[str]:
    return [f"arn:aws:apigateway:{request.region}::{unquote(request.path)}"]


RESOURCES: Mapping[str, Callable[[Request], Sequence[str]]] = {
    "apigateway": _apigateway,
    "batch": _batch,
    "cloudformation": _cloudformation,
    "dynamodb": _by_name("TableName", "table"),
    "ecr": _by_name("repositoryName", "repository"),
    "events": _events,
    "iam": _iam,
    "kinesis": _by_name("StreamName", "stream"),
    "kms": _by_name("KeyId", "key"),
    "lambda": _lambda,
    "logs": _logs,
    "scheduler": _scheduler,
    "secretsmanager": _secretsmanager,
    "sns": _sns,
    "sqs": _sqs,
    "ssm": _by_name("Name", "parameter"),
    "sts": _sts,
}
