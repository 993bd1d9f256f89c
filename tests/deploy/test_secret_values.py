"""Keys of storage providers on their way into Secrets Manager."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hfaas_deploy import references, template
from hfaas_deploy.aws import secret_values
from hfaas_deploy.aws.secret_values import Value
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import TargetUnreachable
from hfaas_deploy.pipeline import Batch, Function, Mode, OutputPath, Pipeline, Provider

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


def with_variables(**more: Any) -> Pipeline:
    function = Function(
        "functions.aws[0]",
        "f",
        mode=Mode.LAMBDA_BATCH,
        variables={"API_TOKEN": "${TOKEN}", "LEVEL": "high"},
        environment={"DB_PASSWORD": "geheim"},
        batch=Batch(variables={"DB_PASSWORD": "anders"}),
        **more,
    )
    return Pipeline(Path("p.yaml"), "s", (function,))


def test_variables_with_secret_names_are_put_away_by_who_gets_them() -> None:
    (value,) = secret_values.values(with_variables(), {"TOKEN": "t0k3n"})

    assert value.provider.name == "variables.f"
    assert value.keys == {
        "both": {"API_TOKEN": "t0k3n"},
        "lambda": {"DB_PASSWORD": "geheim"},
        "batch": {"DB_PASSWORD": "anders"},
    }


def test_secret_variables_are_left_for_later_and_in_no_template() -> None:
    ready = references.resolve(with_variables(), {})

    body = template.render(ready).body

    assert ready.functions[0].variables["API_TOKEN"] == "${TOKEN}"
    assert not [word for word in ("API_TOKEN", "DB_PASSWORD", "geheim", "anders") if word in body]
    assert body == template.render(references.resolve(with_variables(), {"TOKEN": "t0k3n"})).body


def test_both_legs_may_read_the_secret_with_their_variables_and_know_where_it_is() -> None:
    made = json.loads(template.render(with_variables()).body)["Resources"]
    pointer = {"Ref": "VariablesFSecret"}

    assert made["VariablesFSecret"]["Properties"]["Description"] == "Variables of f"
    assert made["FFunction"]["Properties"]["Environment"]["Variables"]["HFAAS_SECRET_VARIABLES"] == pointer
    job = made["FJob"]["Properties"]["ContainerProperties"]["Environment"]
    assert {"Name": "HFAAS_SECRET_VARIABLES", "Value": pointer} in job
    for role in ("FRole", "FWorker"):
        statements = made[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        assert [s["Resource"] for s in statements if "secretsmanager:GetSecretValue" in s["Action"]] == [pointer]


def test_what_only_sounds_secret_may_be_plain() -> None:
    plain = with_variables(plain=("API_TOKEN", "DB_PASSWORD"))

    assert list(secret_values.values(plain, {})) == []
    assert "Secret" not in json.loads(template.render(plain).body)["Outputs"]
