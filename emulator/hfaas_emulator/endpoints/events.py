"""The events that functions get, in the payload formats 1.0 and 2.0, key by key as AWS makes them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hfaas_emulator.endpoints.call import Call, grouped, is_binary
from hfaas_emulator.endpoints.records import Principal

TEXT_TYPES = ("application/json", "application/xml", "application/javascript")
NOBODY = ("accountId", "caller", "cognitoAuthenticationProvider", "cognitoAuthenticationType", "cognitoIdentityId",
          "cognitoIdentityPoolId", "principalOrgId", "user", "userArn", "accessKey")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an API a request arrived; `route` is the resource's path template or the route's key."""

    api: str
    account: str
    stage: str
    route: str
    path_parameters: Mapping[str, str]
    stage_variables: Mapping[str, str]
    resource_id: str = ""
    deployment: str = ""
    principal: Principal | None = None

    def stage_path(self, path: str) -> str:
        """Return a path with the stage before it, where the stage has a name."""
        return path if self.stage == "$default" else f"/{self.stage}{path}"


def rest(call: Call, place: Place, binary_types: tuple[str, ...]) -> dict[str, Any]:
    """Make the event of a REST API's proxy integration."""
    binary = is_binary(call.content_type, binary_types)
    body = call.body.decode("utf-8", "replace") if not binary else base64.b64encode(call.body).decode()
    return {
        "resource": place.route,
        "path": call.path,
        "httpMethod": call.method,
        **_multi(call),
        "pathParameters": dict(place.path_parameters) or None,
        "stageVariables": dict(place.stage_variables) or None,
        "requestContext": {
            "resourceId": place.resource_id,
            "resourcePath": place.route,
            "httpMethod": call.method,
            "extendedRequestId": _extended(call),
            "requestTime": _clf(call.time),
            "path": place.stage_path(call.path),
            "accountId": place.account,
            "protocol": call.protocol,
            "stage": place.stage,
            "domainPrefix": call.domain.partition(".")[0],
            "requestTimeEpoch": int(call.time * 1000),
            "requestId": call.id,
            "identity": _identity(call, place.principal),
            "domainName": call.domain,
            "deploymentId": place.deployment,
            "apiId": place.api,
        },
        "body": body if call.body else None,
        "isBase64Encoded": binary and bool(call.body),
    }


def http_1(call: Call, place: Place) -> dict[str, Any]:
    """Make the event of an HTTP API in payload format 1.0."""
    body, encoded = _body(call)
    template = place.route.partition(" ")[2] or place.route
    path = place.stage_path(call.path)
    return {
        "version": "1.0",
        "resource": template,
        "path": path,
        "httpMethod": call.method,
        **_multi(call),
        "requestContext": {
            "accountId": place.account,
            "apiId": place.api,
            "domainName": call.domain,
            "domainPrefix": call.domain.partition(".")[0],
            "extendedRequestId": _extended(call),
            "httpMethod": call.method,
            "identity": _identity(call, place.principal),
            "path": path,
            "protocol": call.protocol,
            "requestId": call.id,
            "requestTime": _clf(call.time),
            "requestTimeEpoch": int(call.time * 1000),
            "resourceId": place.route,
            "resourcePath": template,
            "stage": place.stage,
        },
        "pathParameters": dict(place.path_parameters) or None,
        "stageVariables": dict(place.stage_variables) or None,
        "body": body,
        "isBase64Encoded": encoded,
    }


def http_2(call: Call, place: Place) -> dict[str, Any]:
    """Make the event of an HTTP API or function URL in payload format 2.0; what is empty is left out."""
    path = place.stage_path(call.path)
    cookies = [part.strip() for value in _values(call, "cookie") for part in value.split(";") if part.strip()]
    headers = {name: ",".join(values) for name, values in grouped(call.headers).items() if name != "cookie"}
    body, encoded = _body(call)
    optional = {
        "cookies": cookies,
        "queryStringParameters": {name: ",".join(values) for name, values in grouped(call.parameters).items()},
        "pathParameters": dict(place.path_parameters),
        "stageVariables": dict(place.stage_variables),
        "body": body,
    }
    return {
        "version": "2.0",
        "routeKey": place.route,
        "rawPath": path,
        "rawQueryString": call.query,
        "headers": headers,
        "requestContext": {
            "accountId": place.account,
            "apiId": place.api,
            **({"authorizer": {"iam": _iam(place.principal)}} if place.principal else {}),
            "domainName": call.domain,
            "domainPrefix": call.domain.partition(".")[0],
            "http": {
                "method": call.method,
                "path": path,
                "protocol": call.protocol,
                "sourceIp": call.source_ip,
                "userAgent": call.header("user-agent"),
            },
            "requestId": call.id,
            "routeKey": place.route,
            "stage": place.stage,
            "time": _clf(call.time),
            "timeEpoch": int(call.time * 1000),
        },
        **{name: value for name, value in optional.items() if value},
        "isBase64Encoded": encoded,
    }


def _multi(call: Call) -> dict[str, Any]:
    """Return headers and query as format 1.0 has them: the last value, and all values."""
    headers = grouped((_titled(name), value) for name, value in call.headers)
    query = grouped(call.parameters)
    return {
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
    }


def _titled(name: str) -> str:
    """Spell a header as clients do; how it was sent, nobody knows any more."""
    return "-".join(part.capitalize() for part in name.split("-"))


def _values(call: Call, name: str) -> list[str]:
    return [value for each, value in call.headers if each == name]


def _body(call: Call) -> tuple[str | None, bool]:
    """Return the body as text, or as base64 unless its type says that it is text."""
    if not call.body:
        return None, False
    kind = call.content_type
    if not call.header("content-encoding") and (
        kind.startswith("text/") or kind in TEXT_TYPES or kind.endswith(("+json", "+xml")) or not kind
    ):
        try:
            return call.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(call.body).decode(), True


def _identity(call: Call, principal: Principal | None) -> dict[str, Any]:
    known: dict[str, Any] = dict.fromkeys(NOBODY)
    if principal is not None:
        known |= {
            "accountId": principal.account,
            "caller": principal.id,
            "user": principal.id,
            "userArn": principal.arn,
            "accessKey": principal.access_key,
        }
    return {**known, "sourceIp": call.source_ip, "userAgent": call.header("user-agent") or None}


def _iam(principal: Principal) -> dict[str, Any]:
    return {
        "accessKey": principal.access_key,
        "accountId": principal.account,
        "callerId": principal.id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": principal.arn,
        "userId": principal.id,
    }


def _clf(moment: float) -> str:
    """Return a moment as logs of web servers spell it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")


def _extended(call: Call) -> str:
    return base64.b64encode(bytes.fromhex(call.id.replace("-", ""))[:11]).decode()
