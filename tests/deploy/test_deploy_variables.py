"""Secret variables from the user's environment to the script, past everything that keeps what it is told."""

from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from hfaas_deploy import deploy, fdl
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.layers import LayerImages
from hfaas_deploy.messages import Message, SecretMissing, SecretStored

SECRET = "t0k3n-of-mine"
FILE = """\
hfaas: {{stack: {name}}}
functions:
  aws:
  - lambda:
      name: {name}
      init_script: tell.sh
      container: {{image: x, environment: {{Variables: {{API_TOKEN: "${{HFAAS_TEST_API_TOKEN}}", EVERY: 2}}}}}}
"""


@pytest.fixture(name="name")
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"tell-{uuid.uuid4().hex[:8]}"
    monkeypatch.chdir(tmp_path)
    Path("tell.sh").write_text('#!/bin/sh\necho "$EVERY:$API_TOKEN:$HFAAS_SECRET_VARIABLES"\n')
    Path("pipeline.yaml").write_text(FILE.format(name=name))
    return name


def deployed(target: Target) -> list[Message]:
    told: list[Message] = []
    deploy.deploy(fdl.read(Path("pipeline.yaml")), target, LayerImages(target.endpoint), told.append)
    return [message for message in told if isinstance(message, (SecretStored, SecretMissing))]


def invoke(target: Target, name: str) -> tuple[str, str]:
    answer = target.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    return answer.get("FunctionError", ""), answer["Payload"].read().decode()


def known(target: Target, name: str) -> str:
    """What CloudFormation and Lambda keep of it."""
    stacks, functions = target.client("cloudformation"), target.client("lambda")
    kept: list[Any] = [
        stacks.get_template(StackName=name)["TemplateBody"],
        stacks.describe_stacks(StackName=name),
        stacks.describe_stack_events(StackName=name),
        functions.get_function(FunctionName=name),
    ]
    return json.dumps(kept, default=str)


def test_the_script_has_the_value_and_nobody_keeps_it(
    target: Target, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFAAS_TEST_API_TOKEN", SECRET)

    assert deployed(target) == [SecretStored(f"variables.{name}")]

    error, answer = invoke(target, name)
    assert (error, base64.b64decode(json.loads(answer)["body"]).decode()) == ("", f"2:{SECRET}:\n")
    assert SECRET not in known(target, name)
    assert "API_TOKEN" not in known(target, name)
    assert deployed(target) == []


def test_a_value_that_nobody_has_set_is_said_at_the_deploy_and_by_the_function(
    target: Target, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HFAAS_TEST_API_TOKEN", raising=False)

    assert deployed(target) == [SecretMissing(f"variables.{name}", ("HFAAS_TEST_API_TOKEN",))]

    error, answer = invoke(target, name)
    assert error
    assert "ProviderAuth" in answer
