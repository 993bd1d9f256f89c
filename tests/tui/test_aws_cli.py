"""Commands with `--target aws`, on an emulator that plays AWS and knows nothing of `hfaas`'s own interface."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests import faults
from tests.faults import Proxy
from tests.standin import REGION, StandIn

from hfaas_deploy import deploy, fdl
from hfaas_deploy.aws import target
from hfaas_deploy.building.layers import LayerImages
from hfaas_tui import log
from hfaas_tui.cli import execute

Hfaas = Callable[..., tuple[int, str, str]]

PIPELINE = """\
hfaas: {{stack: {stack}}}
functions:
  aws:
  - lambda: &both
      name: {stack}-one
      memory: 128
      timeout: 20
      init_script: echo.sh
      container: {{image: debian}}
      input: [{{storage_provider: s3, path: {stack}/in}}]
      output: [{{storage_provider: s3, path: {stack}/out}}]
    hfaas: {{url: iam}}
  - lambda: {{<<: *both, name: {stack}-two, input: []}}
    api_gateway: {{name: {stack}-two}}
"""
SCRIPT = """\
#!/bin/sh
echo "working"
cat "$INPUT_FILE_PATH"
"""


@dataclass
class Site:
    """A Stack of two functions: one with a signed URL, one behind an HTTP API."""

    stack: str
    stand_in: StandIn
    proxy: Proxy

    @property
    def one(self) -> str:
        return f"{self.stack}-one"

    @property
    def two(self) -> str:
        return f"{self.stack}-two"


@pytest.fixture(scope="module")
def site(shared_stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Bring the Stack up; commands reach it by a proxy that can make AWS refuse."""
    stand_in = shared_stand_in.apart()
    folder, stack = tmp_path_factory.mktemp("pipeline"), f"cli-{uuid.uuid4().hex[:8]}"
    (folder / "echo.sh").write_text(SCRIPT)
    (folder / "pipeline.yaml").write_text(PIPELINE.format(stack=stack))
    with pytest.MonkeyPatch.context() as patch, faults.before(stand_in.url) as proxy:
        there = stand_in.use(patch)
        pipeline = fdl.read(folder / "pipeline.yaml")
        deploy.deploy(pipeline, there, LayerImages(stand_in.url), lambda _: None)
        api = there.client("lambda")
        known = api.get_function(FunctionName=f"{stack}-one")
        like = {"Role": known["Configuration"]["Role"], "Code": {"ImageUri": known["Code"]["ImageUri"]}}
        api.create_function(FunctionName=f"{stack}-stranger", PackageType="Image", **like)
        yield Site(stack, stand_in, proxy)


@pytest.fixture
def hfaas(site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Hfaas]:
    """Run a command on AWS; returns exit code, output and errors."""
    site.stand_in.use(monkeypatch)
    monkeypatch.setenv("HFAAS_AWS_STAND_IN", site.proxy.url)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("NO_COLOR", "1")

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = execute([*arguments, "--target", "aws"])
        said = capsys.readouterr()
        return code, said.out, said.err

    yield call
    site.proxy.mend()
    target.forget_credentials()


def functions(hfaas: Hfaas, site: Site, *more: str) -> dict[str, str]:
    """Return the Stack of each function of the site that is listed."""
    found = json.loads(hfaas("ls", "--json", *more)[1])
    return {each["function"]: each["stack"] for each in found if each["function"].startswith(site.stack)}


def test_ls_shows_what_hfaas_brought_there_with_its_stack(hfaas: Hfaas, site: Site) -> None:
    assert functions(hfaas, site) == {site.one: site.stack, site.two: site.stack}


def test_ls_all_shows_functions_of_others_too(hfaas: Hfaas, site: Site) -> None:
    assert functions(hfaas, site, "--all")[f"{site.stack}-stranger"] == ""


def test_files_go_into_a_bucket_and_come_back(hfaas: Hfaas, site: Site, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")

    assert hfaas("put", str(tmp_path / "a.txt"), f"s3://{site.stack}/kept/")[0] == 0
    assert f"s3://{site.stack}/kept/a.txt" in hfaas("ls", f"s3://{site.stack}/kept/")[1]
    assert hfaas("get", f"s3://{site.stack}/kept/", str(tmp_path / "back"))[0] == 0
    assert (tmp_path / "back" / "a.txt").read_text() == "hello"


@pytest.mark.parametrize(
    "command",
    [("ls", "onedata://lab/in/"), ("get", "onedata://lab/in/a"), ("put", "pyproject.toml", "onedata://lab/in/")],
)
def test_a_space_is_reached_at_its_oneprovider(hfaas: Hfaas, command: tuple[str, ...]) -> None:
    code, _, err = hfaas(*command)

    assert code == 1
    assert "a space is reached at its Oneprovider" in err


def test_url_and_invoke_over_http_are_signed_with_the_users_keys(hfaas: Hfaas, site: Site) -> None:
    (own,) = json.loads(hfaas("url", site.one, "--json")[1])
    (api,) = json.loads(hfaas("url", site.two, "--json")[1])
    assert (own["kind"], own["authorization"], api["kind"], api["authorization"]) == (
        "function URL",
        "AWS_IAM",
        "HTTP API",
        "AWS_IAM",
    )

    for name in (site.one, site.two):
        code, out, err = hfaas("invoke", name, "--http", "--data", __file__, "--json")
        assert code == 0, err
        assert json.loads(out)["status"] == 200


def test_an_invocation_answers_and_its_log_can_be_read(hfaas: Hfaas, site: Site) -> None:
    code, _, err = hfaas("invoke", site.one, "--event", '"words"', "--log")
    assert code == 0, err
    assert "working" in err

    code, out, err = hfaas("logs", site.one)
    assert code == 0
    assert "working" in out
    assert "last 1h" in err


def test_an_invocation_may_be_queued(hfaas: Hfaas, site: Site) -> None:
    code, out, _ = hfaas("invoke", site.one, "--async", "--json")

    assert (code, json.loads(out)["status"]) == (0, 202)


def test_jobs_are_those_of_the_account(hfaas: Hfaas) -> None:
    code, out, err = hfaas("jobs", "--json")

    assert code == 0, err
    assert json.loads(out) == []


def test_a_missing_log_group_is_told_in_words_even_when_followed(hfaas: Hfaas) -> None:
    code, _, err = hfaas("logs", "nobody", "-f")

    assert code == 1
    assert "there is no log group /aws/lambda/nobody" in err
    assert "hfaas ls --target aws" in err


@pytest.mark.parametrize("command", [("ls",), ("jobs",), ("logs", "any"), ("url",), ("ls", "s3://any/")])
def test_expired_credentials_are_told_in_words(hfaas: Hfaas, site: Site, command: tuple[str, ...]) -> None:
    site.proxy.refuse(
        code="ExpiredToken", message="The security token included in the request is expired", status=403
    )

    code, _, err = hfaas(*command)

    assert code == 1
    assert "expired" in err
    assert "aws sso login" in err


def test_a_missing_permission_names_the_action(hfaas: Hfaas, site: Site) -> None:
    denied = f"User: arn:aws:iam::{site.stand_in.account}:user/a is not authorized to perform: lambda:ListFunctions on resource: *"
    site.proxy.refuse("GET", "/functions", code="AccessDeniedException", message=denied, status=403)

    code, _, err = hfaas("ls", "--all")

    assert code == 1
    assert "lacks the permission lambda:ListFunctions" in err


def test_without_credentials_it_is_said_how_to_get_some(hfaas: Hfaas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    code, _, err = hfaas("ls")

    assert code == 1
    assert "no credentials for AWS were found" in err
    assert "aws configure" in err


def test_what_only_the_emulator_knows_has_no_target(hfaas: Hfaas) -> None:
    assert hfaas("why", "s3://a/b")[0] == 2


class Late:
    """A log group whose lines come when the test says."""

    def __init__(self, client: Any, group: str) -> None:
        self.client, self.group, self.stream = client, group, "s"
        client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName=self.stream)

    def write(self, text: str, at: int) -> None:
        events = [{"timestamp": at, "message": text}]
        self.client.put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=events)


def test_a_line_that_comes_late_is_still_told_and_none_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    there = site.stand_in.use(monkeypatch)
    group = Late(there.client("logs"), f"/aws/lambda/{site.stack}-late")
    now = int(time.time() * 1000)
    waits: list[float] = []

    looks = log.follow(there.client("logs"), group.group, now - 600_000, log.AWS, waits.append)
    group.write("first", now - 5_000)
    assert [each["message"] for each in next(looks)] == ["first"]
    group.write("late", now - 30_000)
    assert [each["message"] for each in next(looks)] == ["late"]
    assert next(looks) == []
    assert next(looks) == []
    assert waits == [1, 1, 1.5], "who is quiet is asked more seldom"


def test_following_goes_slower_when_aws_asks_for_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.stand_in.use(monkeypatch)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with faults.before(site.stand_in.url) as proxy:
        client = target.Target.aws(REGION, stand_in=proxy.url).client("logs")
        client.create_log_group(logGroupName=(group := f"/aws/lambda/{site.stack}-busy"))
        proxy.refuse("FilterLogEvents", code="ThrottlingException", message="Rate exceeded", times=3)
        waits: list[float] = []

        assert next(log.follow(client, group, 0, log.AWS, waits.append)) == []
    assert waits == [2]
    assert proxy.came("FilterLogEvents") == 4, "three attempts of one request, then ours"
