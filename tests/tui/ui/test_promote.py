"""The Promote view's first step, on a pipeline in a folder of the test's own: it tells, and asks AWS nothing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from tests.tui.ui.screen import SMALL, WIDE, frame, golden, running, settle, wait_for, wait_text
from tests.tui.ui.world import NOW, FakeBackend, function, run, sample
from textual.pilot import Pilot

from hfaas_deploy import template
from hfaas_tui.errors import CliError
from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project import project as project_files
from hfaas_tui.ui.project import promotion
from hfaas_tui.ui.project.promotion import Image, Seen
from hfaas_tui.ui.screens.promote import Promote

if TYPE_CHECKING:
    from hfaas_deploy.pipeline import Pipeline

VIDEO = """\
hfaas: {stack: hfaas-video}
functions:
  aws:
  - lambda:
      name: split-video
      init_script: split-video.py
      memory: 1024
      timeout: 300
      container: {image: grycap/ffmpeg}
      input: [{storage_provider: s3, path: hfaas-video/videos, suffix: [.avi, .mp4]}]
      output: [{storage_provider: s3, path: hfaas-video/frames, suffix: [.jpg]}]
  - lambda:
      name: detect-people
      init_script: split-video.py
      memory: 1024
      timeout: 60
      container: {image: grycap/opencv}
      input: [{storage_provider: s3, path: hfaas-video/frames, suffix: [.jpg]}]
      output: [{storage_provider: s3, path: hfaas-video/people}]
  - lambda:
      name: annotate-video
      init_script: split-video.py
      execution_mode: batch
      memory: 128
      container:
        image: grycap/opencv
        environment: {Variables: {EVERY: 10}}
      input: [{storage_provider: s3, path: hfaas-video/films, suffix: [.avi, .mp4]}]
      output: [{storage_provider: s3, path: hfaas-video/annotated}]
    batch: {vcpus: 2, memory: 4096}
"""
NAMES = ("split-video", "detect-people", "annotate-video")
FAULTY = VIDEO.replace("memory: 1024", "memory: 64", 1)


class FakeWitness:
    """Has seen what it was told to; `is_same` says of the template that is asked about that it is deployed."""

    def __init__(self) -> None:
        self.is_same = True
        self.status = "UPDATE_COMPLETE"
        self.trouble = ""
        self.images = tuple(Image(name, f"hfaas/{name}:0a1b", f"hfaas/{name}:0a1b", 480_000_000) for name in NAMES)
        self.asked = 0

    def look(self, pipeline: Pipeline) -> Seen:
        self.asked += 1
        if self.trouble:
            raise CliError(self.trouble, "S starts one")
        if not self.status:
            return Seen()
        sha256 = template.render(pipeline).sha256 if self.is_same else "8ab42362ac96" + 52 * "0"
        return Seen(self.status, sha256, self.images)


class World(FakeBackend):
    """The target of the other tests, with a witness of its own."""

    witness: FakeWitness


@pytest.fixture
def world() -> World:
    made = World()
    made.__dict__.update(sample().__dict__)
    made.witness = FakeWitness()
    for name in NAMES:
        made.has[name] = function(name, stack="hfaas-video", modified=NOW - 3600)
    made.runs = [
        *(run(f"5{n}", "split-video", began=900 - n, billed_ms=12_000) for n in range(2)),
        *(run(f"d{n}", "detect-people", began=800 - n, billed_ms=1500) for n in range(12)),
        run("a0", "annotate-video", job="a1-0000-4000-8000-000000000000", began=700, billed_ms=200),
        run("a1", "annotate-video", kind="job", began=690, took=240.0, invocation="a0-0000-4000-8000-000000000000"),
        run("01d", "split-video", Condition.FAILED, began=7200),  # before the deploy
    ]
    return made


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the pipeline and its script, and a home without AWS credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "video"
    folder.mkdir()
    (folder / "split-video.py").write_text("#!/usr/bin/env python3\n")
    (folder / "pipeline.yaml").write_text(VIDEO)
    (folder / ".git").mkdir()
    return folder


def view(app: HfaasApp) -> Promote:
    """Return the view on screen."""
    return cast("Promote", app.get_screen("view-promote"))


async def complete(app: HfaasApp, pilot: Pilot[int], text: str) -> None:
    """Wait until a text is on the screen and nothing more comes."""
    backend = cast("World", app.backend)
    await wait_text(pilot, text)
    await wait_for(
        pilot,
        lambda: (backend.broken or app.store.functions()) and view(app).looking.is_up_to_date,
        "end of what is looked for",
    )


def templates(folder: Path) -> list[Path]:
    """Return the templates that were written."""
    return sorted(folder.rglob("*.template.json"))


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_exactly_this_was_rehearsed_and_the_checks_say_what_else_there_is(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    async with running(world, size, "promote", folder=project) as (app, pilot):
        await complete(app, pilot, "one run")
        await golden(pilot, "promote-rehearsed")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_what_was_never_deployed_was_not_rehearsed(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    world.witness.status = ""
    world.runs = []
    async with running(world, size, "promote", folder=project) as (app, pilot):
        await wait_text(pilot, "not deployed here")
        await complete(app, pilot, "not known before")
        await golden(pilot, "promote-not-rehearsed")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_without_a_pipeline_it_says_where_one_is_written(
    world: World, tmp_path: Path, size: tuple[int, int]
) -> None:
    (tmp_path / ".git").mkdir()
    async with running(world, size, "promote", folder=tmp_path) as (app, pilot):
        await complete(app, pilot, "No pipeline in this folder")
        await golden(pilot, "promote-empty")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_a_pipeline_with_an_error_cannot_be_promoted(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    (project / "pipeline.yaml").write_text(FAULTY)
    async with running(world, size, "promote", folder=project) as (app, pilot):
        await complete(app, pilot, "cannot be promoted")
        await golden(pilot, "promote-error")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_the_template_is_shown_with_the_line_that_brings_it_up_and_saved_byte_for_byte(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    async with running(world, size, "promote", folder=project) as (app, pilot):
        await complete(app, pilot, "one run")
        await pilot.press("y")
        await wait_text(pilot, "aws cloudformation deploy")
        await golden(pilot, "promote-template")
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: templates(project), "template")
        proposal = view(app).proposal
        assert proposal is not None
        assert hashlib.sha256(templates(project)[0].read_bytes()).hexdigest() == proposal.sha256


def test_who_reads_a_template_while_it_is_saved_again_reads_all_of_the_first(world: World, project: Path) -> None:
    proposal = promotion.propose(project / "pipeline.yaml", world.witness)
    with promotion.save(proposal, project).open() as file:
        promotion.save(replace(proposal, body=proposal.body.replace("annotate-video", "annotate")), project)
        assert file.read() == proposal.body


async def test_all_properties_fill_the_window_and_secrets_do_not_show(world: World, project: Path) -> None:
    async with running(world, SMALL, "promote", folder=project) as (app, pilot):
        await complete(app, pilot, "one run")
        app.go("promote", "annotate-video")
        await wait_for(pilot, lambda: getattr(view(app).table.selected, "name", "") == "annotate-video", "row")
        await pilot.press("enter")
        await golden(pilot, "promote-details")
        assert "do-not-show-me" not in frame(app)
        await pilot.press("escape")
        await wait_text(pilot, "Checks")


async def test_while_the_emulator_is_gone_the_rehearsal_is_not_known(world: World, project: Path) -> None:
    world.broken = world.witness.trouble = "no emulator answers"
    async with running(world, WIDE, "promote", folder=project) as (app, pilot):
        await wait_text(pilot, "not known: no emulator answers")
        await complete(app, pilot, "one run")
        await golden(pilot, "promote-gone")


async def test_read_only_shows_everything_but_p(world: World, project: Path) -> None:
    async with running(world, WIDE, "promote", folder=project, read_only=True) as (app, pilot):
        await complete(app, pilot, "one run")
        assert "P promote" not in await settle(pilot)
        await pilot.press("P")
        assert "[1 Check]" in await settle(pilot)


async def test_r_looks_again_and_an_error_keeps_what_was_shown(world: World, project: Path) -> None:
    async with running(world, WIDE, "promote", folder=project) as (app, pilot):
        await complete(app, pilot, "one run")
        (project / "pipeline.yaml").write_text(FAULTY)
        await pilot.press("r")
        await wait_text(pilot, "what you see is from before")
        assert "detect-people" in frame(app)
        (project / "pipeline.yaml").write_text(VIDEO.replace("hfaas-video}", "films}"))
        await pilot.press("r")
        await wait_text(pilot, " films   template")


async def test_another_template_than_the_one_deployed_is_told(world: World, project: Path) -> None:
    world.witness.is_same = False
    async with running(world, WIDE, "promote", folder=project) as (_, pilot):
        await wait_text(pilot, "template 8ab42362ac96 is deployed here")


async def test_ctrl_s_names_the_file_and_a_filter_finds_roles(world: World, project: Path) -> None:
    async with running(world, WIDE, "promote", folder=project) as (app, pilot):
        await complete(app, pilot, "one run")
        await pilot.press("ctrl+s")
        await wait_text(pilot, "hfaas-video.template.json")
        await pilot.press("slash", *"role")
        await wait_for(pilot, lambda: 0 < len(view(app).table.shown) < 8, "roles")


async def test_another_pipeline_of_the_folder_is_chosen_with_o(world: World, project: Path) -> None:
    project_files.save(project / "other.yaml", VIDEO.replace("hfaas-video}", "other}"))
    async with running(world, WIDE, "promote", folder=project) as (_, pilot):
        await wait_text(pilot, "one of 2")
        await pilot.press("o")
        await wait_text(pilot, "Which pipeline?")
        await pilot.press("down", "enter")
        await wait_text(pilot, " other   template")
