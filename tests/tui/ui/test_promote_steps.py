"""Promoting from the Promote view: plan, confirm, deploy, verify, with an account that is in the test's hands."""

# ruff: noqa: F811 - fixtures of the other module

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.tui.ui import promoter as fakes
from tests.tui.ui.promoter import HOLD, FakePromoter
from tests.tui.ui.screen import SMALL, WIDE, frame, golden, running, settle, wait_for, wait_text
from tests.tui.ui.test_promote import NAMES, VIDEO, World, complete, project, view, world  # noqa: F401 - fixtures
from tests.tui.ui.world import NOW
from textual.pilot import Pilot
from textual.widgets import Input

from hfaas_deploy import fdl, messages
from hfaas_deploy.promote.promotion import BucketPlan, Owner, Promotion, Upload
from hfaas_tui.ui import toasts
from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.project.promoting import Refused
from hfaas_tui.where import Where

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL])
BEFORE = VIDEO.replace("memory: 1024", "memory: 512", 1).replace("name: detect-people", "name: find-people")
EXPIRED = Refused("AWS says that your credentials have expired", "`aws sso login` renews them", "credentials")
TOKEN = "s3cr3t-t0k3n"
END = re.compile(r"\S+ is promoted$|the promotion was stopped$|promotion failed: ")
"""What is said of a promotion that is over."""


@asynccontextmanager
async def planned(
    world: World, project: Path, fake: FakePromoter, size: tuple[int, int] = WIDE, **settings: Any
) -> AsyncIterator[tuple[HfaasApp, Pilot[int]]]:
    """Run the UI until it has the plan."""
    world.promoter = fake  # type: ignore[attr-defined]
    async with running(world, size, "promote", folder=project, **settings) as (app, pilot):
        await complete(app, pilot, "one run")
        await pilot.press("P")
        await wait_for(pilot, lambda: fake.planned and not view(app).planned.is_busy, "the plan")
        yield app, pilot


@asynccontextmanager
async def deploying(
    world: World, project: Path, fake: FakePromoter, size: tuple[int, int] = WIDE, **settings: Any
) -> AsyncIterator[tuple[HfaasApp, Pilot[int]]]:
    """Run the UI until the promotion has begun."""
    async with planned(world, project, fake, size, **settings) as (app, pilot):
        await begin(app, pilot)
        yield app, pilot


async def begin(app: HfaasApp, pilot: Pilot[int]) -> None:
    """Agree to the plan."""
    await pilot.press("P")
    await wait_text(pilot, "Deploy to AWS LIVE")
    await pilot.press(*"4321", "enter")
    await wait_for(pilot, lambda: view(app).deployed.undertaking, "the promotion")


def undertaking(app: HfaasApp) -> Any:
    """Return the promotion that was begun."""
    return view(app).deployed.undertaking


async def ended(app: HfaasApp, pilot: Pilot[int]) -> None:
    """Wait until the promotion is over and told: its thread tells after the end."""
    await wait_for(pilot, lambda: not undertaking(app).is_running, "the end")
    await wait_for(pilot, lambda: any(END.match(each.text) for each in app.store.messages()), "word of the end")
    await settle(pilot)


async def said(app: HfaasApp, pilot: Pilot[int], lines: int) -> None:
    """Wait until so many lines were said."""
    await wait_for(pilot, lambda: len(undertaking(app).lines) >= lines, f"{lines} lines")


def whole(file: Path) -> list[object]:
    """Return everything that is told of a promotion that goes well."""
    plan = fakes.promotion(file)
    told: list[object] = [message for name in NAMES for message in (*fakes.pushing(name), fakes.pushed(name))]
    return [*told, *fakes.created(plan), *fakes.tried(plan)]


def updating(project: Path) -> FakePromoter:
    """Return a promoter to an account that has the pipeline as it was before."""
    file = project.parent / "before.yaml"
    (project.parent / "split-video.py").write_text("#!/usr/bin/env python3\n")
    file.write_text(BEFORE)
    before = fdl.read(file)

    def makes(file: Path) -> Promotion:
        return fakes.promotion(file, before, statements=(fakes.PERMISSION,), secrets=(fakes.TOKEN,))

    return FakePromoter(makes)


def harmless(project: Path) -> FakePromoter:
    """Return a promoter to an account where only memory is another."""
    file = project.parent / "before.yaml"
    (project.parent / "split-video.py").write_text("#!/usr/bin/env python3\n")
    file.write_text(VIDEO.replace("memory: 1024", "memory: 512", 1))
    before = fdl.read(file)
    return FakePromoter(lambda file: fakes.promotion(file, before))


# --- plan


@BOTH
async def test_the_plan_says_whose_account_it_is_and_what_is_made_there(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    async with planned(world, project, FakePromoter(), size) as (_, pilot):
        await wait_text(pilot, "2109-8765-4321")
        await golden(pilot, "promote-plan")


@BOTH
async def test_what_is_destroyed_stands_first_and_permissions_stand_apart(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    async with planned(world, project, updating(project), size) as (app, pilot):
        await wait_text(pilot, "- delete")
        await golden(pilot, "promote-plan-update")
        rows = [row.action for row in view(app).table.rows]
        assert rows[0] == "- delete"
        assert rows[-1] == "+ permit"
        assert "permissions  IAM: 1 granted" in frame(app)
        await pilot.press("P")
        await wait_text(pilot, "Permissions of IAM: 1 granted.")


async def test_what_destroys_has_a_mark_and_a_word_where_there_is_no_colour(
    world: World, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    fake = updating(project)
    plan = fake.makes
    step = next(one for one in plan(project / "pipeline.yaml").preview.steps if one.name == "split-video")

    def makes(file: Path) -> Promotion:
        found = plan(file)
        steps = tuple(replace(one, is_replaced=one.name == step.name) for one in found.preview.steps)
        return replace(found, preview=replace(found.preview, steps=steps))

    fake.makes = makes
    async with planned(world, project, fake, SMALL, ascii=True) as (app, pilot):
        await wait_text(pilot, "- delete")
        shown = await settle(pilot)
        assert "! replace   function   split-video" in shown
        assert "x danger" in shown
        assert [row.tone for row in view(app).table.rows][:3] == ["err"] * 3


@BOTH
async def test_a_bucket_that_is_there_is_taken_over_and_not_told_as_made(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    adopting = FakePromoter(lambda file: fakes.promotion(file, adopts=True))
    async with planned(world, project, adopting, size) as (app, pilot):
        told = await settle(pilot)
        assert " 1 take over " in told
        assert [row.action for row in view(app).table.rows if row.kind == "S3 bucket"] == [
            "~ take over",
            "~ update",
        ]
        await pilot.press("P")
        await wait_text(pilot, "takes over 1, changes 0, deletes 0")


async def test_settings_are_told_before_and_after(world: World, project: Path) -> None:
    async with planned(world, project, harmless(project)) as (app, pilot):
        await wait_text(pilot, "memory 512 → 1024")
        view(app).show("split-video")
        await pilot.press("enter")
        await golden(pilot, "promote-plan-details")


@BOTH
async def test_without_credentials_it_says_what_to_do_where_they_belong(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    fake = FakePromoter()
    fake.refusal = Refused("there are no credentials for AWS", "`aws configure` sets them up", "credentials")
    async with planned(world, project, fake, size) as (_, pilot):
        await wait_text(pilot, "There is no plan")
        await golden(pilot, "promote-no-credentials")


@BOTH
async def test_a_later_look_that_fails_leaves_the_plan_on_screen_and_nothing_is_promoted_from_it(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    fake = FakePromoter()
    async with planned(world, project, fake, size) as (app, pilot):
        fake.refusal = EXPIRED
        await pilot.press("r")
        await wait_text(pilot, "have expired")
        await golden(pilot, "promote-expired")
        assert "r plans again" in frame(app)
        assert view(app).table.total > 10
        await pilot.press("P")
        await wait_for(pilot, lambda: fake.planned == 3, "another look")
        assert "Deploy to AWS LIVE" not in await settle(pilot)


async def test_what_never_ran_here_is_not_promoted(world: World, project: Path) -> None:
    fake = FakePromoter(lambda file: fakes.promotion(file, rehearsal=None))
    async with planned(world, project, fake) as (_, pilot):
        await wait_text(pilot, "the emulator never ran template")
        await golden(pilot, "promote-plan-not-rehearsed")
        await pilot.press("P")
        await wait_text(pilot, "this never ran here")
        assert "Deploy to AWS LIVE" not in frame(pilot.app)


async def test_a_bucket_of_somebody_else_stops_it(world: World, project: Path) -> None:
    fault = "bucket hfaas-video is somebody else's: use another name, as hfaas-video-210987654321"
    bucket = BucketPlan("hfaas-video", Owner.FOREIGN, fault=fault)
    fake = FakePromoter(lambda file: fakes.promotion(file, buckets=(bucket,)))
    async with planned(world, project, fake) as (_, pilot):
        await wait_text(pilot, "✗ blocked")
        await pilot.press("P")
        assert "Deploy to AWS LIVE" not in await settle(pilot)


async def test_a_file_that_changed_since_makes_the_plan_old(world: World, project: Path) -> None:
    async with planned(world, project, FakePromoter()) as (app, pilot):
        (project / "pipeline.yaml").write_text(VIDEO.replace("timeout: 300", "timeout: 200"))
        view(app).looking.soon()
        await wait_text(pilot, "has changed since this plan was made")


async def test_profile_and_region_are_chosen_and_planned_with(world: World, project: Path) -> None:
    async with planned(world, project, FakePromoter(), SMALL) as (app, pilot):
        await pilot.press("w")
        await wait_text(pilot, "research")
        await golden(pilot, "promote-account")
        await pilot.press("down", "down", "tab", *"eu-north-1", "enter")
        await wait_text(pilot, "2109-8765-4321 eu-north-1")
        assert view(app).where == Where("aws", profile="research", region="eu-north-1")
        await pilot.press("y")
        await wait_text(pilot, "--profile research")


async def test_hostile_words_of_an_account_are_only_words(world: World, project: Path) -> None:
    who = replace(fakes.IDENTITY, alias="\x1b[2Jx[bold]", arn="arn:\x1b]0;x\x07[/]")
    fake = FakePromoter(lambda file: fakes.promotion(file, identity=who, notes=("\x1b[31mred[/x]",)))
    async with planned(world, project, fake) as (_, pilot):
        await wait_text(pilot, "x[bold]")
        await pilot.press("P")
        await wait_text(pilot, "Deploy to AWS LIVE")
        assert "\x1b" not in frame(pilot.app)


# --- confirm


@BOTH
async def test_the_first_promotion_to_an_account_wants_its_last_digits(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    fake = FakePromoter()
    async with planned(world, project, fake, size) as (app, pilot):
        await pilot.press("P")
        await wait_text(pilot, "The first time to this account")
        await golden(pilot, "promote-confirm")
        await pilot.press(*"1234", "enter")
        assert "Deploy to AWS LIVE" in await settle(pilot)
        await pilot.press("escape")
        assert "[2 Plan]" in await settle(pilot) or size == SMALL
        assert not fake.calls
        assert not undertaking(app)


@BOTH
async def test_something_destroyed_wants_the_name_and_keys_are_typed_unseen(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    fake = updating(project)
    async with planned(world, project, fake, size) as (app, pilot):
        await pilot.press("P")
        await wait_text(pilot, "ONEDATA_TOKEN")
        await pilot.press(*TOKEN)
        await golden(pilot, "promote-confirm-danger")
        await pilot.press("enter", *"hfaas-video", "enter")
        await wait_for(pilot, lambda: fake.calls, "the promotion")
        await ended(app, pilot)
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: list(project.glob("hfaas-promote-*.json")), "the report")
        assert fake.calls[0][1] == {"ONEDATA_TOKEN": TOKEN}
        assert "ONEDATA_TOKEN" not in os.environ
        assert all(TOKEN not in message.text for message in app.store.messages())
        assert TOKEN not in next(project.glob("hfaas-promote-*.json")).read_text()
        assert TOKEN not in frame(app)


async def test_a_change_that_destroys_nothing_wants_one_key(world: World, project: Path) -> None:
    fake = harmless(project)
    async with planned(world, project, fake) as (app, pilot):
        await pilot.press("P")
        await wait_text(pilot, "Deploy (y)")
        await golden(pilot, "promote-confirm-update")
        await pilot.press("y")
        await wait_for(pilot, lambda: fake.calls == [(Where("aws"), {})], "the promotion")
        await ended(app, pilot)


async def test_a_key_that_is_left_empty_is_not_handed_over(world: World, project: Path) -> None:
    fake = updating(project)
    async with planned(world, project, fake) as (app, pilot):
        await pilot.press("P")
        await wait_text(pilot, "ONEDATA_TOKEN")
        assert app.screen.query_one("#key-0", Input).password
        await pilot.press("enter", *"hfaas-video", "enter")
        await wait_for(pilot, lambda: fake.calls, "the promotion")
        assert fake.calls[0][1] == {}


@pytest.mark.parametrize("agrees", [True, False])
async def test_when_aws_would_do_something_else_by_now_it_asks_again(
    world: World, project: Path, *, agrees: bool
) -> None:
    fake = FakePromoter()
    fake.other = updating(project).makes(project / "pipeline.yaml")
    async with deploying(world, project, fake) as (app, pilot):
        await wait_text(pilot, "something else by now")
        await pilot.press(*([*"hfaas-video", "enter"] if agrees else ["escape"]))
        await ended(app, pilot)
        assert fake.agreed == [agrees]
        assert bool(undertaking(app).promoted) is agrees


async def test_dialogs_have_frames_without_colour(
    world: World, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with planned(world, project, FakePromoter(), SMALL) as (_, pilot):
        await pilot.press("P")
        await wait_text(pilot, "Deploy to AWS LIVE")
        assert "┏━" in frame(pilot.app)


# --- deploy


@BOTH
async def test_layers_move_and_the_header_says_live(world: World, project: Path, size: tuple[int, int]) -> None:
    fake = FakePromoter()
    fake.script = [*fakes.pushing("split-video"), HOLD, *whole(project / "pipeline.yaml")]
    async with deploying(world, project, fake, size) as (app, pilot):
        await wait_text(pilot, "9b2c41aa77f0")
        await golden(pilot, "promote-pushing")
        assert "▲ AWS LIVE 2109-8765-4321 eu-west-1" in frame(app).splitlines()[0]
        app.go("runs")
        await wait_text(pilot, "[3 Runs]")
        assert "◆ LOCAL" in frame(app).splitlines()[0]
        app.go("promote")
        await wait_text(pilot, "9b2c41aa77f0")
        fake.go_on()
        await ended(app, pilot)
        assert "◆ LOCAL" in frame(app).splitlines()[0]


class Ticking:
    """A time that goes on when a test says so."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def filled(app: HfaasApp) -> float:
    """Return how many cells of the bar are full."""
    row = frame(app).splitlines()[3]
    return row.count("█") + sum("▏▎▍▌▋▊▉".index(each) + 1 for each in row if each in "▏▎▍▌▋▊▉") / 8


def is_newer(app: HfaasApp, version: int) -> bool:
    """Tell whether more was said than by this version."""
    return bool(undertaking(app).version > version)


def moved(done: int, state: messages.LayerState = messages.LayerState.PUSHING) -> messages.LayerMoved:
    """Return how far the large layer of an image is."""
    return messages.LayerMoved("split-video", "9b2c41aa77f0", done * 1_000_000, 400_000_000, state)


@BOTH
async def test_a_long_push_moves_the_bar_with_its_bytes_and_never_takes_it_back(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    fake, clock, cells = FakePromoter(), Ticking(), []
    start = messages.PushStarted("split-video", "r", fakes.SIZE, 2)
    far = [moved(40), moved(80), moved(0, messages.LayerState.RETRYING), moved(40), moved(160), moved(390)]
    fake.script = [start, *(each for one in far for each in (HOLD, one)), HOLD]
    async with planned(world, project, fake, size) as (app, pilot):
        app.clock = clock
        await begin(app, pilot)
        for number in range(1, len(far) + 1):
            clock.now += 2
            version = undertaking(app).version
            fake.go_on()
            await wait_for(pilot, partial(is_newer, app, version), "the message")
            await settle(pilot)
            cells.append(filled(app))
            if number == 2:
                await wait_text(pilot, "80 MB of 1.4 GB  20 MB/s  ~68s left")
                await golden(pilot, "promote-push-rate")
        assert cells == sorted(cells)
        assert cells[0] > 0
        assert cells[-1] > cells[-2] > cells[1]
        fake.go_on()
        await ended(app, pilot)


async def test_a_push_of_which_nobody_knows_how_large_it_is_promises_no_end(world: World, project: Path) -> None:
    unbuilt = fakes.image("annotate-video", upload=Upload.BUILD, size=0)
    fake = FakePromoter(lambda file: fakes.promotion(file, images=(fakes.image("split-video"), unbuilt)))
    fake.script = [messages.PushStarted("split-video", "r", fakes.SIZE, 2), HOLD, moved(40), HOLD]
    clock = Ticking()
    async with planned(world, project, fake) as (app, pilot):
        app.clock = clock
        await begin(app, pilot)
        clock.now += 2
        fake.go_on()
        await wait_text(pilot, "40 MB so far  20 MB/s")
        row = (await settle(pilot)).splitlines()[3]
        assert "▒▒▒" in row
        assert "left" not in row
        clock.now += 1
        await wait_for(pilot, lambda: frame(app).splitlines()[3].find("▒") != row.find("▒"), "a bar that moves")
        fake.go_on()
        await ended(app, pilot)


async def test_a_push_that_stands_still_says_so_and_foretells_nothing(world: World, project: Path) -> None:
    fake, clock = FakePromoter(), Ticking()
    fake.script = [messages.PushStarted("split-video", "r", fakes.SIZE, 2), HOLD, moved(40), HOLD]
    async with planned(world, project, fake) as (app, pilot):
        app.clock = clock
        await begin(app, pilot)
        clock.now += 2
        fake.go_on()
        await wait_text(pilot, "20 MB/s  ~70s left")
        clock.now += 60
        await wait_text(pilot, "0 B/s")
        assert "left" not in (await settle(pilot)).splitlines()[3]
        fake.go_on()
        await ended(app, pilot)


@BOTH
async def test_resources_come_up_with_their_states_and_the_log_follows(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    fake = FakePromoter()
    told = whole(project / "pipeline.yaml")
    fake.script = [*told[:48], HOLD, *told[48:]]
    async with deploying(world, project, fake, size) as (app, pilot):
        await said(app, pilot, 36)
        await golden(pilot, "promote-applying")
        fake.go_on()
        await ended(app, pilot)


@BOTH
async def test_the_first_failure_is_the_headline_and_says_what_to_do(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    fake = FakePromoter()
    stack = "AWS::CloudFormation::Stack"
    reason = "Resource handler returned message: the memory is too large (Status Code: 400)"
    fake.script = [
        *(message for name in NAMES for message in (*fakes.pushing(name), fakes.pushed(name))),
        fakes.event("hfaas-video", stack, "CREATE_IN_PROGRESS", own=True),
        fakes.event("SplitVideoRole", "AWS::IAM::Role", "CREATE_COMPLETE"),
        fakes.event("SplitVideoFunction", "AWS::Lambda::Function", "CREATE_IN_PROGRESS"),
        fakes.event("SplitVideoFunction", "AWS::Lambda::Function", "CREATE_FAILED", reason),
        fakes.event("hfaas-video", stack, "ROLLBACK_IN_PROGRESS", own=True),
        fakes.event("SplitVideoRole", "AWS::IAM::Role", "DELETE_IN_PROGRESS"),
        fakes.event("SplitVideoRole", "AWS::IAM::Role", "DELETE_COMPLETE"),
        fakes.event("hfaas-video", stack, "ROLLBACK_COMPLETE", own=True),
    ]
    fake.fails = Refused(
        f"SplitVideoFunction (AWS::Lambda::Function): {reason}", "everything it had made was removed again", "stack"
    )
    async with deploying(world, project, fake, size) as (app, pilot):
        await ended(app, pilot)
        await wait_text(pilot, "What now")
        app.clear_notifications()
        await golden(pilot, "promote-failed")
        await pilot.press("P")
        await wait_for(pilot, lambda: fake.planned == 2 and not view(app).planned.is_busy, "a new plan")


async def test_x_stops_once_the_step_that_runs_is_over(world: World, project: Path) -> None:
    fake = FakePromoter()
    fake.script = [*fakes.pushing("split-video"), HOLD, *whole(project / "pipeline.yaml")]
    async with deploying(world, project, fake) as (app, pilot):
        await wait_text(pilot, "9b2c41aa77f0")
        await pilot.press("x")
        await wait_text(pilot, "stops after this step")
        fake.go_on()
        await ended(app, pilot)
        assert "■ stopped after" in await settle(pilot)
        assert list(undertaking(app).arrived) == ["split-video"]


async def test_quitting_asks_while_a_promotion_runs(world: World, project: Path) -> None:
    fake = FakePromoter()
    fake.script = [*fakes.pushing("split-video"), HOLD]
    async with deploying(world, project, fake) as (app, pilot):
        await wait_text(pilot, "9b2c41aa77f0")
        await pilot.press("q")
        await wait_text(pilot, "promoting again goes on from there")
        await pilot.press("escape")
        fake.go_on()
        await ended(app, pilot)


async def test_the_end_is_told_wherever_one_is(
    world: World, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toasts, "USUAL_S", toasts.FOR_GOOD_S)
    fake = FakePromoter()
    fake.script = [HOLD, *whole(project / "pipeline.yaml")]
    async with deploying(world, project, fake) as (app, pilot):
        app.go("logs")
        await wait_text(pilot, "[2 Logs]")
        fake.go_on()
        await wait_text(pilot, "hfaas-video is promoted")
        await pilot.press("ctrl+l")
        await wait_text(pilot, "Record")
        assert view(app).page is view(app).verified


async def test_a_second_promotion_waits_for_the_first(world: World, project: Path) -> None:
    fake = FakePromoter()
    fake.script = [*fakes.pushing("split-video"), HOLD]
    async with deploying(world, project, fake) as (app, pilot):
        await wait_text(pilot, "9b2c41aa77f0")
        await pilot.press("left_square_bracket", "P")
        await settle(pilot)
        assert len(fake.calls) == 1
        fake.go_on()
        await ended(app, pilot)


async def test_a_defect_of_ours_ends_the_promotion_and_not_the_view(world: World, project: Path) -> None:
    fake = FakePromoter()
    fake.script = ["no message at all"]
    fake.promote = lambda *_: 1 / 0  # type: ignore[method-assign, assignment]
    async with planned(world, project, fake, has_defects=True) as (app, pilot):
        await pilot.press("P")
        await wait_text(pilot, "Deploy to AWS LIVE")
        await pilot.press(*"4321", "enter")
        await wait_for(pilot, lambda: undertaking(app) and not undertaking(app).is_running, "the end")
        await wait_text(pilot, "ZeroDivisionError")
        assert app.is_running


# --- verify


@BOTH
async def test_verify_shows_answers_outputs_and_the_record(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    fake = FakePromoter()
    fake.script = whole(project / "pipeline.yaml")
    async with deploying(world, project, fake, size) as (app, pilot):
        await ended(app, pilot)
        await wait_text(pilot, "Record")
        app.clear_notifications()
        await golden(pilot, "promote-verify")


async def test_a_function_that_does_not_answer_is_shown_with_what_it_said(world: World, project: Path) -> None:
    fake = FakePromoter()
    file = project / "pipeline.yaml"
    fake.script = [*fakes.created(fakes.promotion(file)), *fakes.tried(fakes.promotion(file), bad="detect-people")]
    fake.fails = Refused("1 of 3 Functions did not answer", "the Stack is up and recorded", "verify")
    async with deploying(world, project, fake) as (app, pilot):
        await ended(app, pilot)
        await pilot.press("right_square_bracket")
        await wait_text(pilot, "Runtime.ExitError")
        app.clear_notifications()
        await golden(pilot, "promote-verify-failed")


async def test_c_copies_an_output_and_ctrl_s_saves_what_was_done(world: World, project: Path) -> None:
    fake = FakePromoter()
    fake.script = whole(project / "pipeline.yaml")
    async with deploying(world, project, fake) as (app, pilot):
        await ended(app, pilot)
        assert view(app).table.select("output Bucket")
        await pilot.press("c")
        await wait_for(pilot, lambda: app.clipboard == "hfaas-video", "the output")
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: list(project.glob("hfaas-promote-hfaas-video-*.json")), "the report")
        report = json.loads(next(project.glob("hfaas-promote-*.json")).read_text())
        assert report["state"] == "promoted"
        assert report["account"] == fakes.ACCOUNT
        assert report["template"] == undertaking(app).promotion.template.sha256
        assert set(report["images"]) == set(report["smoke"]) == set(NAMES)
        assert {step["state"] for step in report["steps"] if step["what"] == "Push image"} == {"ok"}


async def test_a_report_that_is_saved_again_takes_the_place_of_the_first_as_a_whole(
    world: World, project: Path
) -> None:
    fake = FakePromoter()
    async with deploying(world, project, fake) as (app, pilot):
        await ended(app, pilot)
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: saved(app) == 1, "the report")
        (file,) = project.glob("hfaas-promote-*.json")
        first = file.stat().st_ino
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: saved(app) == 2, "the report again")
        assert file.stat().st_ino != first


def saved(app: HfaasApp) -> int:
    """Return how often it was told that a report was saved."""
    return sum(each.text.startswith("report saved to") for each in app.store.messages())


# --- around


async def test_steps_are_turned_to_by_keys_and_by_a_click(world: World, project: Path) -> None:
    async with planned(world, project, FakePromoter()) as (_, pilot):
        for key, step in (("right_square_bracket", "4 Deploy"), ("left_square_bracket", "2 Plan")):
            await pilot.press(key)
            await wait_text(pilot, f"[{step}]")
        route = frame(pilot.app).splitlines()[2]
        await pilot.click("#route", offset=(route.index("1 Check"), 0))
        await wait_text(pilot, "[1 Check]")


async def test_read_only_has_no_key_that_asks_aws_or_stops_anything(world: World, project: Path) -> None:
    world.promoter = FakePromoter()  # type: ignore[attr-defined]
    async with running(world, WIDE, "promote", folder=project, read_only=True) as (app, pilot):
        await complete(app, pilot, "one run")
        await pilot.press("right_square_bracket", "P", "r", "x")
        await wait_text(pilot, "this window looks only, and does not ask AWS")
        assert not world.promoter.planned  # type: ignore[attr-defined]


def test_messages_that_nobody_has_words_for_end_nothing(world: World, project: Path) -> None:
    plan = fakes.promotion(project / "pipeline.yaml")
    from hfaas_tui.ui.project.undertaking import Undertaking

    one = Undertaking(plan, Where("aws"), {}, lambda: 0.0)
    one.tell(messages.Checked(()))
    one.tell(messages.LayerMoved("unknown", "l", 1, 0, messages.LayerState.PUSHING))
    one.tell(fakes.event("Unknown", "AWS::X::Y", "UPDATE_IN_PROGRESS"))
    assert one.is_running
