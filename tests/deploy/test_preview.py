"""What a deploy would do, against the emulator's real CloudFormation API."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from hfaas_deploy import deploy, fdl
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.layers import LayerImages
from hfaas_deploy.errors import FdlError, TargetUnreachable
from hfaas_deploy.preview import Action, Preview, Step, preview
from hfaas_deploy.settings import Setting

FDL = """\
hfaas: {{stack: peek-{id}}}
functions:
  aws:
  - lambda:
      name: hello-{id}
      init_script: a.sh
      memory: 256
      container: {{image: "debian:bookworm-slim"}}
      input: [{{storage_provider: s3, path: peek-{id}/in}}]
      output: [{{storage_provider: s3, path: peek-{id}/out}}]
"""
JOBS = """\
      execution_mode: lambda-batch
    batch: {vcpus: 2, memory: 4096, enable_gpu: true}
"""


class Project:
    """A pipeline of its own, and what a deploy of it would do."""

    def __init__(self, folder: Path, target: Target) -> None:
        self.id = uuid.uuid4().hex[:8]
        self.file, self.script, self.target = folder / "pipeline.yaml", folder / "a.sh", target
        self.script.write_text("#!/bin/sh\n")
        self.images = LayerImages(target.endpoint)
        self.write(FDL.format(id=self.id))

    def write(self, text: str) -> None:
        self.file.write_text(text)

    def edit(self, old: str, new: str) -> None:
        self.write(self.file.read_text().replace(old, new))

    def preview(self) -> Preview:
        return preview(fdl.parse(self.file), self.target, self.images)

    def deploy(self) -> None:
        deploy.deploy(fdl.read(self.file), self.target, self.images, lambda _: None)

    def changes(self) -> list[Step]:
        return list(self.preview().changes)


@pytest.fixture
def project(tmp_path: Path, target: Target) -> Project:
    return Project(tmp_path, target)


def test_before_the_first_deploy_everything_is_new_and_no_stack_is_made(project: Project) -> None:
    found = project.preview()
    assert found.is_new
    assert {step.action for step in found.steps} == {Action.ADD}
    assert [(step.kind, step.name) for step in found.steps] == [
        ("function", f"hello-{project.id}"),
        ("trigger", f"s3://peek-{project.id}/in → hello-{project.id}"),
        ("bucket", f"peek-{project.id}"),
        ("queue", "DeadLetters"),
    ]
    assert Stack(project.target.client("cloudformation"), found.stack).status() == ""


def test_what_is_deployed_already_changes_nothing(project: Project) -> None:
    project.deploy()
    assert project.changes() == []
    assert [step.kind for step in project.preview().steps] == ["function", "bucket"]


def test_only_the_value_that_changes_is_told(project: Project) -> None:
    project.deploy()
    project.edit("memory: 256", "memory: 512")
    assert project.changes() == [
        Step(Action.CHANGE, "function", f"hello-{project.id}", (Setting("memory", "256", "512"),))
    ]
    assert [step.kind for step in project.preview().steps] == ["function", "bucket"]


def test_an_edited_script_is_another_image(project: Project) -> None:
    project.deploy()
    project.script.write_text("#!/bin/sh\necho more\n")
    (step,) = project.changes()
    (setting,) = step.settings
    assert setting.name == "image"
    assert setting.old != setting.new


def test_a_preview_leaves_nothing_behind(project: Project) -> None:
    project.deploy()
    project.edit("memory: 256", "memory: 512")
    project.preview()
    api = project.target.client("cloudformation")
    assert api.list_change_sets(StackName=f"peek-{project.id}")["Summaries"] == []
    memory = project.target.client("lambda").get_function_configuration(FunctionName=f"hello-{project.id}")
    assert memory["MemorySize"] == 256


def test_jobs_and_other_inputs_are_told_in_the_words_of_the_file(project: Project) -> None:
    project.deploy()
    project.write(FDL.format(id=project.id).replace("/in}", "/films}") + JOBS)
    steps = {(step.action, step.kind, step.name): step for step in project.changes()}
    name, bucket = f"hello-{project.id}", f"peek-{project.id}"
    function = steps[Action.CHANGE, "function", name]
    assert Setting("execution_mode", "lambda", "lambda-batch") in function.settings
    assert Setting("gpu", "0", "1") in function.settings
    assert (Action.ADD, "job def", name) in steps
    assert (Action.ADD, "trigger", f"s3://{bucket}/films → {name}") in steps
    assert (Action.REMOVE, "trigger", f"s3://{bucket}/in → {name}") in steps


def test_a_function_that_is_no_longer_in_the_file_goes(project: Project) -> None:
    other = FDL.format(id=project.id).partition("  - lambda:")[2].replace("hello", "bye").replace("/in}", "/in2}")
    project.write(FDL.format(id=project.id) + "  - lambda:" + other)
    project.deploy()
    project.write(FDL.format(id=project.id))
    assert (Action.REMOVE, "function", f"bye-{project.id}") in [
        (step.action, step.kind, step.name) for step in project.changes()
    ]


def test_the_value_of_a_secret_variable_is_no_setting(project: Project) -> None:
    variables = "      environment: {{Variables: {{MAP_KEY: {}}}}}\n"
    project.write(FDL.format(id=project.id) + variables.format("one"))
    project.deploy()
    project.edit("MAP_KEY: one", "MAP_KEY: two")
    assert project.changes() == []


def test_values_of_variables_that_only_sound_secret_are_hidden(project: Project) -> None:
    variables = "      environment: {{Variables: {{MAP_KEY: {}}}}}\n    hfaas: {{plain: [MAP_KEY]}}\n"
    project.write(FDL.format(id=project.id) + variables.format("one"))
    project.deploy()
    project.edit("MAP_KEY: one", "MAP_KEY: two")
    (step,) = project.changes()
    assert step.settings == (Setting("MAP_KEY", "(hidden)", "(hidden)"),)


def test_a_faulty_file_has_no_preview(project: Project) -> None:
    project.edit("memory: 256", "memory: 1")
    with pytest.raises(FdlError, match="memory 1 is below 128"):
        project.preview()


def test_without_an_emulator_there_is_no_preview(project: Project) -> None:
    project.target = Target.local("http://127.0.0.1:1")
    with pytest.raises(TargetUnreachable):
        project.preview()


def test_what_is_not_saved_yet_can_be_read(project: Project) -> None:
    content = project.file.read_bytes().replace(b"256", b"300")
    assert fdl.parse(project.file, content=content).functions[0].memory == 300
