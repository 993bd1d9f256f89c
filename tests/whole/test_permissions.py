"""A function whose role lacks a permission fails here as on AWS, and the words say what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import boto3
import pytest

from hfaas_emulator.trace import Hop, What
from hfaas_tui.watch import find

Hfaas = Callable[..., CompletedProcess[str]]

ENGINES = [
    pytest.param("process", id="process", marks=pytest.mark.slow),
    pytest.param("docker", id="docker", marks=pytest.mark.docker),
]
OUTPUT = "arn:aws:s3:::greetings/out/a.txt"


@pytest.fixture
def image(request: pytest.FixtureRequest, engine: str) -> str:
    return request.getfixturevalue("base_image") if engine == "docker" else "not-used"


def client(endpoint: str, service: str) -> Any:
    make: Any = boto3.client
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return make(service, endpoint_url=endpoint, region_name="us-east-1", **keys)


def take_away(endpoint: str, action: str) -> str:
    """Take an action out of the role of the function hello, and return the role's name."""
    configuration = client(endpoint, "lambda").get_function_configuration(FunctionName="hello")
    iam, role = client(endpoint, "iam"), configuration["Role"].rpartition("/")[2]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    kept = [each for each in document["Statement"] if action not in each["Action"]]
    assert len(kept) < len(document["Statement"])
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps({**document, "Statement": kept}))
    return str(role)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_function_that_may_not_write_its_output_fails_in_awss_words_and_why_names_the_permission(
    hfaas: Hfaas,
    hello: Callable[[str], Path],
    emulator: Callable[..., str],
    engine: str,
    image: str,
    tmp_path: Path,
) -> None:
    emulator(engine)
    deployed = hfaas("deploy", "-f", hello(image))
    assert deployed.returncode == 0, deployed.stderr
    running = find(None, tmp_path / ".hfaas")
    role = take_away(running.endpoint, "s3:PutObject")
    (tmp_path / "a.txt").write_text("hello")

    hfaas("put", "a.txt", "s3://greetings/in/")
    failed: Hop = next(hop for hop in running.follow() if hop.what is What.INVOCATION_FAILED)
    told = hfaas("why", "s3://greetings/in/a.txt")

    assert f":assumed-role/{role}/hello is not authorized to perform: s3:PutObject" in failed.detail["message"]
    assert "because no identity-based policy allows the s3:PutObject action" in failed.detail["message"]
    assert told.stdout.splitlines()[-1].endswith(f"the role {role} lacks s3:PutObject on {OUTPUT}")
