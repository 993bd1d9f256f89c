"""The role's keys in a Job on AWS: from the address that ECS gives, not from variables."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hfaas_supervisor import container_keys
from hfaas_supervisor.errors import ProviderAuth
from hfaas_supervisor.keys import FULL, RELATIVE, Keys, role_keys

if TYPE_CHECKING:
    from tests.supervisor.conftest import S3, Box, Serve


class Agent(BaseHTTPRequestHandler):
    """Lends numbered keys at /keys."""

    tokens: list[str | None]
    lifetime_s = 3600
    busy = 0

    def do_GET(self) -> None:
        self.tokens.append(self.headers["Authorization"])
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.lifetime_s))
        keys = {"AccessKeyId": f"K{len(self.tokens)}", "SecretAccessKey": "S", "Token": "T", "Expiration": expires}
        body = json.dumps(keys).encode()
        busy = len(self.tokens) <= self.busy
        self.send_response(429 if busy else 200 if self.path == "/keys" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> type[Agent]:
    handler = type("Handler", (Agent,), {"tokens": []})
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", RELATIVE, FULL):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(container_keys, "_lent", None)
    monkeypatch.setattr(container_keys, "PAUSE_S", 0.01)
    monkeypatch.setattr(container_keys, "HOST", f"http://{serve(handler)}")
    return handler


def test_a_relative_address_is_one_at_the_agent(agent: type[Agent], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RELATIVE, "/keys")
    assert [role_keys(), role_keys()] == [Keys("K1", "S", "T")] * 2
    assert agent.tokens == [None]


def test_keys_about_to_expire_are_asked_for_again(agent: type[Agent], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RELATIVE, "/keys")
    agent.lifetime_s = container_keys.EARLY_S - 10
    assert [role_keys().id, role_keys().id] == ["K1", "K2"]


def test_a_full_address_is_asked_with_the_token_of_a_variable_or_a_file(
    agent: type[Agent], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    agent.lifetime_s = 0
    monkeypatch.setenv(FULL, f"{container_keys.HOST}/keys")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "variable")
    role_keys()
    (tmp_path / "token").write_text("file\n")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    role_keys()
    assert agent.tokens == ["variable", "file"]


def test_an_agent_that_is_busy_is_asked_again(agent: type[Agent], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RELATIVE, "/keys")
    agent.busy = 2
    assert role_keys().id == "K3"


def test_an_agent_that_refuses_is_named(agent: type[Agent], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RELATIVE, "/elsewhere")
    with pytest.raises(ProviderAuth, match=r"/elsewhere.*404"):
        role_keys()


@pytest.mark.parametrize("by_file", [False, True])
def test_a_job_reaches_s3_with_the_keys_of_its_container(
    box: Box, s3: S3, agent: type[Agent], tmp_path: Path, by_file: bool
) -> None:
    box.script('cat "$INPUT_FILE_PATH"\n')
    del box.environment["AWS_ACCESS_KEY_ID"], box.environment["AWS_SECRET_ACCESS_KEY"]
    (tmp_path / "token").write_text("secret")
    token = {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token")} if by_file else {}
    s3.put("a", b"hello\n")
    answer = box.batch(s3.event("a"), **{FULL: f"{container_keys.HOST}/keys"}, **token)
    assert "hello\n" in answer.log
    assert agent.tokens
