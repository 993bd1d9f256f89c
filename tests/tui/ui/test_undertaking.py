"""A promotion under way, to an emulator that plays AWS: its steps, its end, its secrets, and how it is stopped."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.deploy.promote.stage import TOKEN, VARIABLE, Project
from tests.registry import Registry

from hfaas_deploy import messages
from hfaas_deploy.aws.target import Target
from hfaas_deploy.promote import procedure
from hfaas_deploy.promote.promotion import Promoted, Promotion
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project.promoting import Agree, Tell, told
from hfaas_tui.ui.project.undertaking import Undertaking
from hfaas_tui.ui.screens.promote import resources
from hfaas_tui.where import Where

ENDS_WITHIN = 60


class Stage:
    """Promotes a project with images of one small file, for which no container engine is needed."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.hears: Callable[[messages.Message], None] = lambda _: None

    def profiles(self) -> Sequence[str]:
        return []

    def plan(self, file: Path, where: Where, tell: Tell) -> Promotion:
        return self.project.plan()

    def promote(
        self, promotion: Promotion, where: Where, keys: Mapping[str, str], tell: Tell, agree: Agree
    ) -> Promoted:
        def said(message: messages.Message) -> None:
            self.hears(message)
            tell(message)

        engine, target = (
            self.project.engine,
            replace(self.project.target, account="", subnets=(), security_groups=()),
        )
        environ = {**os.environ, **keys}
        with told():
            return procedure.promote(
                promotion, target, engine, said, agree, smoke=False, environ=environ, push=engine.push
            )


@pytest.fixture
def project(tmp_path: Path, aws: Target, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv(VARIABLE, raising=False)
    return Project(tmp_path, aws, registry)


def begun(project: Project) -> Undertaking:
    """Return a promotion that is about to begin."""
    plan = project.plan()
    made = resources.resources(json.loads(plan.template.body))
    return Undertaking(plan, Where("aws"), {one.id: (one.kind, one.name) for one in made}, time.time)


def run(one: Undertaking, stage: Stage, keys: Mapping[str, str], agree: Agree = lambda _: True) -> None:
    """Promote to the end."""
    ended = threading.Event()
    one.begin(stage, keys, agree, ended.set)
    assert ended.wait(ENDS_WITHIN)
    if one.defect is not None:
        raise one.defect


def of_kind(one: Undertaking, kind: str) -> list[Any]:
    return [step for step in one.steps if step.id.startswith(kind)]


def test_every_resource_comes_up_and_a_typed_key_gets_to_its_secret_and_nowhere_else(project: Project) -> None:
    one = begun(project)
    assert one.promotion.secrets[0].missing == (VARIABLE,)
    run(one, Stage(project), {VARIABLE: TOKEN})

    assert one.promoted is not None, one.failure
    assert {step.state for step in of_kind(one, "resource")} == {Condition.OK}
    assert {step.id: step.state for step in one.steps}["stack"] is Condition.OK
    assert all(step.is_over or step.state is Condition.NONE for step in one.steps)
    assert set(one.outputs) >= {"DeadLetters"}
    assert VARIABLE not in os.environ
    assert TOKEN not in json.dumps(one.report())
    client = project.target.client("secretsmanager")
    secrets = [value for value in one.outputs.values() if ":secret:" in value]
    assert [TOKEN in client.get_secret_value(SecretId=each)["SecretString"] for each in secrets] == [True]


@pytest.mark.slow
def test_what_was_stopped_goes_on_from_there(project: Project) -> None:
    stage, one = Stage(project), begun(project)

    def stop(message: messages.Message) -> None:
        if isinstance(message, messages.Planned) and message.stack == project.name:
            one.stop()

    stage.hears = stop
    run(one, stage, {VARIABLE: TOKEN})
    left, sent = project.stack.status(), list(project.engine.pushed)
    again = begun(project)
    run(again, Stage(project), {VARIABLE: TOKEN})

    assert one.is_stopped
    assert one.failure is None
    assert left == ""
    assert len(sent) == 2
    assert project.engine.pushed == sent
    assert again.promoted is not None, again.failure


@pytest.mark.slow
def test_a_failure_is_told_with_its_first_cause_and_what_was_made_is_shown_as_gone(project: Project) -> None:
    project.edit("timeout: 30", "timeout: 31")
    project.promote()
    one = begun(project)
    project.target.client("lambda").delete_function(FunctionName=f"split-{project.id}")
    project.edit("memory: 256", "memory: 512")
    one = begun(project)
    run(one, Stage(project), {})

    assert one.promoted is None
    assert one.failure is not None
    assert one.failure.about == "stack"
    assert one.current is not None
    assert one.current.state is Condition.FAILED
    assert one.report()["failure"]["message"] == one.failure.message
    assert any(line.is_bad for line in one.lines)


@pytest.mark.slow
def test_who_does_not_agree_to_something_else_leaves_the_stack_as_it_was(project: Project) -> None:
    project.promote()
    project.edit("memory: 256", "memory: 512")
    one = begun(project)
    project.edit("memory: 512", "memory: 1024")
    project.promote()
    run(one, Stage(project), {}, lambda _: False)

    assert one.promoted is None
    assert one.failure is not None
    assert "than was agreed to" in one.failure.message
