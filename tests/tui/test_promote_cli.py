"""`hfaas plan`, `promote`, `destroy` and `status --target aws`: on terminals and without, on what plays AWS."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests import faults
from tests.faults import Proxy
from tests.registry import Registry
from tests.standin import StandIn, standin
from tests.tui.terminal import PROGRAM, Terminal

from hfaas_deploy import fdl, steps, template
from hfaas_deploy.building.images import DockerImages
from hfaas_deploy.promote.promotion import Rehearsal
from hfaas_deploy.promote.rehearsals import Rehearsals

pytestmark = [pytest.mark.docker, pytest.mark.slow]

TOKEN = "a-token-that-nobody-may-see"
PIPELINE = """\
hfaas: {{stack: {stack}}}
storage_providers:
  onedata:
    hub: {{oneprovider_host: hub.example.org, token: "${{HUB_TOKEN}}", space: films}}
functions:
  aws:
  - lambda:
      name: {stack}-copy
      memory: {memory}
      timeout: 30
      init_script: copy.sh
      container: {{image: "{image}"}}
      input: [{{storage_provider: s3, path: {stack}/in}}]
      output: [{{storage_provider: {output}, path: {place}}}]
"""
SCRIPT = """\
#!/bin/sh
cp "$INPUT_FILE_PATH" "$TMP_OUTPUT_DIR/"
"""


@dataclass
class Project:
    """A pipeline in a folder, and what plays AWS for it, reached by a proxy that can hold requests."""

    folder: Path
    stack: str
    image: str
    stand_in: StandIn
    proxy: Proxy
    account: str

    def write(self, *, memory: int = 128, onedata: bool = False) -> None:
        """Write the pipeline file anew."""
        output, place = ("onedata.hub", "out") if onedata else ("s3", f"{self.stack}/out")
        text = PIPELINE.format(stack=self.stack, image=self.image, memory=memory, output=output, place=place)
        (self.folder / "copy.sh").write_text(SCRIPT)
        (self.folder / "pipeline.yaml").write_text(text)

    def rehearse(self) -> None:
        """Note that this machine ran the pipeline as its file says now."""
        os.environ.setdefault("HUB_TOKEN", "rehearsed")
        pipeline = steps.checked(fdl.read(self.folder / "pipeline.yaml"), lambda _: None)
        os.environ.pop("HUB_TOKEN")
        images = DockerImages()
        ids = {}
        for function in pipeline.functions:
            made = images.identity(images.build(steps.source(function), lambda _: None))
            assert made is not None
            ids[function.name] = made.id
        sha = template.render(pipeline).sha256
        Rehearsals(self.folder / "xdg/hfaas/rehearsals").note(Rehearsal(self.stack, sha, ids, time.time(), "run"))

    @property
    def environ(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HFAAS_"))}
        return {
            **plain,
            **self.stand_in.environment,
            "AWS_ACCESS_KEY_ID": self.account,
            "HFAAS_AWS_STAND_IN": self.proxy.url,
            "XDG_STATE_HOME": str(self.folder / "xdg"),
            "COLUMNS": "200",
            "TERM": "xterm",
        }

    def hfaas(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command without a terminal."""
        command = [str(PROGRAM), *arguments]
        options: dict[str, Any] = {"cwd": self.folder, "env": self.environ, "stdin": subprocess.DEVNULL}
        return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, **options)

    def terminal(self, *arguments: str) -> Terminal:
        """Run a command on a terminal."""
        return Terminal(arguments, self.folder, self.environ)

    @property
    def status(self) -> str:
        """The Stack's status; empty for none."""
        found = json.loads(self.hfaas("status", "--target", "aws", "--json").stdout)["stacks"]
        return str(next((each["status"] for each in found if each["stack"] == self.stack), ""))


@pytest.fixture(scope="module")
def aws_played(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Iterator[StandIn]:
    with standin(tmp_path_factory.mktemp("aws"), registry.address, "docker") as found:
        yield found


@pytest.fixture
def project(tmp_path: Path, aws_played: StandIn, base_image: str) -> Iterator[Project]:
    """A rehearsed pipeline of one function for an account of its own; its Stack, bucket, repository and image go when the test is over."""
    with faults.before(aws_played.url) as proxy:
        stack, account = f"cli-{uuid.uuid4().hex[:8]}", f"21{uuid.uuid4().int % 10**10:010d}"
        made = Project(tmp_path, stack, base_image, aws_played, proxy, account)
        made.write()
        made.rehearse()
        yield made
        proxy.mend()
        gone = made.hfaas("destroy", "--purge-all", "--images", "--yes")
        assert gone.returncode == 0, gone.stderr
    names = subprocess.run(
        ["docker", "images", "-q", f"hfaas/{made.stack}-copy"], capture_output=True, text=True, check=True
    ).stdout.split()  # fmt: skip
    subprocess.run(["docker", "rmi", "-f", *set(names)], capture_output=True, check=False)


def promoted(project: Project, *more: str) -> subprocess.CompletedProcess[str]:
    return project.hfaas("promote", "--yes", "--account", project.account[-4:], *more)


def test_a_plan_shows_from_where_to_where_and_touches_nothing(project: Project) -> None:
    told = project.hfaas("plan")

    assert told.returncode == 0, told.stderr
    assert f"-> STAND-IN {project.account} eu-west-1 as arn:" in told.stdout
    assert "LOCAL rehearsal" in told.stdout
    assert "1 image to push" in told.stdout.splitlines()[-1]
    assert f"NOT AWS: {project.proxy.url} stands in for it" in told.stderr
    assert project.status == ""
    document = json.loads(project.hfaas("plan", "--json").stdout)
    assert (document["ok"], document["is_first"], document["stack"]) == (True, True, project.stack)


def test_without_a_terminal_it_is_said_what_is_missing_to_agree(project: Project) -> None:
    told = project.hfaas("promote")

    assert told.returncode == 1
    assert f"add --yes --account {project.account[-4:]} to agree" in told.stderr
    assert project.status == ""


def test_another_account_than_the_one_that_was_named_is_refused(project: Project) -> None:
    told = project.hfaas("promote", "--yes", "--account", "none")

    assert told.returncode == 1
    assert f"--account none was said, but these credentials are of {project.account}" in told.stderr


def test_what_was_never_rehearsed_is_not_promoted(project: Project) -> None:
    project.write(memory=256)

    told = promoted(project)

    assert told.returncode == 1
    assert "the emulator never ran exactly this" in told.stderr
    assert "hfaas deploy" in told.stderr
    assert project.status == ""


def test_a_promotion_ends_with_a_document_and_a_second_one_has_nothing_to_do(project: Project) -> None:
    first = promoted(project, "--json")
    assert first.returncode == 0, first.stderr
    document = json.loads(first.stdout.splitlines()[-1])
    assert (document["ok"], document["stack"], document["account"]) == (True, project.stack, project.account)
    assert f"{project.stack}-copy: works: it starts and reads its configuration" in first.stderr

    again = project.hfaas("promote")
    assert again.returncode == 0, again.stderr
    assert "nothing to do: AWS has exactly this" in again.stdout
    assert f"{project.stack}: no changes" in again.stdout

    told = project.hfaas("status", "--target", "aws", "-f", "pipeline.yaml")
    assert "as the file says" in told.stdout
    assert "sha256:" in told.stdout


def test_on_a_terminal_the_first_promotion_wants_the_last_digits_typed(project: Project) -> None:
    wrong = project.terminal("promote")
    wrong.until("Its last 4 digits")
    wrong.type("no")
    assert wrong.end() == 1
    assert "nothing was done" in wrong.shown
    assert project.status == ""

    right = project.terminal("promote")
    right.until("Its last 4 digits")
    right.type(project.account[-4:])
    assert right.end() == 0, right.shown
    assert project.status == "CREATE_COMPLETE"


def test_a_removal_is_agreed_to_by_a_second_word(project: Project) -> None:
    assert promoted(project).returncode == 0
    text = (project.folder / "pipeline.yaml").read_text().replace(f"{project.stack}-copy", f"{project.stack}-kopie")
    (project.folder / "pipeline.yaml").write_text(text)
    project.rehearse()

    refused = project.hfaas("promote", "--yes")
    assert refused.returncode == 1
    assert "is removed" in refused.stderr
    assert "add --replace to agree" in refused.stderr

    terminal = project.terminal("promote")
    terminal.until("[y/N]")
    terminal.type("y")
    terminal.until("Type `replace` to go on")
    terminal.type("replace")
    assert terminal.end() == 0, terminal.shown


def test_ctrl_c_says_that_aws_goes_on_and_the_same_command_ends_it(project: Project) -> None:
    moment = project.proxy.hold("Action=ExecuteChangeSet", skip=1)  # the first is that of the repositories
    begun = project.terminal("promote", "--yes", "--account", project.account[-4:])
    moment.wait()
    assert begun.interrupt() == 130, begun.shown
    assert "AWS goes on by itself with what it has begun; the same command goes on from there" in begun.shown
    project.proxy.mend()

    again = promoted(project)
    assert again.returncode == 0, again.stderr
    assert project.status == "CREATE_COMPLETE"


def test_a_token_that_is_missing_is_asked_for_unseen_and_stored(project: Project) -> None:
    project.write(onedata=True)
    project.rehearse()

    refused = promoted(project)
    assert refused.returncode == 1
    assert "set HUB_TOKEN" in refused.stderr

    terminal = project.terminal("promote", "--yes", "--account", project.account[-4:])
    terminal.until("HUB_TOKEN:")
    terminal.type(TOKEN)
    assert terminal.end() == 0, terminal.shown
    assert TOKEN not in terminal.shown
    assert "its keys are in its secret" in terminal.shown


def test_destroying_wants_the_names_typed_and_keeps_buckets_that_are_not_named(project: Project) -> None:
    assert promoted(project).returncode == 0
    bucket = f"s3://{project.stack}/kept/"
    assert project.hfaas("put", "copy.sh", bucket, "--target", "aws").returncode == 0

    refused = project.hfaas("destroy")
    assert refused.returncode == 1
    assert "add --yes" in refused.stderr

    terminal = project.terminal("destroy")
    terminal.until("Type its name")
    terminal.type(project.stack)
    assert terminal.end() == 0, terminal.shown
    assert "1 object" in terminal.shown
    told = f"{project.stack}: gone; what stays: s3://{project.stack}, hfaas/{project.stack}-copy"
    assert terminal.shown.count(": gone") == 1
    assert told in terminal.shown
    assert project.status in {"", "gone"}
    shown = project.hfaas("status", "--target", "aws").stdout
    assert f"Stack {project.stack} is gone. What remains of it costs about " in shown
    assert "1 image, " in shown
    assert f"`hfaas destroy --stack {project.stack} --purge-all --images --target aws` removes it for good" in shown
    assert "copy.sh" in project.hfaas("ls", bucket, "--target", "aws").stdout


def test_purging_wants_the_buckets_name_after_its_content_was_shown(project: Project) -> None:
    assert promoted(project).returncode == 0
    assert project.hfaas("destroy", "--purge", "other").returncode == 2

    wrong = project.terminal("destroy", "--purge", project.stack)
    wrong.until("Type its name")
    wrong.type(project.stack)
    wrong.until(f"Delete bucket {project.stack} with 0 objects, 0 B for good? Type its name")
    wrong.type("no")
    assert wrong.end() == 1
    assert project.status == "CREATE_COMPLETE"
