"""What endpoints ask of moto's records, as plain data; on the moto thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.sts.models import sts_backends

from hfaas_emulator.endpoints.records import (
    Cors,
    FunctionUrl,
    HttpApi,
    HttpStage,
    Integration,
    Method,
    Principal,
    Resource,
    RestApi,
    RestStage,
    Route,
)
from hfaas_emulator.moto_services.apigateway import RestAPI, apigateway_backends
from hfaas_emulator.moto_services.apigatewayv2 import Api, apigatewayv2_backends, deployments_of, routes_of
from hfaas_emulator.wire.caller import account_of


def api(id: str) -> RestApi | HttpApi | None:
    """Find an API in any account and region."""
    for account, region, backend in _all(apigateway_backends):
        if id in backend.apis:
            return _rest(backend.apis[id], account, region)
    for account, region, backend in _all(apigatewayv2_backends):
        if id in backend.apis:
            return _http(backend.apis[id], account, region)
    return None


def _all(backends: Any) -> Iterable[tuple[str, str, Any]]:
    for account, regions in list(backends.items()):
        for region, backend in list(regions.items()):
            yield str(account), str(region), backend


def _rest(found: RestAPI, account: str, region: str) -> RestApi:
    return RestApi(
        found.id,
        account,
        region,
        {name: _rest_stage(found, stage) for name, stage in found.stages.items()},
        tuple(found.binaryMediaTypes),
        str(found.disableExecuteApiEndpoint).lower() == "true",
        str(found.policy or ""),
    )


def _rest_stage(found: RestAPI, stage: Any) -> RestStage:
    deployment = found.deployments.get(stage.deployment_id)
    resources = getattr(deployment, "resources", ())
    return RestStage(
        stage.name,
        stage.deployment_id or "",
        dict(stage.variables or {}),
        tuple(_resource(each) for each in resources),
    )


def _resource(kept: Mapping[str, Any]) -> Resource:
    methods = {verb: _method(method) for verb, method in (kept.get("resourceMethods") or {}).items()}
    return Resource(kept["id"], kept["path"], methods)


def _method(kept: Mapping[str, Any]) -> Method:
    unknown = {"apiKeyRequired": "an API key", "requestValidatorId": "a request validator"}
    return Method(
        kept.get("authorizationType") or "NONE",
        _rest_integration(kept.get("methodIntegration")),
        next((noun for key, noun in unknown.items() if kept.get(key)), ""),
    )


def _rest_integration(kept: Mapping[str, Any] | None) -> Integration | None:
    if kept is None:
        return None
    return Integration(
        kept["type"],
        kept.get("uri") or "",
        _number(kept.get("timeoutInMillis")),
        kept.get("credentials") or "",
        passthrough=kept.get("passthroughBehavior") or "",
        parameters=dict(kept.get("requestParameters") or {}),
        templates=dict(kept.get("requestTemplates") or {}),
        responses=tuple((kept.get("integrationResponses") or {}).values()),
    )


def _http(found: Api, account: str, region: str) -> HttpApi:
    live = _routes(routes_of(found))
    return HttpApi(
        found.api_id,
        account,
        region,
        {name: _http_stage(found, stage, live) for name, stage in found.stages.items()},
        _cors(found.cors_configuration),
        str(found.disable_execute_api_endpoint).lower() == "true",
    )


def _http_stage(found: Api, stage: Any, live: tuple[Route, ...]) -> HttpStage:
    deployed = deployments_of(found).get(getattr(stage, "deployment_id", None) or "")
    routes = live if stage.auto_deploy else _routes(deployed["routes"]) if deployed else ()
    return HttpStage(stage.name, dict(stage.stage_variables or {}), routes)


def _routes(kept: Iterable[Mapping[str, Any]]) -> tuple[Route, ...]:
    return tuple(
        Route(each["routeKey"], each.get("authorizationType") or "NONE", _http_integration(each["integration"]))
        for each in kept
    )


def _http_integration(kept: Mapping[str, Any] | None) -> Integration | None:
    if kept is None:
        return None
    kind = kept["integrationType"] or ""
    if kept.get("integrationSubtype"):
        kind = f"{kind} {kept['integrationSubtype']}"
    return Integration(
        kind,
        kept.get("integrationUri") or "",
        _number(kept.get("timeoutInMillis")),
        kept.get("credentialsArn") or "",
        kept.get("payloadFormatVersion") or "1.0",
        parameters=dict(kept.get("requestParameters") or {}) | dict(kept.get("responseParameters") or {}),
    )


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def function_url(id: str) -> FunctionUrl | None:
    """Find a function URL in any account and region."""
    for account, region, backend in _all(lambda_backends):
        for function in backend.list_functions():
            config = function.url_config
            if config is not None and config.id == id:
                arn = function.function_arn
                return FunctionUrl(
                    id, account, region, arn, config.config["AuthType"], _cors(config.config.get("Cors"))
                )
    return None


def _cors(kept: Mapping[str, Any] | None) -> Cors | None:
    """Read CORS rules, whose keys function URLs spell with a capital."""
    if not kept:
        return None
    rules = {name[:1].lower() + name[1:]: value for name, value in kept.items()}
    return Cors(
        tuple(rules.get("allowOrigins") or ()),
        tuple(rules.get("allowMethods") or ()),
        tuple(rules.get("allowHeaders") or ()),
        tuple(rules.get("exposeHeaders") or ()),
        _number(rules.get("maxAge")),
        bool(rules.get("allowCredentials")),
    )


def statements(function: str) -> Sequence[Mapping[str, Any]]:
    """Return the statements of a function's resource policy; none of a function that is not there."""
    parts = function.split(":")
    backend = lambda_backends[parts[4]][parts[3]]
    try:
        return tuple(backend.get_function(parts[6]).policy.statements)
    except Exception:  # noqa: BLE001  moto has a dozen ways to say so
        return ()


def principal(access_key: str) -> Principal:
    """Return whom an access key stands for: a user or role of the account that issued it, else the account itself."""
    account = account_of(access_key)
    known = sts_backends[account]["aws"].get_caller_identity(access_key, "us-east-1")
    return Principal(access_key, str(known[2]), str(known[1]), str(known[0]))
