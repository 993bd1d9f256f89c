"""What there is to say about the HTTP endpoints of Functions."""

from __future__ import annotations

from collections.abc import Iterator

from hfaas_deploy.findings import Finding, warning
from hfaas_deploy.pipeline import Function, Pipeline, UrlAccess

API_PATIENCE = 30
"""Seconds after which an HTTP API answers 503, whatever its Function still does."""


def judge(pipeline: Pipeline) -> Iterator[Finding]:
    """Everything there is to say about the endpoints of the pipeline."""
    for function in pipeline.functions:
        yield from _nameless(pipeline, function)
        yield from _public(pipeline, function)
        yield from _slow(pipeline, function)


def has_one(function: Function) -> bool:
    """Tell whether the Function can be called over HTTP."""
    return function.api is not None or function.url is not UrlAccess.NONE


def _nameless(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    given = pipeline.spots.get(f"{function.place}.api_gateway")
    if given and given.file == str(pipeline.file) and not function.api:
        yield warning(given, "ignored", "api_gateway is ignored because it has no name, which makes the API")


def _public(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    if function.api and function.api.public:
        spot = pipeline.spot(f"{function.place}.api_gateway.method.authorizationType")
        yield warning(spot, "public", f"authorizationType NONE: everybody may call {function.name}, unsigned")
    if function.url is UrlAccess.PUBLIC:
        spot = pipeline.spot(f"{function.place}.hfaas.url")
        yield warning(spot, "public", f"url public: everybody may call {function.name}, unsigned")


def _slow(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    given = pipeline.spots.get(f"{function.place}.lambda.timeout")
    if given and function.api and function.timeout > API_PATIENCE:
        message = (
            f"timeout {function.timeout}: an HTTP API answers 503 after {API_PATIENCE} s; a function URL waits"
        )
        yield warning(given, "slow", message)
