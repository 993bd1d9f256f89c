"""Which values of an environment nobody is shown."""

from __future__ import annotations

import base64
import json

import pytest

from hfaas_emulator.hidden import HIDDEN, without_secrets


@pytest.mark.parametrize(
    "name",
    ["API_TOKEN", "TOKEN", "authToken", "DB_PASSWORD", "dbPassword", "CLIENT_SECRET", "AWS_ACCESS_KEY_ID",
     "AWS_SESSION_TOKEN", "OPENAI_API_KEY", "SSH_PRIVATE_KEY", "GOOGLE_CREDENTIALS"],
)  # fmt: skip
def test_values_of_secrets_are_hidden(name: str) -> None:
    assert without_secrets({name: "value"}) == {name: HIDDEN}


@pytest.mark.parametrize(
    ("name", "value"),
    [("TOKENIZER", "bert"), ("MODE", "dark"), ("DB_PASSWORD", ""), ("KEY", "a/b"),
     ("S3_SECRET", "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-1"), ("FUNCTION_CONFIG", "e30=")],
)  # fmt: skip
def test_all_others_are_shown(name: str, value: str) -> None:
    assert without_secrets({name: value}) == {name: value}


def test_what_came_out_of_a_store_of_secrets_is_hidden_by_its_name() -> None:
    assert without_secrets({"A": "1", "B": "2"}, ("B",)) == {"A": "1", "B": HIDDEN}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("postgres://me:pw@host/db", f"postgres://{HIDDEN}@host/db"),
        ("127.0.0.1:1/_hfaas/runtime/abc", f"127.0.0.1:1/_hfaas/runtime/{HIDDEN}"),
        ("https://b/k?X-Amz-Signature=ab&x=1", f"https://b/k?X-Amz-Signature={HIDDEN}&x=1"),
    ],
)
def test_credentials_within_a_value_are_hidden(value: str, shown: str) -> None:
    assert without_secrets({"URL": value}) == {"URL": shown}


def test_the_script_s_variables_in_the_function_s_settings_are_hidden_too() -> None:
    settings = {"container": {"environment": {"Variables": {"MODE": "dark", "DB_PASSWORD": "pw"}}}}
    shown = without_secrets({"FUNCTION_CONFIG": base64.b64encode(json.dumps(settings).encode()).decode()})
    variables = json.loads(base64.b64decode(shown["FUNCTION_CONFIG"]))["container"]["environment"]["Variables"]
    assert variables == {"MODE": "dark", "DB_PASSWORD": HIDDEN}
    assert without_secrets({"FUNCTION_CONFIG": "storage: {secret: x}"}) == {"FUNCTION_CONFIG": HIDDEN}
