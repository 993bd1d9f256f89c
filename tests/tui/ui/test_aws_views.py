"""The eight views on AWS: where one is, what can be done there, and the way from one target to another."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests import faults
from tests.standin import REGION, StandIn
from tests.tui.ui.aws_world import STACK, client, deployed
from tests.tui.ui.screen import SMALL, WIDE, Hands, frame, golden, running, settle, wait_for, wait_text
from tests.tui.ui.test_imports import HEAVY, LIGHT, loaded
from tests.tui.ui.world import NOW, FakeBackend, function, run, sample
from textual.pilot import Pilot

from hfaas_deploy.aws import target
from hfaas_tui.errors import CliError
from hfaas_tui.ui import __main__ as entry
from hfaas_tui.ui import web
from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.aws.aws_backend import AwsBackend
from hfaas_tui.ui.backend import Backend
from hfaas_tui.ui.model import Condition, Target
from hfaas_tui.ui.options import parse
from hfaas_tui.ui.pulse import Pulse
from hfaas_tui.ui.settings import Settings
from hfaas_tui.ui.targets import Kind, Targets
from hfaas_tui.ui.widgets.chrome import ChromeLine
from hfaas_tui.where import STAND_IN

AWS = Target("aws", "210987654321", "eu-west-1", "research")
SIGNED_IN = "[research]\naws_access_key_id = 210987654321\naws_secret_access_key = test\n"
PLAYED = Target("aws", "210987654321", "eu-west-1", "", "http://127.0.0.1:4566")


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with deployed(tmp_path_factory.mktemp("aws")) as found:
        client(found, "s3").put_object(Bucket=STACK, Key="in/film.txt", Body=b"hello")
        yield found


@asynccontextmanager
async def live(backend: Backend, size: tuple[int, int] = WIDE, **settings: Any) -> AsyncIterator[Pilot[int]]:
    """Run the UI on a real target, with a real clock."""
    app = HfaasApp(backend, settings=Settings(fps=50, **settings), clock=time.time)
    async with app.run_test(size=size, notifications=True):
        pilot = Hands(app)
        await wait_for(pilot, lambda: app.screen.id == "view-functions", "the first view")
        yield pilot
        assert not app.defects.met, app.defects.met


async def test_all_eight_views_show_what_is_on_aws_and_each_says_where_it_is(
    there: StandIn, tmp_path: Path
) -> None:
    backend = AwsBackend(region=REGION)
    seen = {
        "1": "hello",
        "2": "Hello, film.txt",
        "3": "λ→batch",
        "4": f"s3://{STACK}",
        "5": f"{STACK}/in",
        "6": "live target",
        "7": "Promote",
        "8": "CREATE_COMPLETE",
    }
    file = there.state.parent / "pipeline.yaml"
    async with live(backend, folder=file.parent, pipeline=file) as pilot:
        for key, text in seen.items():
            await pilot.press(key)
            await wait_text(pilot, f"[{key} ")
            await wait_text(pilot, text)
            first = frame(pilot.app).splitlines()[0]
            assert first.startswith(" hfaas   ▲ AWS LIVE 2109-8765-4321 eu-west-1  read only  STAND-IN  127.0.0.1:")
            if key == "6":
                await pilot.press("escape")


@pytest.mark.parametrize(
    ("target", "size", "said"),
    [
        (AWS, WIDE, " hfaas   ▲ AWS LIVE 2109-8765-4321 eu-west-1  read only  profile research"),
        (AWS, SMALL, " hfaas   ▲ AWS LIVE 2109-8765-4321 eu-west-1  read only"),
        (PLAYED, WIDE, " hfaas   ▲ AWS LIVE 2109-8765-4321 eu-west-1  read only  STAND-IN  127.0.0.1:4566"),
        (PLAYED, SMALL, " hfaas   ▲ AWS LIVE 2109-8765-4321 eu-west-1  read only  STAND-IN "),
    ],
)
async def test_the_first_row_shouts_where_changes_cost_money(
    backend: FakeBackend, target: Target, size: tuple[int, int], said: str
) -> None:
    backend.target = target
    async with running(backend, size) as (app, pilot):
        await wait_text(pilot, said)
        strip = app.screen.query_one("#header", ChromeLine).render_line(0)
        styles = [
            part.style for part in strip if any(word in part.text for word in ("AWS LIVE", "2109", "STAND-IN"))
        ]
        assert len(styles) == 2 + bool(target.stand_in)
        assert all(style is not None and style.bold and style.reverse for style in styles)


class Played(FakeBackend):
    """A target whose system is that of AWS."""

    def system(self) -> Mapping[str, Any]:
        environment = {"name": "films-DetectCompute", "state": "ENABLED", "status": "VALID", "max_vcpus": 16}
        broken = {**environment, "name": "films-CutCompute", "status": "INVALID"}
        jobs = {"RUNNABLE": 3, "RUNNING": 1}
        return {
            "stacks": [
                {
                    "name": "films",
                    "status": "UPDATE_COMPLETE",
                    "reason": "",
                    "template": "8ab42362ac96" * 5,
                    "changed": NOW - 7200,
                    "functions": 3,
                    "promoted": {"at": NOW - 7200, "by": "arn:aws:iam::210987654321:user/ana", "template": "8ab4"},
                    "dead_letters": 2,
                },
                {
                    "name": "plants",
                    "status": "UPDATE_ROLLBACK_COMPLETE",
                    "reason": "The following resource failed: \x1b[2JDetectFunction",
                    "template": "1c" * 32,
                    "changed": NOW - 90,
                    "functions": 1,
                    "dead_letters": 0,
                },
            ],
            "queues": [
                {
                    "name": "films-DetectQueue",
                    "state": "ENABLED",
                    "jobs": jobs,
                    "environments": [environment, broken],
                }
            ],
        }


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_the_system_view_shows_stacks_and_queues_instead_of_a_machine(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pulse, "words", lambda _: "idle")
    backend = Played(AWS)
    backend.status = {"arn": "arn:aws:sts::210987654321:assumed-role/research/ana"}
    backend.has = {"cut": function("cut")}
    async with running(backend, size, "system") as (_, pilot):
        await wait_text(pilot, "UPDATE_ROLLBACK_COMPLETE")
        await golden(pilot, "aws-system")
        await pilot.press("enter")
        await wait_text(pilot, "stack · films")
        assert "by arn:aws:iam::210987654321:user/ana" in await settle(pilot)


@pytest.mark.parametrize("view", ["functions", "pipeline", "system"])
async def test_when_aws_does_not_answer_nobody_is_told_to_start_an_emulator(
    backend: FakeBackend, view: str
) -> None:
    backend.target, backend.broken, backend.has = AWS, "your session with AWS has expired", {}
    async with running(backend, first=view) as (_, pilot):
        await wait_text(pilot, "AWS does not answer.")
        shown = await settle(pilot)
        assert "your session with AWS has expired" in shown
        assert "emulator answers" not in shown
        assert "No Stack of hfaas" not in shown


async def test_nothing_can_be_changed_before_the_account_was_typed(backend: FakeBackend) -> None:
    backend.target = AWS
    async with running(backend) as (app, pilot):
        await wait_text(pilot, "read only")
        await wait_text(pilot, "grayify")
        await pilot.press("i")
        assert not app.screen.is_modal
        await pilot.press("ctrl+p", *"allow changes")
        await wait_text(pilot, "Target: allow changes on AWS")
        await settle(pilot)
        await pilot.press("enter")
        await wait_text(pilot, "Type 4321 to confirm")
        await pilot.press(*"1234", "enter")
        assert app.is_read_only
        await pilot.press(*["backspace"] * 4, *"4321", "enter")
        await wait_for(pilot, lambda: not app.is_read_only, "changes")
        await pilot.press("i")
        await wait_text(pilot, "Invoke")


async def test_read_only_by_the_command_line_stays(backend: FakeBackend) -> None:
    backend.target = AWS
    async with running(backend, read_only=True) as (_, pilot):
        await wait_text(pilot, "read only")
        await pilot.press("ctrl+p", *"target")
        await settle(pilot)
        assert "allow changes" not in frame(pilot.app)


async def test_on_aws_a_function_is_left_to_its_stack(backend: FakeBackend) -> None:
    backend.target = AWS
    async with running(backend) as (app, pilot):
        await wait_text(pilot, "grayify")
        app.set_read_only(False)
        await pilot.press("D")
        await wait_text(pilot, "on AWS a function belongs")
        assert not app.screen.is_modal
        assert not [call for call in backend.calls if call[0] == "delete_function"]


async def test_objects_and_jobs_of_a_live_target_go_only_when_their_name_was_typed(backend: FakeBackend) -> None:
    backend.target = AWS
    backend.runs = [run("j0b", "detect", kind="job", state=Condition.RUNNING, took=None)]
    async with running(backend, first="runs") as (app, pilot):
        await wait_text(pilot, "detect")
        app.set_read_only(False)
        await pilot.press("x")
        await wait_text(pilot, "Type detect to confirm")
        await pilot.press("y", "enter")
        assert not [call for call in backend.calls if call[0] == "stop"]
        await pilot.press("backspace", *"detect", "enter")
        await wait_for(pilot, lambda: [call for call in backend.calls if call[0] == "stop"], "stop")


class Both(Targets):
    """Two targets in memory."""

    def __init__(self, local: FakeBackend, aws: FakeBackend) -> None:
        super().__init__(parse([]), Settings(), ExitStack())
        self.made: dict[Kind, FakeBackend] = {"local": local, "aws": aws}

    def open(self, kind: Kind) -> tuple[Backend, None]:
        return self.made[kind], None


async def go(pilot: Pilot[int], words: str) -> None:
    await pilot.press("ctrl+p", *"target go to")
    await wait_text(pilot, f"Target: go to {words}")
    await settle(pilot)
    await pilot.press("enter")


async def test_one_goes_to_another_target_and_back_and_nothing_of_the_first_is_seen_on_it() -> None:
    local, aws = sample(), FakeBackend(AWS)
    aws.has = {"on-aws": function("on-aws")}
    both = Both(local, aws)
    app = HfaasApp(local, settings=Settings(fps=50), targets=both, clock=lambda: NOW)
    async with app.run_test(size=WIDE, notifications=True):
        pilot = Hands(app)
        await wait_text(pilot, "grayify")
        await pilot.press("3")
        await wait_text(pilot, "[3 Runs]")
        await wait_for(pilot, app.store.runs, "runs")
        await go(pilot, "AWS")
        await wait_text(pilot, "▲ AWS LIVE 2109-8765-4321")
        await wait_text(pilot, "[3 Runs]")
        assert not app.store.runs()
        assert app.is_read_only
        await pilot.press("1")
        await wait_text(pilot, "on-aws")
        assert "grayify" not in await settle(pilot)
        both.made["local"] = sample()
        await go(pilot, "the local emulator")
        await wait_text(pilot, "◆ LOCAL emulator")
        await wait_text(pilot, "grayify")
        assert "on-aws" not in await settle(pilot)
        assert not app.is_read_only
        assert not app.defects.met, app.defects.met


async def test_what_is_not_saved_is_asked_for_before_another_target_comes(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text("hfaas: {stack: a}\nfunctions: {}\n")
    local, aws = sample(), FakeBackend(AWS)
    settings = Settings(fps=50, folder=tmp_path, pipeline=file)
    app = HfaasApp(local, settings=settings, targets=Both(local, aws), clock=lambda: NOW, first="deploy")
    async with app.run_test(size=WIDE, notifications=True):
        pilot = Hands(app)
        await wait_text(pilot, "stack: a")
        await pilot.press("#", "escape")
        app.action_go_to_target("aws")
        await wait_text(pilot, "Leave this target?")
        await pilot.press("escape")
        await wait_for(pilot, lambda: not app.screen.is_modal, "the view")
        assert app.backend is local
        assert [*app.unsaved()]


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's credentials file, with a profile that is taken instead of the environment."""
    file = tmp_path / "credentials"
    file.write_text(SIGNED_IN)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    target.forget_credentials()
    yield file
    target.forget_credentials()


async def test_a_session_that_is_over_is_not_called_silence_and_the_view_goes_on_once_it_is_renewed(
    there: StandIn, monkeypatch: pytest.MonkeyPatch, profile: Path
) -> None:
    with faults.before(there.url) as proxy:
        monkeypatch.setenv(STAND_IN, proxy.url)
        proxy.refuse("", code="ExpiredToken", message="it is over", times=1_000)
        async with live(AwsBackend("research", REGION)) as pilot:
            await wait_text(pilot, "Not signed in to AWS: your session with AWS has expired.")
            shown = await settle(pilot)
            assert "✗ not signed in" in shown.splitlines()[0]
            assert "`aws sso login --profile research`, or new keys; this window goes on by itself" in shown
            assert "does not answer" not in shown
            proxy.mend()
            await wait_text(pilot, "heavy")


async def test_credentials_that_are_not_there_yet_are_found_as_soon_as_they_are(
    there: StandIn, profile: Path
) -> None:
    profile.write_text("[research]\nregion = eu-west-1\n")
    async with live(AwsBackend("research", REGION)) as pilot:
        await wait_text(pilot, "Not signed in to AWS: no credentials for AWS were found.")
        profile.write_text(SIGNED_IN)
        await wait_text(pilot, "heavy")


def test_a_client_from_before_there_were_credentials_is_not_kept(there: StandIn, profile: Path) -> None:
    profile.write_text("[research]\nregion = eu-west-1\n")
    backend = AwsBackend("research", REGION)
    with pytest.raises(CliError, match="no credentials"):
        backend.functions()
    backend._link.client("lambda")
    profile.write_text(SIGNED_IN)
    target.forget_credentials()
    assert backend.health().is_up

    with pytest.raises(CliError, match="no credentials"):
        backend.functions()
    assert "heavy" in {each.name for each in backend.functions()}


async def test_aws_that_does_not_answer_is_not_taken_for_a_session_that_is_over(
    there: StandIn, monkeypatch: pytest.MonkeyPatch, profile: Path
) -> None:
    monkeypatch.setenv(STAND_IN, "http://127.0.0.1:9")
    async with live(AwsBackend("research", REGION)) as pilot:
        await wait_text(pilot, "AWS does not answer.")
        shown = await settle(pilot)
        assert "✗ no answer" in shown.splitlines()[0]
        assert "sign" not in shown


def test_keys_of_the_environment_that_are_over_are_not_waited_for(there: StandIn) -> None:
    with faults.before(there.url) as proxy, pytest.MonkeyPatch.context() as patch:
        patch.setenv(STAND_IN, proxy.url)
        proxy.refuse("", code="ExpiredToken", message="it is over", times=1_000)
        problem = AwsBackend(region=REGION).health().problem
        assert problem is not None
        assert problem.is_of_credentials
        assert "leave with q, set them, start again" in problem.hint


async def test_expired_credentials_are_said_in_the_frame_and_what_was_known_stays(
    there: StandIn, monkeypatch: pytest.MonkeyPatch, profile: Path
) -> None:
    with faults.before(there.url) as proxy:
        monkeypatch.setenv(STAND_IN, proxy.url)
        async with live(AwsBackend("research", REGION)) as pilot:
            await wait_text(pilot, "heavy")
            proxy.refuse("", code="ExpiredToken", message="it is over", times=1_000)
            pilot.app.feeds.hurry()  # type: ignore[attr-defined]
            await wait_text(pilot, "your session with AWS has expired")
            shown = await settle(pilot)
            assert "aws sso login" in shown
            assert "heavy" in shown
            proxy.mend()
            await wait_for(pilot, lambda: "has expired" not in frame(pilot.app), "AWS again")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "research"], "are for AWS"),
        (["--region", "eu-west-1"], "are for AWS"),
        (["--target", "aws", "--demo"], "is an emulator's"),
        (["--target", "aws", "--endpoint", "http://127.0.0.1:1"], "is an emulator's"),
        (["--target", "moon"], "invalid choice"),
    ],
)
def test_arguments_of_another_target_are_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_browser_sees_the_target_that_was_named() -> None:
    called = web.call(parse(["--web", "--target", "aws", "--region", "eu-west-1", "--profile", "research"]))
    assert {"--target=aws", "--region=eu-west-1", "--profile=research", "--read-only"} <= set(called)
    assert not [each for each in web.call(parse(["--web"])) if each.startswith("--target")]


def test_a_recording_and_a_demo_have_no_other_target(tmp_path: Path) -> None:
    (tmp_path / "r").touch()
    for arguments in (["--replay", str(tmp_path / "r")], ["--demo"]):
        assert not Targets(parse(arguments), Settings(), ExitStack()).words("local")
    found = Targets(parse(["--target", "aws", "--region", "eu-west-1"]), Settings(), ExitStack())
    assert (found.first, found.words("aws"), found.words("local")) == (
        "aws",
        {"local": "the local emulator"},
        {"aws": "AWS eu-west-1"},
    )


def test_the_way_to_aws_imports_nothing_heavy_before_it_is_gone() -> None:
    found = loaded(
        "import hfaas_tui.ui.aws.aws_backend, hfaas_tui.ui.targets as t, hfaas_tui.ui.aws.aws_backend as a; a.AwsBackend()"
    )
    assert not found & HEAVY
    assert {each for each in found if each.startswith("hfaas_deploy")} <= LIGHT
