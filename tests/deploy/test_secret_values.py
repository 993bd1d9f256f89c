"""Keys of storage providers on their way into Secrets Manager."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfaas_deploy import references, secret_values
from hfaas_deploy.errors import TargetUnreachable
from hfaas_deploy.pipeline import Function, OutputPath, Pipeline, Provider
from hfaas_deploy.secret_values import Value
from hfaas_deploy.target import Target

HUB = Provider("onedata", "hub", {"oneprovider_host": "one.example.org", "space": "films"})
STORE = Provider("minio", "m", {"endpoint": "https://${HOST}"})
KEYS = {"access_key": "AK", "secret_key": "geheim"}


def pipeline(provider: Provider, **keys: str) -> Pipeline:
    function = Function("functions.aws[0]", "f", outputs=(OutputPath(provider.name, "b/x"),), providers=(provider,))
    defined = {provider.kind: {provider.id: {**provider.settings, **keys}}}
    return Pipeline(Path("p.yaml"), "s", (function,), providers=defined)


def test_keys_are_filled_in_from_the_environment() -> None:
    written = pipeline(STORE, access_key="${USER_KEY}", secret_key="pre-${SECRET}")

    (value,) = secret_values.values(written, {"USER_KEY": "AK", "SECRET": "geheim"})

    assert value.keys == {"access_key": "AK", "secret_key": "pre-geheim"}


def test_what_is_not_set_is_named_and_nothing_is_put_away() -> None:
    (value,) = secret_values.values(pipeline(STORE, access_key="${USER_KEY}"), {})

    assert (value.keys, value.missing) == ({}, ("USER_KEY", "secret_key"))


def test_a_rehearsed_space_is_not_asked_for_its_token() -> None:
    """The user's own token must not go where the emulator plays the Oneprovider."""
    written = pipeline(HUB, token="${HUB_TOKEN}")

    (value,) = secret_values.values(written, {"HUB_TOKEN": "real"}, lambda _: {"token": "played"})

    assert value.keys == {"token": "played"}


def test_on_aws_a_space_takes_the_users_token() -> None:
    (value,) = secret_values.values(pipeline(HUB, token="${HUB_TOKEN}"), {"HUB_TOKEN": "real"})

    assert value.keys == {"token": "real"}


def test_settings_are_filled_in_and_keys_are_left_for_later() -> None:
    written = pipeline(STORE, access_key="${USER_KEY}")

    ready = references.resolve(written, {"HOST": "minio.example.org"})

    assert ready.functions[0].providers[0].settings == {"endpoint": "https://minio.example.org"}
    assert ready.providers["minio"]["m"] == {"endpoint": "https://minio.example.org", "access_key": "${USER_KEY}"}


def test_where_nothing_answers_the_target_is_unreachable() -> None:
    client = Target.local("http://127.0.0.1:1").client("secretsmanager", 61)

    with pytest.raises(TargetUnreachable):
        secret_values.store(client, "s", Value(STORE, KEYS))


def test_keys_are_in_no_text_about_a_value() -> None:
    assert "geheim" not in repr(Value(STORE, KEYS))
