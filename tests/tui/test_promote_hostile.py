"""`hfaas plan`, `promote` and `destroy` among hostile texts, wrong words and poor surroundings."""

# ruff: noqa: F811 - fixtures of another module

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError
from tests import faults
from tests.faults import Proxy
from tests.registry import Registry
from tests.standin import StandIn
from tests.tui.terminal import PROGRAM, Terminal
from tests.tui.ui import promoter as fakes
from tests.tui.ui.corpus import EVERYTHING, SHORT
from tests.tui.ui.promoter import FakePromoter
from tests.tui.ui.screen import SMALL, WIDE, wait_for
from tests.tui.ui.test_hostile_views import press
from tests.tui.ui.test_promote import World, project, view, world  # noqa: F401 - fixtures
from tests.tui.ui.test_promote_steps import ended, planned
from textual.widgets import Input

from hfaas_deploy import messages
from hfaas_deploy.aws.changes import Change
from hfaas_deploy.aws.events import Event
from hfaas_deploy.aws.target import Target
from hfaas_deploy.preview import Action
from hfaas_deploy.promote.promotion import BucketPlan, Owner, Promotion, SecretPlan, Statement
from hfaas_tui import endpoints
from hfaas_tui.errors import CliError
from hfaas_tui.ui.project.promoting import Refused

pytestmark = pytest.mark.slow

TOKEN = "a-token-that-nobody-may-see"
FUNCTION = """\
  - lambda:
      name: {name}
      timeout: 30
      container:
        image: "{image}"
        create_image: false
      input: [{{storage_provider: s3, path: {stack}/{name}}}]
      output: [{{storage_provider: onedata.hub, path: out}}]
"""
SPACE = """\
storage_providers:
  onedata: {hub: {oneprovider_host: hub.example.org, token: "${HOSTILE_TOKEN}", space: films}}
"""
HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x1b[2J[red]evil[/] \u202eecho\u2066\r\nerror: forged"
ESCAPE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass
class Place:
    """A pipeline whose image lies in the registry already, and what plays AWS behind a proxy."""

    folder: Path
    stand_in: StandIn
    proxy: Proxy
    image: str
    stack: str = field(default_factory=lambda: f"hostile-{uuid.uuid4().hex[:8]}")

    def write(self, functions: int = 1, head: str = "") -> None:
        """Write the pipeline file anew."""
        names = [f"{self.stack}-f{number}" for number in range(functions)]
        text = "".join(FUNCTION.format(name=name, image=self.image, stack=self.stack) for name in names)
        body = f"functions:\n  aws:\n{text}" if functions else "functions: {aws: []}\n"
        (self.folder / "pipeline.yaml").write_text(f"hfaas: {{stack: {self.stack}{head}}}\n{SPACE}{body}")

    @property
    def environ(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HFAAS_"))}
        return {
            **plain,
            **self.stand_in.environment,
            "HFAAS_AWS_STAND_IN": self.proxy.url,
            "HOSTILE_TOKEN": TOKEN,
            "XDG_STATE_HOME": str(self.folder / "xdg"),
            "COLUMNS": "200",
            "TERM": "xterm",
        }

    def hfaas(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command without a terminal; `environ` replaces some of the variables."""
        environ = {**self.environ, **options.pop("environ", {})}
        options = {"stdin": subprocess.DEVNULL, "capture_output": True, **options}
        command = [str(PROGRAM), *arguments]
        return subprocess.run(command, cwd=self.folder, env=environ, text=True, check=False, timeout=200, **options)

    def promoted(self) -> subprocess.CompletedProcess[str]:
        """Promote without being asked."""
        return self.hfaas("promote", "--yes", "--unrehearsed", "--account", "4321", "--replace")

    def terminal(self, *arguments: str, **environ: str) -> Terminal:
        return Terminal(arguments, self.folder, {**self.environ, **environ})


@pytest.fixture
def place(tmp_path: Path, stand_in: StandIn, aws: Target, registry: Registry) -> Iterator[Place]:
    with suppress(ClientError):
        aws.client("ecr").create_repository(repositoryName="team/hostile")
    registry.push("team/hostile", "1", text="one")
    (tmp_path / "work").mkdir()
    with faults.before(stand_in.url) as proxy:
        made = Place(tmp_path / "work", stand_in, proxy, f"{registry.address}/team/hostile:1")
        made.write()
        yield made


def say(proxy: Proxy, patch: pytest.MonkeyPatch, kind: str, text: str, *words: str, status: int = 200) -> None:
    """Have what plays AWS answer with a text of ours."""
    patch.setattr(faults, "_error", lambda *_: (kind, text.encode()))
    proxy.refuse(*words, code="none", status=status)


IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:iam::210987654321:user/&#x202e;[red]evil[/]&#xa;error: forged</Arn>"
    "<UserId>x</UserId><Account>210987654321</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)


@pytest.mark.parametrize("command", [["plan"], ["destroy", "--yes"], ["status", "--target", "aws"]])
def test_a_name_of_a_user_can_neither_paint_nor_forge_lines(
    place: Place, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    say(place.proxy, monkeypatch, "text/xml", IDENTITY, "Action=GetCallerIdentity")

    done = place.hfaas(*command)

    assert done.returncode == 0
    told = done.stdout + done.stderr
    assert "[red]evil[/]" in told
    assert not ESCAPE.search(told)
    assert not re.search("^error: forged", told, re.MULTILINE)


def test_a_refusal_of_aws_cannot_steer_a_terminal(place: Place) -> None:
    said = "\u202e[red]evil[/]\u2066 \x85 [/] \\"
    place.proxy.refuse("Action=DescribeStacks", code="ValidationError", message=said)

    done = place.hfaas("plan")

    assert done.returncode == 1
    assert "[red]evil[/]" in done.stderr
    assert not ESCAPE.search(done.stdout + done.stderr)
    assert "Traceback" not in done.stderr


def test_events_of_a_stack_cannot_steer_a_terminal_or_forge_lines(place: Place) -> None:
    from hfaas_deploy.aws.events import Event
    from hfaas_deploy.messages import Happened
    from hfaas_tui import promotions

    (line,) = promotions.lines(Happened(Event("1", "Role", "AWS::IAM::Role", "CREATE_FAILED", HOSTILE)))

    assert "\n" not in line


def test_no_secret_is_in_anything_that_a_promotion_shows_or_keeps(place: Place) -> None:
    debug = {"BOTO_LOG_LEVEL": "DEBUG", "PYTHONWARNINGS": "always"}
    told = [place.hfaas("plan", environ=debug), place.hfaas("plan", "--json"), place.promoted()]
    told += [place.hfaas("promote", "--yes", "--unrehearsed", "--json"), place.hfaas("status", "--target", "aws")]
    told += [place.hfaas("plan", environ={"HOSTILE_TOKEN": TOKEN + "2"})]

    assert [one.returncode for one in told] == [0] * 6
    assert not [one for one in told if TOKEN in one.stdout + one.stderr]
    assert not [path for path in place.folder.rglob("*") if path.is_file() and TOKEN in path.read_text()]
    s3 = place.stand_in.target().client("s3")
    (artifacts,) = [one["Name"] for one in s3.list_buckets()["Buckets"] if "artifacts" in one["Name"]]
    records = s3.list_objects_v2(Bucket=artifacts, Prefix=f"promotions/{place.stack}/")["Contents"]
    bodies = [s3.get_object(Bucket=artifacts, Key=one["Key"])["Body"].read().decode() for one in records]
    assert bodies
    assert not [body for body in bodies if TOKEN in body]


def test_a_secret_that_aws_refuses_is_not_in_what_is_said_of_it(place: Place) -> None:
    place.proxy.cut("secretsmanager.PutSecretValue", times=faults.ALWAYS)

    done = place.promoted()

    assert done.returncode == 1
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://me:pa55word@127.0.0.1:1", "no password in it"),
        ("http://evil.example", "must be on this machine"),
        ("nonsense\x1b[2J\u202e", "is not an endpoint"),
    ],
)
def test_what_stands_in_for_aws_is_named_without_password_or_escapes(place: Place, url: str, told: str) -> None:
    done = place.hfaas("plan", environ={"HFAAS_AWS_STAND_IN": url})

    assert done.returncode == 1
    assert told in done.stderr
    assert not ESCAPE.search(done.stdout + done.stderr)
    assert "pa55word" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["", "*", "../x", "arn:aws:cloudformation:eu-west-1:1:stack/x/y", "a\x1b[2J"])
def test_what_is_no_name_does_not_destroy_what_the_pipeline_file_names(place: Place, name: str) -> None:
    """`--stack "$NAME"`, with NAME not set."""
    assert place.promoted().returncode == 0

    done = place.hfaas("destroy", "--stack", name, "--yes")

    assert done.returncode == 2
    assert "is no name of a Stack" in done.stderr
    assert not ESCAPE.search(done.stderr)
    assert place.stand_in.target().client("cloudformation").describe_stacks(StackName=place.stack)["Stacks"]


@pytest.mark.parametrize("account", ["12ab", "9999", "\uff14\uff13\uff12\uff11", "4321 "])
def test_another_account_than_was_said_is_refused_even_where_nothing_is_to_do(place: Place, account: str) -> None:
    assert place.promoted().returncode == 0

    done = place.hfaas("promote", "--yes", "--unrehearsed", "--account", account)

    assert done.returncode == 1
    assert f"these credentials are of {place.stand_in.account}" in done.stderr


@pytest.mark.parametrize("redirected", ["<&-", ">&-", "2>&-", "| true", ">/dev/full", "2>/dev/full"])
@pytest.mark.parametrize("command", ["plan", "plan --json", "promote --yes --unrehearsed", "destroy"])
def test_streams_that_are_closed_or_full_end_without_a_traceback(
    place: Place, redirected: str, command: str
) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{PROGRAM} {command} {redirected}"],
        cwd=place.folder,
        env=place.environ,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )

    assert "Traceback" not in done.stdout + done.stderr


def test_names_that_are_no_buckets_of_the_stack_purge_nothing(place: Place) -> None:
    assert place.promoted().returncode == 0

    for name in (
        "*",
        f"../{place.stack}",
        f"{place.stack}/",
        place.stack[:-1],
        f"hfaas-artifacts-{place.stand_in.account}-eu-west-1",
    ):
        done = place.hfaas("destroy", "--yes", "--purge", name)
        assert done.returncode == 2
        assert f"is no bucket of {place.stack}" in done.stderr

    assert place.stand_in.target().client("cloudformation").describe_stacks(StackName=place.stack)["Stacks"]


@pytest.mark.parametrize(
    "surroundings",
    [
        {"TERM": "dumb"},
        {"COLUMNS": "1"},
        {"HOME": "/nonexistent", "XDG_STATE_HOME": ""},
        {"XDG_STATE_HOME": "/proc/1"},
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        {"HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"},
    ],
)
def test_a_plan_needs_neither_a_home_nor_a_terminal(place: Place, surroundings: dict[str, str]) -> None:
    done = place.hfaas("plan", environ=surroundings)

    assert done.returncode == 0, done.stderr
    assert place.stack in done.stdout


def test_a_plan_on_a_narrow_terminal_is_whole(place: Place) -> None:
    terminal = place.terminal("plan", COLUMNS="40", TERM="dumb")

    assert terminal.end() == 0
    assert "8 to add" in terminal.shown


def test_a_pipeline_without_functions_is_told(place: Place) -> None:
    place.write(functions=0)

    assert "no Function is defined" in place.hfaas("promote", "--yes").stderr


def spoiled(file: Path) -> Promotion:
    """A plan in which every text that AWS tells is hostile."""
    plan = fakes.promotion(file)
    return replace(
        plan,
        identity=replace(plan.identity, arn=EVERYTHING, alias=EVERYTHING, host=EVERYTHING),
        stack_status=EVERYTHING,
        repositories=SHORT,
        notes=SHORT,
        images=tuple(replace(one, reference=EVERYTHING, digest=EVERYTHING, tag=EVERYTHING) for one in plan.images),
        buckets=tuple(BucketPlan(text, Owner.OURS, note=text) for text in SHORT),
        statements=tuple(
            Statement(Action.ADD, text, text, (text,), (text,), condition=text, principal=text) for text in SHORT
        ),
        secrets=(SecretPlan(EVERYTHING, is_new=True),),
        changes=(*plan.changes, *(Change("Remove", text, text) for text in SHORT)),
    )


def spoken(texts: tuple[str, ...]) -> Iterator[object]:
    """What AWS, an engine and Functions may say of a promotion."""
    for text in texts:
        yield messages.PushStarted(text, text, 10, 1)
        yield messages.LayerMoved(text, text, 1, 10, messages.LayerState.PUSHING)
        yield messages.PushCut(text, text, 1.0)
        yield messages.Unheard(text, text)
        yield messages.Happened(Event(text, text, text, text, text))
        yield messages.SmokeStarted(text)
        yield messages.Smoked(text, False, text)
        yield messages.Recorded(text, text)


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_no_text_of_a_promotion_steers_the_terminal_ui(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    fake = FakePromoter(spoiled)
    fake.script = [*spoken(SHORT)]
    fake.fails = Refused(EVERYTHING, EVERYTHING)
    async with planned(world, project, fake, size) as (app, pilot):
        await press(pilot, "down", "enter", *["pagedown"] * 6, "home", "tab", *["pagedown"] * 4, "P")
        await wait_for(pilot, lambda: isinstance(app.screen.focused, Input), "the question for the account")
        await press(pilot, *"4321", "enter")
        await wait_for(pilot, lambda: view(app).deployed.undertaking, "the promotion")
        await ended(app, pilot)
        await press(pilot, "home", *["pagedown"] * 8, "end", "tab", *["pagedown"] * 4, "ctrl+s")

        undertaking = view(app).deployed.undertaking
        assert undertaking is not None
        report = json.dumps(undertaking.report())

    assert report.isascii()
    assert report.isprintable()


@pytest.mark.parametrize(
    "url", ["http://x.lambda-url.eu-west-1.on.aws/", "https://x.on.aws.evil.example/", "https://evil.example/"]
)
def test_a_request_is_signed_for_addresses_of_aws_only(url: str) -> None:
    keys = ReadOnlyCredentials("AKIAOFNOBODY", "of no worth", "a session of nobody")
    there = endpoints.Endpoint("f", endpoints.URL, "ANY", "AWS_IAM", url)

    with pytest.raises(CliError, match="is no address of AWS"):
        endpoints.send(there, endpoints.Call(), endpoints.Signer(keys, "eu-west-1", is_for_aws=True))
