"""API Gateway: moto keeps the records of REST and HTTP APIs; requests to them never reach it (endpoints/).

Importing moto's part for REST APIs here costs 30 ms; by itself it would bring a validator of OpenAPI documents along,
half a second, for imports that ask to fail on warnings. HTTP APIs are changed in `apigatewayv2.py`.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from hfaas_emulator.moto_services.patch import patch
from hfaas_emulator.moto_services.postponed import postponed

with postponed():
    from moto.apigateway import models
    from moto.apigateway.models import RestAPI, apigateway_backends
    from moto.apigateway.responses import APIGatewayResponse

__all__ = ("RestAPI", "apigateway_backends")


def _validate(document: dict[str, Any]) -> None:
    from openapi_spec_validator import validate
    from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

    models.OpenAPIValidationError = OpenAPIValidationError  # named in an `except`, where a stand-in will not do
    validate(document)


models.validate = _validate


@patch(
    "moto.apigateway.responses:APIGatewayResponse.create_rest_api",
    sha="a56c30e222784ec0",
    reason="drops the binary media types",
)
def create_rest_api(original: Any, self: APIGatewayResponse) -> Any:
    status, headers, body = original(self)
    if (types := self._get_param("binaryMediaTypes")) and status < 400:
        api = self.backend.get_rest_api(json.loads(body)["id"])
        api.binaryMediaTypes = list(types)
        body = json.dumps(api.to_dict())
    return status, headers, body


@patch(
    "moto.apigateway.models:RestAPI.apply_patch_operations",
    sha="6753c76a43417352",
    reason="looks for a binary media type in the value, where AWS has it in the path; takes `false` for true",
)
def apply_patch_operations(original: Any, self: RestAPI, patch_operations: list[dict[str, Any]]) -> None:
    for change in patch_operations:
        field, _, name = change["path"].removeprefix("/").partition("/")
        kind = name.replace("~1", "/").replace("~0", "~")
        if field == "disableExecuteApiEndpoint":
            self.disableExecuteApiEndpoint = str(change["value"]).lower() == "true"
        elif field == "binaryMediaTypes" and kind:
            others = [each for each in self.binaryMediaTypes if each != kind]
            added = {"add": [kind], "replace": [change.get("value")]}.get(change["op"], [])
            self.binaryMediaTypes = [*others, *added]
        else:
            original(self, [change])


@patch(
    "moto.apigateway.models:RestAPI.create_deployment",
    sha="961e1a331835a944",
    reason="serves what is changed later, too, where AWS serves the deployment; and forgets a stage's settings",
)
def create_deployment(
    original: Any, self: RestAPI, name: str, description: str, stage_variables: Any = None
) -> Any:
    stage = self.stages.get(name) if name else None
    deployment = original(self, name, description, stage_variables)
    deployment.resources = copy.deepcopy([each.to_dict() for each in self.resources.values()])
    if stage is not None:
        stage.deployment_id = deployment.id
        stage.variables = {**stage.variables, **(stage_variables or {})}
        self.stages[name] = stage
    return deployment


@patch(
    "moto.apigateway.models:RestAPI.update_integration_mocks",
    sha="9fa3ff83cac49f15",
    reason="registers each method with a library for tests, for ever",
)
def update_integration_mocks(_original: Any, _self: RestAPI, _stage_name: str) -> None:
    """Do nothing: endpoints look at the records."""


def update_resource(self: APIGatewayResponse) -> str:
    """Answer UpdateResource, which moto lacks: another path part or another parent."""
    _, _, api, _, resource_id = self.path.split("/")[:5]
    resource = self.backend.get_resource(api, resource_id)
    for change in self._get_param("patchOperations") or ():
        match change["path"]:
            case "/pathPart":
                resource.path_part = change["value"]
            case "/parentId":
                resource.parent_id = self.backend.get_resource(api, change["value"]).id
            case path:
                raise models.BadRequestException(f"Invalid patch path {path}")
    return json.dumps(resource.to_dict())


APIGatewayResponse.update_resource = update_resource
