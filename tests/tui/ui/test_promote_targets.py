"""What the window knows of its promotions while another target is looked at, and when the pipeline or account changes."""

# ruff: noqa: F811 - fixtures of the other module

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from tests.tui.ui import promoter as fakes
from tests.tui.ui.promoter import HOLD, FakePromoter
from tests.tui.ui.screen import WIDE, frame, settle, wait_for, wait_text
from tests.tui.ui.test_promote import VIDEO, World, project, view, world  # noqa: F401 - fixtures
from tests.tui.ui.test_promote_steps import begin, ended, moved, updating, whole
from tests.tui.ui.world import NOW, FakeBackend
from textual.pilot import Pilot
from textual.screen import Screen

from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.backend import Backend
from hfaas_tui.ui.model import Target
from hfaas_tui.ui.options import parse
from hfaas_tui.ui.settings import Settings
from hfaas_tui.ui.targets import Kind, Targets

AWS = Target("aws", "210987654321", "eu-west-1", "research")


class Both(Targets):
    """The emulator's world, and an AWS account."""

    def __init__(self, world: World) -> None:
        super().__init__(parse([]), Settings(), ExitStack())
        self._world = world

    def open(self, kind: Kind) -> tuple[Backend, None]:
        if kind == "aws":
            made = FakeBackend(AWS)
            made.promoter = self._world.promoter  # type: ignore[attr-defined]
            return made, None
        again = World()
        kept = {"promoter", "witness", "has", "runs", "target"}
        again.__dict__.update({name: each for name, each in self._world.__dict__.items() if name in kept})
        return again, None


@asynccontextmanager
async def promoting(
    world: World, project: Path, script: Iterable[object], fake: FakePromoter | None = None
) -> AsyncIterator[tuple[HfaasApp, Pilot[int], FakePromoter]]:
    """Run the UI, with two targets, until a promotion has begun."""
    fake = fake or FakePromoter()
    fake.script = list(script)
    world.promoter = fake  # type: ignore[attr-defined]
    app = HfaasApp(
        world,
        settings=Settings(fps=50, folder=project),
        targets=Both(world),
        clock=lambda: NOW,
        first="promote",
    )
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await wait_text(pilot, "asks AWS what it has")
        await pilot.press("P")
        await wait_for(pilot, lambda: fake.planned and not view(app).planned.is_busy, "the plan")
        await begin(app, pilot)
        yield app, pilot, fake
        assert not app.defects.met, app.defects.met


async def go(app: HfaasApp, pilot: Pilot[int], kind: Kind) -> None:
    """Look at another target, and wait for its Promote view."""
    before = app.backend
    app.action_go_to_target(kind)
    await wait_for(pilot, lambda: app.backend is not before and not app.screen.is_modal, "the other target")
    await wait_text(pilot, "▲ AWS LIVE" if kind == "aws" else "◆ LOCAL")
    await wait_text(pilot, "[7 Promote]")
    await wait_for(pilot, lambda: view(app).proposal, "what its keys are about")


async def test_what_verify_found_is_there_again_after_another_target_was_looked_at(
    world: World, project: Path
) -> None:
    async with promoting(world, project, whole(project / "pipeline.yaml")) as (app, pilot, _):
        await wait_text(pilot, "3 of 3 functions tried")
        await go(app, pilot, "aws")
        await go(app, pilot, "local")
        await wait_text(pilot, "[5 Verify]")
        await wait_text(pilot, "3 of 3 functions tried")
        assert "it starts and reads its configuration" in await settle(pilot)


async def test_a_promotion_goes_on_while_another_target_is_looked_at_and_its_end_is_told_there(
    world: World, project: Path
) -> None:
    script = [*fakes.pushing("split-video"), HOLD, *whole(project / "pipeline.yaml")]
    async with promoting(world, project, script) as (app, pilot, fake):
        await wait_text(pilot, "9b2c41aa77f0")
        await go(app, pilot, "aws")
        await wait_text(pilot, "9b2c41aa77f0")  # the view shows the step that runs
        app.go("logs")
        await wait_text(pilot, "[2 Logs]")
        fake.go_on()
        await wait_text(pilot, "hfaas-video is promoted")
        app.action_go_to_target("local")
        await wait_text(pilot, "◆ LOCAL")
        app.go("promote")
        await wait_text(pilot, "3 of 3 functions tried")


async def test_who_leaves_while_it_goes_on_elsewhere_is_asked(world: World, project: Path) -> None:
    async with promoting(world, project, [*fakes.pushing("split-video"), HOLD]) as (app, pilot, fake):
        await wait_text(pilot, "9b2c41aa77f0")
        await go(app, pilot, "aws")
        await pilot.press("q")
        await wait_text(pilot, "promoting again goes on from there")
        await pilot.press("escape")
        fake.go_on()
        await ended(app, pilot)


async def test_a_question_that_is_left_for_another_target_is_not_agreed_to(world: World, project: Path) -> None:
    fake = FakePromoter()
    fake.other = updating(project).makes(project / "pipeline.yaml")
    async with promoting(world, project, whole(project / "pipeline.yaml"), fake) as (app, pilot, _):
        await wait_text(pilot, "something else by now")
        app.action_go_to_target("aws")
        await wait_text(pilot, "▲ AWS LIVE")
        await wait_for(pilot, lambda: fake.agreed == [False], "an answer")
        await wait_text(pilot, "it was not agreed to")


async def test_nothing_is_painted_on_a_view_whose_widgets_are_leaving(world: World, project: Path) -> None:
    async with promoting(world, project, whole(project / "pipeline.yaml")) as (app, pilot, _):
        await wait_text(pilot, "3 of 3 functions tried")
        leaving = view(app)
        await app.switch_screen(Screen())
        app.uninstall_screen(leaving)
        removal = asyncio.ensure_future(_removed(leaving))
        left = set()
        while not removal.done():
            leaving.panes.show()
            left.add(len(leaving.children))
            await asyncio.sleep(0)
        assert len(left) > 2  # they did go one after the other


async def _removed(one: Screen[None]) -> None:
    await one.remove()


async def test_what_was_verified_of_another_template_is_out_of_date(world: World, project: Path) -> None:
    async with promoting(world, project, whole(project / "pipeline.yaml")) as (app, pilot, _):
        await wait_text(pilot, "3 of 3 functions tried")
        (project / "pipeline.yaml").write_text(VIDEO.replace("timeout: 300", "timeout: 200"))
        view(app).looking.soon()
        await wait_text(pilot, "What was verified last is out of date: it was template")
        assert "functions tried" not in await settle(pilot)
        (project / "pipeline.yaml").write_text(VIDEO)
        view(app).looking.soon()
        await wait_text(pilot, "3 of 3 functions tried")


async def test_what_was_verified_in_another_account_is_out_of_date(world: World, project: Path) -> None:
    async with promoting(world, project, whole(project / "pipeline.yaml")) as (app, pilot, fake):
        await wait_text(pilot, "3 of 3 functions tried")
        other = replace(fakes.IDENTITY, account="111122223333")
        fake.makes = lambda file: fakes.promotion(file, identity=other)
        view(app).turn(view(app).planned)
        await pilot.press("r")
        await wait_text(pilot, "1111-2222-3333")
        view(app).turn(view(app).verified)
        await wait_text(pilot, "out of date: it was account 2109-8765-4321 eu-west-1")


async def test_each_account_has_what_was_verified_there(world: World, project: Path) -> None:
    async with promoting(world, project, whole(project / "pipeline.yaml")) as (app, pilot, _):
        await wait_text(pilot, "3 of 3 functions tried")
        await pilot.press("w")
        await wait_text(pilot, "research")
        await pilot.press("down", "enter")
        await wait_for(pilot, lambda: view(app).where.profile, "another profile")
        view(app).turn(view(app).verified)
        await wait_text(pilot, "Nothing was promoted from here yet.")
        await go(app, pilot, "aws")
        await go(app, pilot, "local")
        assert view(app).where.profile == "default"
        await pilot.press("w")
        await wait_text(pilot, "research")
        await pilot.press("up", "enter")
        await wait_for(pilot, lambda: not view(app).where.profile, "the first profile")
        view(app).turn(view(app).verified)
        await wait_text(pilot, "3 of 3 functions tried")


async def test_a_push_goes_on_moving_the_bar_of_another_target(world: World, project: Path) -> None:
    script = [*fakes.pushing("split-video"), HOLD, moved(200), HOLD]
    async with promoting(world, project, script) as (app, pilot, fake):
        await wait_text(pilot, "210 MB of 1.4 GB")
        await go(app, pilot, "aws")
        await wait_text(pilot, "210 MB of 1.4 GB")
        fake.go_on()
        await wait_text(pilot, "290 MB of 1.5 GB")
        assert "▲ AWS LIVE 2109-8765-4321 eu-west-1" in frame(app).splitlines()[0]
        fake.go_on()
        await ended(app, pilot)
