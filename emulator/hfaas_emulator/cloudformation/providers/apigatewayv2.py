"""HTTP APIs: the API, what it integrates, its routes and stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from hfaas_emulator.cloudformation.providers.base import (
    AlreadyExists,
    Context,
    Made,
    Props,
    Provider,
    Tagging,
    absent_is_none,
    call,
    changed,
    is_absent,
)

SERVICE = "apigatewayv2"
API: Mapping[str, Any] = {
    "ApiKeySelectionExpression": "$request.header.x-api-key", "Description": "", "DisableExecuteApiEndpoint": False,
    "DisableSchemaValidation": False, "RouteSelectionExpression": "$request.method $request.path", "Version": "",
}  # fmt: skip
INTEGRATION: Mapping[str, Any] = {
    "ConnectionId": "", "ConnectionType": "INTERNET", "CredentialsArn": "", "Description": "",
    "IntegrationMethod": "", "IntegrationSubtype": "", "IntegrationUri": "", "PassthroughBehavior": "",
    "RequestParameters": {}, "TimeoutInMillis": 30_000,
}  # fmt: skip
ROUTE: Mapping[str, Any] = {
    "ApiKeyRequired": False, "AuthorizationScopes": [], "AuthorizationType": "NONE", "AuthorizerId": "",
    "OperationName": "", "Target": "",
}  # fmt: skip
"""What properties that left the template go back to."""


def _create_api(context: Context, properties: Props) -> Made:
    answer = call(context, SERVICE, "create_api", properties)
    return Made(answer["ApiId"], _api_attributes(context, answer), properties)


def _api_attributes(context: Context, answer: Any) -> dict[str, str]:
    arn = f"arn:aws:execute-api:{context.region}:{context.account}:{answer['ApiId']}"
    return {"ApiId": answer["ApiId"], "ApiEndpoint": answer["ApiEndpoint"], "ExecuteApiArn": arn}


def _update_api(context: Context, made: Made, old: Props, new: Props) -> None:
    client: Any = context.client(SERVICE)
    touched = changed(old, new)
    if "CorsConfiguration" in touched and "CorsConfiguration" not in new:
        client.delete_cors_configuration(ApiId=made.id)
    if wanted := _wanted(touched - {"Tags", "ProtocolType"}, new, API):
        call(context, SERVICE, "update_api", {"ApiId": made.id, **wanted})
    arn = f"arn:aws:apigateway:{context.region}::/apis/{made.id}"
    had, wants = old.get("Tags", {}), new.get("Tags", {})
    if wants != had and wants:
        client.tag_resource(ResourceArn=arn, Tags={key: str(value) for key, value in wants.items()})
    if removed := sorted(set(had) - set(wants)):
        client.untag_resource(ResourceArn=arn, TagKeys=removed)


def _wanted(touched: set[str], new: Props, defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {key: new.get(key, defaults.get(key)) for key in touched if key in new or key in defaults}


def _delete_api(context: Context, made: Made) -> None:
    context.client(SERVICE).delete_api(ApiId=made.id)


def _create_integration(context: Context, properties: Props) -> Made:
    made = call(context, SERVICE, "create_integration", properties)["IntegrationId"]
    return Made(made, {"IntegrationId": made}, properties)


def _update_integration(context: Context, made: Made, old: Props, new: Props) -> None:
    where = {"ApiId": new["ApiId"], "IntegrationId": made.id}
    call(context, SERVICE, "update_integration", {**where, **_wanted(changed(old, new), new, INTEGRATION)})


def _delete_integration(context: Context, made: Made) -> None:
    context.client(SERVICE).delete_integration(ApiId=made.properties["ApiId"], IntegrationId=made.id)


def _create_route(context: Context, properties: Props) -> Made:
    """Look first: no API has two routes of one key."""
    if _find_route(context, properties) is not None:
        raise AlreadyExists("AWS::ApiGatewayV2::Route", str(properties["RouteKey"]))
    return _route(call(context, SERVICE, "create_route", properties)["RouteId"], properties)


def _route(id: str, applied: Props) -> Made:
    return Made(id, {"RouteId": id}, applied)


def _find_route(context: Context, properties: Props) -> Made | None:
    pages = context.client(SERVICE).get_paginator("get_routes").paginate(ApiId=properties["ApiId"])
    found = [one for page in pages for one in page["Items"] if one["RouteKey"] == properties["RouteKey"]]
    return _route(found[0]["RouteId"], {}) if found else None


def _update_route(context: Context, made: Made, old: Props, new: Props) -> None:
    where = {"ApiId": new["ApiId"], "RouteId": made.id}
    call(context, SERVICE, "update_route", {**where, **_wanted(changed(old, new), new, ROUTE)})


def _delete_route(context: Context, made: Made) -> None:
    context.client(SERVICE).delete_route(ApiId=made.properties["ApiId"], RouteId=made.id)


def _create_stage(context: Context, properties: Props) -> Made:
    """Look first: the records would take it for the one that is there."""
    if _find_stage(context, properties) is not None:
        raise AlreadyExists("AWS::ApiGatewayV2::Stage", str(properties["StageName"]))
    return _put_stage(context, properties)


def _put_stage(context: Context, properties: Props) -> Made:
    return Made(call(context, SERVICE, "create_stage", properties)["StageName"], {}, properties)


@absent_is_none
def _find_stage(context: Context, properties: Props) -> Made:
    found = context.client(SERVICE).get_stage(ApiId=properties["ApiId"], StageName=properties["StageName"])
    return Made(found["StageName"], {}, {})


def _update_stage(context: Context, made: Made, _old: Props, new: Props) -> None:
    """Put it anew: a stage is known by its name alone, and what left the template goes with the old one."""
    _take_stage(context, new["ApiId"], made.id)
    _put_stage(context, new)


def _take_stage(context: Context, api: str, name: str) -> None:
    try:
        context.client(SERVICE).delete_stage(ApiId=api, StageName=name)
    except ClientError as error:
        if not is_absent(error):
            raise


def _delete_stage(context: Context, made: Made) -> None:
    _take_stage(context, made.properties["ApiId"], made.id)


PROVIDERS = {
    "AWS::ApiGatewayV2::Api": Provider(
        (SERVICE,), frozenset({"CorsConfiguration", "Name", "ProtocolType", "Tags", *API}),
        _create_api, _delete_api, _update_api, tagging=Tagging.MAP,
    ),
    "AWS::ApiGatewayV2::Integration": Provider(
        (SERVICE,), frozenset({"ApiId", "IntegrationType", "PayloadFormatVersion", *INTEGRATION}),
        _create_integration, _delete_integration, _update_integration,
    ),
    "AWS::ApiGatewayV2::Route": Provider(
        (SERVICE,), frozenset({"ApiId", "RouteKey", *ROUTE}),
        _create_route, _delete_route, _update_route, _find_route,
    ),
    "AWS::ApiGatewayV2::Stage": Provider(
        (SERVICE,),
        frozenset(
            {
                "AccessLogSettings", "ApiId", "AutoDeploy", "DefaultRouteSettings", "Description", "RouteSettings",
                "StageName", "StageVariables", "Tags",
            }
        ),
        _create_stage, _delete_stage, _update_stage, _find_stage, tagging=Tagging.MAP,
    ),
}  # fmt: skip
