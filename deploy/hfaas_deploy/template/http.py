"""How a Function is called over HTTP: an HTTP API, a URL of its own, or both.

The API hands over events in payload 1.0, the shape that scar's functions know. A URL without authorisation needs two
permissions: one to call the URL, and one to invoke the Function by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hfaas_deploy import names
from hfaas_deploy.pipeline import Function, HttpApi, Pipeline, UrlAccess
from hfaas_deploy.template.functions import arn
from hfaas_deploy.template.policies import Json

ANYTHING = "launch"
"""What scar calls the path that `{proxy+}` stands for."""


def resources(function: Function) -> Json:
    """What makes the Function callable, by logical id; nothing for most."""
    return {
        **(_api_resources(function, function.api) if function.api else {}),
        **(_url_resources(function) if function.url is not UrlAccess.NONE else {}),
    }


def outputs(pipeline: Pipeline) -> Json:
    """The URLs."""
    found: Json = {}
    for function in pipeline.functions:
        if function.api:
            found[api_id(function)] = {"Value": _api_url(function, function.api)}
        if function.url is not UrlAccess.NONE:
            found[url_id(function)] = {"Value": {"Fn::GetAtt": [url_id(function), "FunctionUrl"]}}
    return found


class Access(StrEnum):
    """Who may call a URL."""

    SIGNED = "signed"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Url:
    """Where a Function of a Stack is called; an API's method may be ANY."""

    function: str
    address: str
    access: Access
    method: str = "ANY"


def urls(pipeline: Pipeline, outputs: Mapping[str, str]) -> Iterator[Url]:
    """The URLs of a Stack by its outputs: of each Function first the API's, then its own."""
    for function in pipeline.functions:
        if function.api and (address := outputs.get(api_id(function))):
            yield Url(function.name, address, _access(function.api.public), function.api.method)
        if address := outputs.get(url_id(function)):
            yield Url(function.name, address, _access(function.url is UrlAccess.PUBLIC))


def _access(public: bool) -> Access:
    return Access.PUBLIC if public else Access.SIGNED


def api_id(function: Function) -> str:
    """The logical id of its API, and the name of the output with its URL."""
    return names.logical(function.name, "Api")


def url_id(function: Function) -> str:
    """The logical id of its own URL, and the name of the output with it."""
    return names.logical(function.name, "Url")


def _api_resources(function: Function, api: HttpApi) -> Json:
    integration = names.logical(function.name, "Integration")
    return {
        api_id(function): _part({"Name": api.name, "ProtocolType": "HTTP", "Tags": {"createdby": "hfaas"}}, "Api"),
        integration: _part({**_of(function), **_integration(function)}, "Integration"),
        names.logical(function.name, "Route"): _part({**_of(function), **_route(api, integration)}, "Route"),
        names.logical(function.name, "Stage"): _part({**_of(function), **_stage(api)}, "Stage"),
        names.logical(function.name, "ApiAccess"): _permission(
            function,
            "InvokeFunction",
            {"Principal": "apigateway.amazonaws.com", "SourceArn": _source(function, api)},
        ),
    }


def _part(properties: Json, kind: str) -> Json:
    return {"Type": f"AWS::ApiGatewayV2::{kind}", "Properties": properties}


def _of(function: Function) -> Json:
    return {"ApiId": {"Ref": api_id(function)}}


def _integration(function: Function) -> Json:
    return {"IntegrationType": "AWS_PROXY", "IntegrationUri": arn(function), "PayloadFormatVersion": "1.0"}


def _route(api: HttpApi, integration: str) -> Json:
    return {
        "RouteKey": f"{api.method} /{api.path}",
        "Target": {"Fn::Join": ["/", ["integrations", {"Ref": integration}]]},
        "AuthorizationType": "NONE" if api.public else "AWS_IAM",
    }


def _stage(api: HttpApi) -> Json:
    return {"StageName": api.stage, "AutoDeploy": True, "Tags": {"createdby": "hfaas"}}


def _source(function: Function, api: HttpApi) -> Json:
    """Every method and path of this API's stage, and of no other API."""
    where = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}"
    return {"Fn::Sub": f"{where}:${{{api_id(function)}}}/{api.stage}/*"}


def _api_url(function: Function, api: HttpApi) -> Json:
    path = "/".join(ANYTHING if part.endswith("+}") else part for part in api.path.split("/"))
    stage = "" if api.stage == "$default" else f"/{api.stage}"
    return {"Fn::Sub": f"${{{api_id(function)}.ApiEndpoint}}{stage}/{path}"}


def _url_resources(function: Function) -> Json:
    public = function.url is UrlAccess.PUBLIC
    properties = {"TargetFunctionArn": arn(function), "AuthType": "NONE" if public else "AWS_IAM"}
    url = {url_id(function): {"Type": "AWS::Lambda::Url", "Properties": properties}}
    return {**url, **(_open_to_all(function) if public else {})}


def _open_to_all(function: Function) -> Json:
    call = {"Principal": "*", "FunctionUrlAuthType": "NONE"}
    invoke = {"Principal": "*", "InvokedViaFunctionUrl": True}
    return {
        names.logical(function.name, "UrlAccess"): _permission(function, "InvokeFunctionUrl", call),
        names.logical(function.name, "UrlInvoke"): _permission(function, "InvokeFunction", invoke),
    }


def _permission(function: Function, action: str, whom: Json) -> Json:
    properties = {"FunctionName": {"Ref": names.logical(function.name, "Function")}, "Action": f"lambda:{action}"}
    return {"Type": "AWS::Lambda::Permission", "Properties": {**properties, **whom}}
