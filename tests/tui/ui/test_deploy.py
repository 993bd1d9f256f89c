"""The Deploy view on projects in a folder of the test's own."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.tui.ui.screen import SMALL, WIDE, frame, golden, running, settle, wait_for, wait_text
from tests.tui.ui.world import FakeBackend, sample

from hfaas_tui.errors import CliError
from hfaas_tui.rehearsal import Options, rehearsal
from hfaas_tui.transfer import client
from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.model import Target
from hfaas_tui.ui.project.checking import Edit
from hfaas_tui.ui.project.deploying import Line, Outcome, Plan, Say
from hfaas_tui.ui.project.project import begin, save
from hfaas_tui.ui.screens.deploy.view import Deploy
from hfaas_tui.ui.widgets.problems import Problems

if TYPE_CHECKING:
    from hfaas_deploy.pipeline import Pipeline

VALID = """\
functions:
  aws:
  - lambda:
      name: mask-detector-image
      memory: 4096
      timeout: 300
      execution_mode: lambda-batch
      init_script: mask-detector.sh
      container:
        image: grycap/mask-detector-yolo:lite
      input:
      - storage_provider: s3
        path: mask-detector/raw
      output:
      - storage_provider: s3
        path: mask-detector/result
    batch:
      vcpus: 2
      memory: 4096
      enable_gpu: true
"""
FAULTY = VALID.replace("4096\n      timeout", "40960\n      timeout").replace("lambda-batch", "lambda_batch")
FAULTY = FAULTY.replace(
    "      - storage_provider: s3\n        path: mask-detector/result",
    "      - storage_provider: onedata.datahub\n        path: masks",
)
FAULTY += """\
storage_providers:
  onedata:
    datahub:
      oneprovider_host: datahub.egi.eu
      space: films
      token: ${ONEDATA_TOKEN}
"""
PLAN = Plan(
    (
        Line("~", "function", "mask-detector-image", (("memory", "2048", "4096"), ("gpu", "0", "1"))),
        Line("+", "trigger", "s3://mask-detector/raw → mask-detector-image"),
        Line("+", "job def", "mask-detector-image"),
        Line("=", "bucket", "mask-detector"),
    )
)


class FakeDeployer:
    """Plans what it was told to, and deploys when it may."""

    def __init__(self) -> None:
        self.result = PLAN
        self.trouble = self.failure = ""
        self.planned: list[Pipeline] = []
        self.deployed: list[str] = []
        self.hold = threading.Event()
        self.hold.set()

    def plan(self, pipeline: Pipeline) -> Plan:
        self.planned.append(pipeline)
        if self.trouble:
            raise CliError(self.trouble, "esc, then S starts one")
        return self.result

    def deploy(self, file: Path, say: Say) -> Outcome:
        say("mask-detector-image: image hfaas/mask-detector-image:0a1b2c")
        say("films: 7 changes")
        self.hold.wait(60)
        self.deployed.append(file.read_text())
        if self.failure:
            raise CliError(self.failure, "the Stack is as it was before")
        return Outcome("films", changed=True, urls=("http://127.0.0.1:4566/mask",))


def view(app: HfaasApp) -> Deploy:
    """Return the view on screen."""
    return cast("Deploy", app.get_screen("view-deploy"))


class World(FakeBackend):
    """The target of the other tests, with a deployer of its own."""

    deployer: FakeDeployer


@pytest.fixture
def world() -> World:
    made = World()
    made.__dict__.update(sample().__dict__)
    made.deployer = FakeDeployer()
    return made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder named as the pipeline, with its script."""
    folder = tmp_path / "masks"
    folder.mkdir()
    (folder / "mask-detector.sh").write_text(
        '#!/bin/bash\nset -e  # stop at once\nfor each in *.jpg; do\n  yolo "$each"\ndone\n'
    )
    (folder / "pipeline.yaml").write_text(VALID)
    (folder / ".git").mkdir()
    return folder


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_a_valid_file_and_what_a_deploy_would_do(world: World, project: Path, size: tuple[int, int]) -> None:
    async with running(world, size, "deploy", folder=project) as (_, pilot):
        await wait_text(pilot, "2048 → 4096")
        await golden(pilot, "deploy-valid")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_two_errors_and_a_warning(
    world: World, project: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ONEDATA_TOKEN", raising=False)
    (project / "pipeline.yaml").write_text(FAULTY)
    async with running(world, size, "deploy", folder=project) as (_, pilot):
        await wait_text(pilot, "2 errors")
        await golden(pilot, "deploy-errors")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_without_a_pipeline_n_writes_one(world: World, tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / ".git").mkdir()
    async with running(world, size, "deploy", folder=tmp_path) as (_, pilot):
        await wait_text(pilot, "n   write a new one")
        await golden(pilot, "deploy-empty")
        await pilot.press("n")
        await wait_text(pilot, "[pipeline.yaml] script.sh")
        assert (tmp_path / "pipeline.yaml").exists()


async def test_read_only_shows_everything_and_changes_nothing(world: World, project: Path) -> None:
    async with running(world, WIDE, "deploy", folder=project, read_only=True) as (_, pilot):
        await wait_text(pilot, "2048 → 4096")
        await golden(pilot, "deploy-read-only")
        await pilot.press("x", "f2", "ctrl+s", "f10")
        await settle(pilot)
        assert world.deployer.deployed == []
        assert (project / "pipeline.yaml").read_text() == VALID


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_without_an_emulator_it_says_so_and_keeps_the_text(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    world.broken = world.deployer.trouble = "no emulator answers at http://127.0.0.1:4566"
    async with running(world, size, "deploy", folder=project) as (_, pilot):
        await wait_text(pilot, "grycap/mask")
        await wait_text(pilot, "no emulator answers")
        await golden(pilot, "deploy-gone")


async def test_typing_marks_the_file_and_saving_keeps_its_mode(world: World, project: Path) -> None:
    script = project / "mask-detector.sh"
    script.chmod(0o755)
    async with running(world, WIDE, "deploy", folder=project) as (app, pilot):
        await wait_text(pilot, "[pipeline.yaml] mask-detector.sh")
        await pilot.press("f9", "#")
        await wait_text(pilot, "[mask-detector.sh ●modified]")
        assert "mask-detector.sh is not saved" in view(app).unsaved()
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: not view(app).unsaved(), "saving")
        assert script.read_text().startswith("##!/bin/bash")
        assert script.stat().st_mode & 0o777 == 0o755


async def test_who_looks_through_the_views_writes_nothing_into_the_file(world: World, project: Path) -> None:
    async with running(world, WIDE, "functions", folder=project) as (app, pilot):
        for _ in range(2):
            await pilot.press("6")
            await wait_text(pilot, "[pipeline.yaml]")
            await pilot.press("8")
            await wait_text(pilot, "[8 System]")
        await pilot.press("6")
        await wait_text(pilot, "[6 Deploy]")
        await pilot.press("down", "8")
        await wait_text(pilot, "[pipeline.yaml ●modified]")
        assert "8" in view(app).files.editors[0].text.splitlines()[1]


async def test_problems_are_walked_and_fixed_by_keys(world: World, project: Path) -> None:
    (project / "pipeline.yaml").write_text(FAULTY)
    async with running(world, WIDE, "deploy", folder=project) as (app, pilot):
        await wait_text(pilot, "2 errors")
        await pilot.press("f2")
        await wait_text(pilot, "not deployed: 2 errors")
        await pilot.press("f3")
        await wait_text(pilot, "HELP: memory")
        await pilot.press("f8")
        await wait_text(pilot, "1 error ")
        view(app).query_one(Problems).focus()
        await pilot.press("enter")
        await wait_text(pilot, "memory: 10240")
        await wait_for(pilot, lambda: "error" not in frame(app).splitlines()[2], "no error")
        assert "execution_mode: lambda-batch" in view(app).files.editors[0].text


async def test_a_problem_is_chosen_and_a_tab_opened_with_the_mouse(world: World, project: Path) -> None:
    (project / "pipeline.yaml").write_text(FAULTY)
    async with running(world, WIDE, "deploy", folder=project) as (_, pilot):
        await wait_text(pilot, "2 errors")
        await wait_text(pilot, "[pipeline.yaml] mask-detector.sh")
        await pilot.click("#problems", offset=(8, 3))
        await wait_text(pilot, "HELP: execution_mode")
        await pilot.click("#files", offset=(20, 0))
        await wait_text(pilot, "#!/bin/bash")


async def test_a_deploy_tells_its_lines_and_a_second_one_waits(world: World, project: Path) -> None:
    world.deployer.hold.clear()
    async with running(world, WIDE, "deploy", folder=project) as (app, pilot):
        await wait_text(pilot, "2048 → 4096")
        await pilot.press("f2")
        await wait_text(pilot, "films: 7 changes")
        await pilot.press("f2")
        await wait_text(pilot, "a deploy is under way")
        assert [task.kind for task in app.store.tasks()] == ["deploy"]
        world.deployer.hold.set()
        await wait_text(pilot, "films: deployed · http://127.0.0.1:4566/mask")
        assert world.deployer.deployed == [VALID]


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_a_failed_deploy_says_its_first_cause_and_keeps_the_log(
    world: World, project: Path, size: tuple[int, int]
) -> None:
    async with running(world, size, "deploy", folder=project) as (app, pilot):
        await wait_text(pilot, "2048 → 4096")
        world.deployer.failure = "MaskDetectorImageFunction (AWS::Lambda::Function): no such image"
        await pilot.press("f2")
        await wait_text(pilot, "deploy failed")
        app.clear_notifications()
        await golden(pilot, "deploy-failed")


async def test_a_file_that_others_write_is_loaded_or_asked_about(world: World, project: Path) -> None:
    file = project / "pipeline.yaml"
    async with running(world, WIDE, "deploy", folder=project) as (_, pilot):
        await wait_text(pilot, "2048 → 4096")
        save(file, VALID.replace("300", "301"))
        await wait_text(pilot, "timeout: 301")
        await pilot.press("#", "enter")
        save(file, VALID.replace("300", "302"))
        await wait_text(pilot, "Loading it drops your changes")
        await pilot.press("escape")
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: file.read_text().startswith("#\nfunctions"), "saving")
        assert "301" in file.read_text()


async def test_a_file_that_changes_again_while_it_is_asked_about_is_asked_about_once(
    world: World, project: Path
) -> None:
    file = project / "pipeline.yaml"
    async with running(world, WIDE, "deploy", folder=project) as (app, pilot):
        await wait_text(pilot, "2048 → 4096")
        disk = view(app).disk
        await pilot.press("#", "enter")
        save(file, VALID.replace("300", "301"))
        await wait_text(pilot, "Loading it drops your changes")
        save(file, VALID.replace("300", "302"))
        await wait_for(pilot, lambda: any("302" in each.text for each in disk._asked.values()), "the second text")
        await pilot.press("y")
        await wait_text(pilot, "timeout: 302")
        assert not app.screen.is_modal


async def test_a_save_over_what_others_wrote_is_asked_about(world: World, project: Path) -> None:
    file = project / "pipeline.yaml"
    async with running(world, WIDE, "deploy", folder=project) as (app, pilot):
        await wait_text(pilot, "2048 → 4096")
        view(app).disk.close()
        await pilot.press("#", "enter")
        file.write_text("theirs")
        await pilot.press("ctrl+s")
        await wait_text(pilot, "Your text would replace that")
        assert file.read_text() == "theirs"
        await pilot.press("y")
        await wait_for(pilot, lambda: file.read_text() == "#\n" + VALID, "overwriting")


async def test_hot_redeploys_whatever_is_saved_by_whomever(world: World, project: Path) -> None:
    script = project / "mask-detector.sh"
    async with running(world, WIDE, "deploy", folder=project) as (_, pilot):
        await wait_text(pilot, "2048 → 4096")
        await wait_text(pilot, "[pipeline.yaml] mask-detector.sh")  # from now on its files are watched
        await pilot.press("f10")
        await wait_text(pilot, "● hot")
        save(script, "#!/bin/bash\necho other\n")
        await wait_for(pilot, lambda: len(world.deployer.deployed) == 1, "a deploy")
        await pilot.press("#", "enter", "ctrl+s")
        await wait_for(pilot, lambda: len(world.deployer.deployed) == 2, "another deploy")


async def test_of_several_pipelines_one_is_chosen(world: World, project: Path) -> None:
    (project / "other.yaml").write_text(VALID.replace("mask-detector-image", "another"))
    async with running(world, SMALL, "functions", folder=project) as (_, pilot):
        await pilot.press("6")
        await wait_text(pilot, "Which pipeline?")
        await pilot.press("j", "enter")
        await wait_text(pilot, "name: another")
        await wait_text(pilot, "[other.yaml] mask-detector.sh")
        await pilot.press("f9", "ctrl+t")
        await wait_text(pilot, "A pipeline file, or a folder")
        await pilot.press("end", *"/pipeline.yaml", "enter")
        await wait_text(pilot, "[pipeline.yaml] mask-detector.sh")
        await wait_text(pilot, "name: mask-detector-image")


class Emulation:
    """Starts the emulator of a world that has none."""

    def __init__(self, world: World) -> None:
        self.world = world

    def start(self) -> None:
        self.world.broken = self.world.deployer.trouble = ""


async def test_without_an_emulator_a_deploy_offers_to_start_one(world: World, project: Path) -> None:
    world.broken = world.deployer.trouble = "no emulator answers"
    async with running(world, WIDE, "deploy", folder=project) as (app, pilot):
        app.emulation = cast("Any", Emulation(world))
        await wait_text(pilot, "✗ no answer")
        await wait_text(pilot, "[pipeline.yaml] mask-detector.sh")
        await pilot.press("f2")
        await wait_text(pilot, "Start one here, and deploy to it?")
        await pilot.press("y")
        await wait_for(pilot, lambda: world.deployer.deployed, "a deploy")


class Emulated(FakeBackend):
    """A real emulator, as far as this view asks it."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(Target("local", endpoint.removeprefix("http://"), "us-east-1"))
        self.api = client(endpoint, "lambda")

    def memory(self) -> dict[str, int]:
        """Return the memory of each function."""
        return {each["FunctionName"]: each["MemorySize"] for each in self.api.list_functions()["Functions"]}


async def test_from_a_problem_to_a_function_and_to_another_one(tmp_path: Path) -> None:
    """Edit, see a problem, fix it, deploy, change one value, see exactly that, deploy again."""
    folder = tmp_path / "hello"
    folder.mkdir()
    file = begin(folder)
    file.write_text(file.read_text().replace("memory: 512", "memory: 51200"))
    with rehearsal(Options(tmp_path / "state", engine="process", discard=True)) as emulator:
        backend = Emulated(emulator.endpoint)
        async with running(backend, WIDE, "deploy", folder=folder) as (app, pilot):
            await wait_text(pilot, "nothing is deployed yet")
            await wait_text(pilot, "deploy waits for the fix")
            await pilot.press("f8")
            await wait_text(pilot, "memory: 10240")
            await pilot.press("f2")
            await wait_text(pilot, "hello: deployed")
            assert backend.memory() == {"hello": 10240}
            await wait_text(pilot, "nothing would change")
            view(app).files.editors[0].repair(Edit((4, 14), (4, 19), "256"))
            await wait_text(pilot, "memory  10240 → 256")
            await settle(pilot)
            assert [line.split()[:2] for line in plan(frame(app))] == [
                ["~", "function"],
                ["memory", "10240"],
                ["=", "bucket"],
            ]
            assert backend.memory() == {"hello": 10240}
            await pilot.press("f2")
            await wait_for(pilot, lambda: backend.memory() == {"hello": 256}, "redeploy")


def plan(screen: str) -> list[str]:
    """Return the lines of what a deploy would do."""
    right = [line.partition("│")[2] for line in screen.splitlines()]
    start = next(at for at, line in enumerate(right) if "WHAT WILL HAPPEN" in line)
    return [line for line in right[start + 1 : right.index(next(t for t in right if "HELP" in t))] if line.strip()]
