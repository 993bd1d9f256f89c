"""The resources of a template as rows: their kinds in words, what matters of each, and all of its properties."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from hfaas_tui.ui.aws.functions import CONFIG, HIDDEN, SECRET

Properties = Mapping[str, Any]
FUNCTION = "Lambda function"
PERMISSION = "AWS::Lambda::Permission"
LONGEST = 2000
"""Characters of one property that are shown."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing that AWS would make; a bucket's notifications are told apart, `is_part` of it."""

    id: str
    kind: str
    name: str
    about: str = ""
    properties: Properties = field(default_factory=lambda: MappingProxyType({}), hash=False)
    short: str = ""
    is_part: bool = False


def resources(document: Mapping[str, Any], images: Mapping[str, str] | None = None) -> list[Resource]:
    """Return what a template makes, functions first; `images` tells by function what is known of its image."""
    made = {name: (resource["Type"], resource.get("Properties", {})) for name, resource in _made(document)}
    names = {name: _name(name, has) for name, (_, has) in made.items()}
    found = [one for name, (kind, has) in made.items() for one in _of(name, kind, has, names)]
    if images:
        found = [_with_image(one, images.get(one.name, "")) for one in found]
    return sorted(found, key=lambda each: (ORDER.index(each.kind) if each.kind in ORDER else len(ORDER), each.name))


def _with_image(resource: Resource, image: str) -> Resource:
    if not image or resource.kind != FUNCTION:
        return resource
    return replace(resource, about=f"{image}, {resource.about}")


def _made(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from document.get("Resources", {}).items()


def details(resource: Resource) -> Iterator[tuple[str, str]]:
    """Yield every property with its value as text, variables last; of what looks like a secret not the value."""
    for name, value in sorted(resource.properties.items()):
        if name != "Environment":
            yield name, _text(value)
    for variable, text in sorted(_variables(resource.properties.get("Environment", {})).items()):
        if variable == CONFIG:
            yield variable, _decoded(str(text))
        else:
            yield variable, HIDDEN if SECRET.search(variable) and isinstance(text, str) else _text(text)


def _decoded(config: str) -> str:
    """Return what the supervisor is told as JSON; as it is where it is none."""
    try:
        return _text(json.loads(base64.b64decode(config)))
    except ValueError:
        return _text(config)


def _variables(environment: Any) -> Properties:
    """Return variables as Lambda has them, or as Batch has."""
    if isinstance(environment, list):
        return {str(each.get("Name")): each.get("Value") for each in environment}
    found: Properties = environment.get("Variables", {})
    return found


def _text(value: Any) -> str:
    """Return a property on one line, values of secret variables deep inside taken out."""
    if isinstance(value, str):
        return value[:LONGEST]
    return json.dumps(_harmless(value), separators=(", ", ": "), ensure_ascii=False)[:LONGEST]


def _harmless(value: Any) -> Any:
    if isinstance(value, list):
        return [_harmless(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    if "Name" in value and isinstance(value.get("Value"), str) and SECRET.search(str(value["Name"])):
        return {**value, "Value": HIDDEN}
    return {
        name: HIDDEN if isinstance(each, str) and SECRET.search(str(name)) else _harmless(each)
        for name, each in value.items()
    }


def _of(id: str, type: str, has: Properties, names: Mapping[str, str]) -> Iterator[Resource]:
    kind, short, about = KINDS.get(type, (type.removeprefix("AWS::").replace("::", " "), type, _nothing))
    told = _permission(has, names) if type == PERMISSION else about(has)
    yield Resource(id, kind, names[id], told, has, short)
    for number, rule in enumerate(has.get("NotificationConfiguration", {}).get("LambdaConfigurations", ())):
        yield _notification(f"{id}.{number}", str(has.get("BucketName", id)), rule, names)


def _notification(id: str, bucket: str, rule: Properties, names: Mapping[str, str]) -> Resource:
    wanted = rule.get("Filter", {}).get("S3Key", {}).get("Rules", ())
    found = {str(one.get("Name", "")).lower(): str(one.get("Value", "")) for one in wanted}
    suffix = f"*{found['suffix']}" if found.get("suffix") else ""
    function = _referred(rule.get("Function"), names)
    name = f"{bucket}/{found.get('prefix', '')}{suffix} → {function}"
    return Resource(id, "S3 notification", name, str(rule.get("Event", "")), rule, "s3 trigger", is_part=True)


def _referred(value: Any, names: Mapping[str, str]) -> str:
    """Return the name of the resource that a property refers to; the text of any other property."""
    if not isinstance(value, Mapping):
        return str(value)
    logical = str((value.get("Fn::GetAtt") or [value.get("Ref", "")])[0])
    return names.get(logical, logical)


def _name(id: str, has: Properties) -> str:
    """Return the name that people know a resource by; what the template calls it where it has no other."""
    for key in ("FunctionName", "BucketName", "JobDefinitionName", "LogGroupName", "Name", "QueueName"):
        if isinstance(has.get(key), str):
            return str(has[key])
    return id


def _nothing(has: Properties) -> str:  # noqa: ARG001 - as the others
    return ""


def _lambda(has: Properties) -> str:
    arm = [each for each in has.get("Architectures", ()) if each != "x86_64"]
    return ", ".join([f"{has.get('MemorySize')} MB", f"{has.get('Timeout')} s", *arm])


def _job(has: Properties) -> str:
    nodes = has.get("NodeProperties", {})
    ranges = nodes.get("NodeRangeProperties") or [{}]
    container = has.get("ContainerProperties") or ranges[0].get("Container", {})
    needs = {one["Type"]: one["Value"] for one in container.get("ResourceRequirements", ())}
    parts = [f"{needs.get('VCPU')} vCPU", f"{needs.get('MEMORY')} MB"]
    parts += [f"{needs['GPU']} GPU"] if "GPU" in needs else []
    parts += [f"{nodes['NumNodes']} nodes"] if nodes else []
    return ", ".join([*parts, *has.get("PlatformCapabilities", ())])


def _compute(has: Properties) -> str:
    about = has.get("ComputeResources", {})
    types = ", ".join(about.get("InstanceTypes", ()))
    parts = [about.get("Type"), types, f"max {about.get('MaxvCpus')} vCPU", _at_least(about.get("MinvCpus"))]
    return ", ".join(str(part) for part in parts if part)


def _at_least(vcpus: Any) -> str:
    return f"min {vcpus} vCPU: costs all month" if vcpus else ""


def _role(has: Properties) -> str:
    trusted = has.get("AssumeRolePolicyDocument", {}).get("Statement") or [{}]
    service = trusted[0].get("Principal", {}).get("Service", "")
    whom = ", ".join([service] if isinstance(service, str) else service)
    policies = has.get("Policies", ())
    count = sum(len(each.get("PolicyDocument", {}).get("Statement", ())) for each in policies)
    return f"for {whom}: {count} statement{'s' * (count != 1)}"


def _bucket(has: Properties) -> str:  # noqa: ARG001 - as the others
    return "kept with its objects when the Stack goes"


def _permission(has: Properties, names: Mapping[str, str]) -> str:
    return f"{has.get('Principal')} may call {_referred(has.get('FunctionName'), names)}"


def _url(has: Properties) -> str:
    return "everybody, unsigned" if has.get("AuthType") == "NONE" else f"signed requests ({has.get('AuthType')})"


def _retries(has: Properties) -> str:
    return f"{has.get('MaximumRetryAttempts')} retries, for {has.get('MaximumEventAgeInSeconds')} s at most"


def kind_of(type: str) -> str:
    """Return in words what a type of CloudFormation is."""
    return KINDS[type][0] if type in KINDS else type.removeprefix("AWS::").replace("::", " ")


About = Callable[[Properties], str]
KINDS: Mapping[str, tuple[str, str, About]] = {
    "AWS::Lambda::Function": (FUNCTION, "lambda", _lambda),
    "AWS::Batch::JobDefinition": ("Batch job definition", "job def", _job),
    "AWS::Batch::ComputeEnvironment": ("Batch compute environment", "compute env", _compute),
    "AWS::Batch::JobQueue": ("Batch job queue", "job queue", lambda has: f"priority {has.get('Priority')}"),
    "AWS::S3::Bucket": ("S3 bucket", "bucket", _bucket),
    "AWS::ApiGatewayV2::Api": ("HTTP API", "http api", lambda has: str(has.get("ProtocolType", ""))),
    "AWS::ApiGatewayV2::Route": ("HTTP API route", "api route", lambda has: str(has.get("RouteKey", ""))),
    "AWS::ApiGatewayV2::Stage": ("HTTP API stage", "api stage", lambda has: str(has.get("StageName", ""))),
    "AWS::ApiGatewayV2::Integration": ("HTTP API integration", "api integr.", _nothing),
    "AWS::Lambda::Url": ("Function URL", "url", _url),
    "AWS::Scheduler::Schedule": ("Schedule", "schedule", lambda has: str(has.get("ScheduleExpression", ""))),
    "AWS::SecretsManager::Secret": ("Secret", "secret", lambda _: "made empty, its keys are put in afterwards"),
    "AWS::SQS::Queue": ("SQS queue", "queue", lambda _: "events that failed for good"),
    "AWS::SQS::QueuePolicy": ("SQS queue policy", "queue policy", _nothing),
    "AWS::Events::Rule": ("EventBridge rule", "rule", lambda _: "tells the queue of jobs that failed"),
    "AWS::Lambda::EventInvokeConfig": ("Retries of a function", "retries", _retries),
    "AWS::Lambda::Permission": ("Permission", "permission", _nothing),
    "AWS::IAM::Role": ("Role", "role", _role),
    "AWS::IAM::InstanceProfile": ("Instance profile", "profile", _nothing),
    "AWS::Logs::LogGroup": ("Log group", "log group", lambda has: f"kept {has.get('RetentionInDays')} days"),
}
ORDER = [FUNCTION, "S3 notification", *[words for words, _, _ in list(KINDS.values())[1:]]]
