"""HTTP APIs: what moto's records lack, and where they lead."""

from __future__ import annotations

import json
import re
import string
from typing import Any
from urllib.parse import unquote

from moto.moto_api._internal import mock_random

from hfaas_emulator.errors import AwsError
from hfaas_emulator.moto_services import addresses
from hfaas_emulator.moto_services.patch import patch
from hfaas_emulator.moto_services.postponed import postponed

with postponed():
    from moto.apigatewayv2 import urls
    from moto.apigatewayv2.models import Api, ApiGatewayV2Backend, Route, Stage, apigatewayv2_backends
    from moto.apigatewayv2.responses import ApiGatewayV2Response

__all__ = ("Api", "apigatewayv2_backends")

KEY = re.compile(r"\$default|(ANY|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT) /\S*")
SETTABLE = {
    "accessLogSettings": "access_log_settings",
    "autoDeploy": "auto_deploy",
    "defaultRouteSettings": "default_route_settings",
    "description": "description",
    "routeSettings": "route_settings",
    "stageVariables": "stage_variables",
}
"""What UpdateStage changes, by the attribute that keeps it."""


@patch(
    "moto.apigatewayv2.models:Api.to_json", sha="b5acd65996eedd1f", reason="shows a host of AWS's as the endpoint"
)
def to_json(original: Any, self: Api) -> dict[str, Any]:
    return {**original(self), "apiEndpoint": addresses.of_api(self.api_id)}


@patch(
    "moto.apigatewayv2.responses:ApiGatewayV2Response.create_api",
    sha="05b85c3a4e7124be",
    reason="ignores the target of a quick create; WebSockets are not emulated",
)
def create_api(original: Any, self: ApiGatewayV2Response) -> Any:
    asked = json.loads(self.body)
    if asked.get("protocolType") == "WEBSOCKET":
        raise AwsError("NotImplemented", "WebSocket APIs are not emulated; HTTP and REST APIs are.", 501)
    status, headers, body = original(self)
    if asked.get("target"):
        _quick(self.apigatewayv2_backend.get_api(json.loads(body)["apiId"]), asked)
    return status, headers, body


def _quick(api: Api, asked: dict[str, Any]) -> None:
    """Make the one integration, route and stage that AWS makes for an API with a target."""
    target = asked["target"]
    integration = api.create_integration(
        connection_type="INTERNET",
        description="",
        integration_method="POST",
        integration_type="AWS_PROXY" if target.startswith("arn:") else "HTTP_PROXY",
        integration_uri=target,
        credentials_arn=asked.get("credentialsArn"),
        payload_format_version="2.0",
    )
    api.create_route(
        api_key_required=False,
        authorization_scopes=[],
        route_key=asked.get("routeKey") or "$default",
        target=f"integrations/{integration.id}",
        authorization_type="NONE",
    )
    api.create_stage({"stageName": "$default", "autoDeploy": True})


@patch(
    "moto.apigatewayv2.models:ApiGatewayV2Backend.create_route",
    sha="e3f21f154292cdca",
    reason="takes a key twice, and any text for one",
)
def create_route(original: Any, self: ApiGatewayV2Backend, **named: Any) -> Route:
    key = named["route_key"] or ""
    if not KEY.fullmatch(key):
        raise AwsError(
            "BadRequestException",
            "The provided route key is not formatted properly for HTTP protocol. Format should be "
            '"<HTTP METHOD> /<RESOURCE PATH>" or "$default"',
        )
    if any(each.route_key == key for each in self.get_api(named["api_id"]).routes.values()):
        raise AwsError("ConflictException", f"Route with key {key} already exists for this API", 409)
    made: Route = original(self, **named)
    return made


@patch(
    "moto.apigatewayv2.models:ApiGatewayV2Backend.create_stage",
    sha="09f0a6db000393c8",
    reason="replaces a stage that is there",
)
def create_stage(original: Any, self: ApiGatewayV2Backend, api_id: str, config: dict[str, Any]) -> Stage:
    if config["stageName"] in self.get_api(api_id).stages:
        raise AwsError("ConflictException", "Stage already exists", 409)
    made: Stage = original(self, api_id, config)
    made.deployment_id = config.get("deploymentId")
    return made


@patch("moto.apigatewayv2.models:Stage.to_json", sha="a44e4ccc0be986f4", reason="does not know deployments")
def stage_to_json(original: Any, self: Stage) -> dict[str, Any]:
    deployment = getattr(self, "deployment_id", None)
    return {**original(self), **({"deploymentId": deployment} if deployment else {})}


def update_stage(self: ApiGatewayV2Response) -> Any:
    """Answer UpdateStage, which moto lacks."""
    api, stage = self.path.split("/")[-3], unquote(self.path.split("/")[-1])
    found = self.apigatewayv2_backend.get_stage(api, stage)
    asked = json.loads(self.body)
    for name, attribute in SETTABLE.items():
        if name in asked:
            setattr(found, attribute, asked[name])
    if asked.get("deploymentId"):
        _deployment(self.apigatewayv2_backend.get_api(api), asked["deploymentId"])
        found.deployment_id = asked["deploymentId"]
    return 200, {}, json.dumps(found.to_json())


def create_deployment(self: ApiGatewayV2Response) -> Any:
    """Answer CreateDeployment, which moto lacks: what the routes are now, for stages that do not deploy by themselves."""
    api = self.apigatewayv2_backend.get_api(self.path.split("/")[-2])
    asked = json.loads(self.body or "{}")
    key = "".join(mock_random.choice(string.ascii_lowercase + string.digits) for _ in range(6))
    made = {
        "deploymentId": key,
        "deploymentStatus": "DEPLOYED",
        "description": asked.get("description") or "",
        "autoDeployed": False,
        "routes": routes_of(api),
    }
    if asked.get("stageName"):
        self.apigatewayv2_backend.get_stage(api.api_id, asked["stageName"]).deployment_id = key
    deployments_of(api)[key] = made
    return 201, {}, json.dumps(_shown(made))


def get_deployment(self: ApiGatewayV2Response) -> Any:
    """Answer GetDeployment."""
    parts = self.path.split("/")
    return 200, {}, json.dumps(_shown(_deployment(self.apigatewayv2_backend.get_api(parts[-3]), parts[-1])))


def get_deployments(self: ApiGatewayV2Response) -> Any:
    """Answer GetDeployments."""
    api = self.apigatewayv2_backend.get_api(self.path.split("/")[-2])
    return 200, {}, json.dumps({"items": [_shown(each) for each in deployments_of(api).values()]})


def delete_deployment(self: ApiGatewayV2Response) -> Any:
    """Answer DeleteDeployment."""
    parts = self.path.split("/")
    api = self.apigatewayv2_backend.get_api(parts[-3])
    _deployment(api, parts[-1])
    if any(getattr(stage, "deployment_id", None) == parts[-1] for stage in api.stages.values()):
        raise AwsError("BadRequestException", "Active stages pointing to this deployment must be moved or deleted")
    del deployments_of(api)[parts[-1]]
    return 204, {"status": 204}, ""


def deployments_of(api: Api) -> dict[str, dict[str, Any]]:
    """Return the deployments of an API by id."""
    kept: dict[str, dict[str, Any]] = vars(api).setdefault("deployments", {})
    return kept


def routes_of(api: Api) -> list[dict[str, Any]]:
    """Return the routes of an API as they are now, each with its integration."""
    return [{**route.to_json(), "integration": _integration(api, route.target)} for route in api.routes.values()]


def _integration(api: Api, target: str | None) -> dict[str, Any] | None:
    found = api.integrations.get((target or "").rpartition("/")[2])
    return None if found is None else found.to_json()


def _deployment(api: Api, id: str) -> dict[str, Any]:
    if id not in deployments_of(api):
        raise AwsError("NotFoundException", f"Invalid Deployment identifier specified {id}", 404)
    return deployments_of(api)[id]


def _shown(deployment: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in deployment.items() if name != "routes"}


for _answer in (update_stage, create_deployment, get_deployment, get_deployments, delete_deployment):
    setattr(ApiGatewayV2Response, _answer.__name__, _answer)
for _path in ("deployments", "deployments/(?P<deployment_id>[^/]+)"):
    urls.url_paths[f"{{0}}/v2/apis/(?P<api_id>[^/]+)/{_path}$"] = ApiGatewayV2Response.dispatch
