"""Puts the keys of storage providers, and variables that are secret, into their secrets, when the Stack is up and only where they changed.

Each secret carries the SHA-256 of what a deploy put in as a tag; that it is salted with the secret's ARN keeps equal
keys from looking equal. What somebody changed in the secret by hand stays until the keys of the file change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from hfaas_deploy import names, providers, references, secret_variables
from hfaas_deploy.errors import SecretError, TargetUnreachable
from hfaas_deploy.pipeline import Pipeline, Provider

TAG = "hfaas:sha256"

Space = Callable[[Provider], Mapping[str, str]]
"""Gives what the secret of a rehearsed Space holds."""


@dataclass(frozen=True, slots=True)
class Value:
    """What the secret of a provider, or of a Function, is to hold; `missing` names what nobody has set."""

    provider: Provider
    keys: Mapping[str, Any] = field(repr=False)
    missing: tuple[str, ...] = ()


def values(pipeline: Pipeline, environ: Mapping[str, str], space: Space | None = None) -> Iterator[Value]:
    """The values of all secrets; with `space` Onedata is not asked for: there is a Space to rehearse with."""
    for provider in pipeline.used_providers:
        if provider.kind == "onedata" and space:
            yield Value(provider, space(provider))
        else:
            yield _value(provider, pipeline.providers[provider.kind][provider.id], environ)
    for function in pipeline.functions:
        if own := secret_variables.store(function):
            yield _variables(own, secret_variables.kept(function), environ)


def store(client: Any, secret: str, value: Value) -> bool:
    """Put a value into the secret with this ARN; false when it is in there already."""
    mark = digest(secret, value)
    with _refusals(client, value):
        if _mark(client, secret) == mark:
            return False
        client.put_secret_value(SecretId=secret, SecretString=json.dumps(value.keys, sort_keys=True))
        client.tag_resource(SecretId=secret, Tags=[{"Key": TAG, "Value": mark}])
    return True


def stored(client: Any, secret: str, value: Value) -> str:
    """The digest of what a deploy put into the secret with this ARN; empty while there is nothing."""
    with _refusals(client, value):
        return _mark(client, secret)


def digest(secret: str, value: Value) -> str:
    """What tells a value apart from others without telling it."""
    text = json.dumps(value.keys, sort_keys=True)
    return hashlib.sha256(f"{secret}\0{text}".encode()).hexdigest()


def _mark(client: Any, secret: str) -> str:
    tags = client.describe_secret(SecretId=secret).get("Tags", ())
    return next((str(tag.get("Value")) for tag in tags if tag.get("Key") == TAG), "")


@contextmanager
def _refusals(client: Any, value: Value) -> Iterator[None]:
    try:
        yield
    except ClientError as refusal:
        said = refusal.response.get("Error", {}).get("Message") or refusal
        hint = "the deploying user needs secretsmanager:DescribeSecret, PutSecretValue and TagResource"
        raise SecretError(f"the keys of {value.provider.name} cannot be put away: {said}", hint) from None
    except ParamValidationError:  # what botocore says of it may hold the value
        raise SecretError(
            f"the keys of {value.provider.name} cannot be put away: AWS takes 64 KiB at most"
        ) from None
    except BotoCoreError as fault:
        raise TargetUnreachable(f"{client.meta.endpoint_url} does not answer: {type(fault).__name__}") from None


def output(provider: Provider) -> str:
    """The output of the Stack with the ARN of a provider's secret."""
    return names.secret(provider.kind, provider.id)


def _value(provider: Provider, written: Mapping[str, object], environ: Mapping[str, str]) -> Value:
    texts = {key: str(written.get(key, "")) for key in providers.CREDENTIALS[provider.kind]}
    unset = {name: None for text in texts.values() for name in references.missing(text, environ)}
    empty = [key for key, text in texts.items() if not text]
    if unset or empty:
        return Value(provider, {}, (*unset, *empty))
    return Value(provider, {key: references.fill(text, environ) for key, text in texts.items()})


def _variables(own: Provider, kept: Mapping[str, Mapping[str, str]], environ: Mapping[str, str]) -> Value:
    texts = [text for variables in kept.values() for text in variables.values()]
    if unset := {name: None for text in texts for name in references.missing(text, environ)}:
        return Value(own, {}, tuple(unset))
    return Value(own, {group: _filled(variables, environ) for group, variables in kept.items()})


def _filled(variables: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    return {name: references.fill(text, environ) for name, text in variables.items()}
