"""The report: what helps whoever looks into a defect, and nothing that is nobody's business."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.ui.world import NOW, function, run

from hfaas_tui.doctor import Finding
from hfaas_tui.ui.model import Condition, Gpu, Health, Machine, Problem, Target
from hfaas_tui.ui.report import Report, text
from hfaas_tui.ui.state import Message

SECRETS = (
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "MDAxY2xvY2F0aW9uIG9uZXpvbmUKMDAzYmlkZW50aWZpZXIg",
    "hunter2",
)


def report(**more: object) -> str:
    usual = {
        "target": Target("local", "127.0.0.1:4566", "us-east-1"),
        "health": Health(is_up=True, status={"version": "0.1.0", "engine": {"name": "docker", "detail": "20.10"}}),
        "machine": Machine(gpus=(Gpu(0, "NVIDIA H100", driver="550.54"),), memory_total=16 << 30),
    }
    return text(Report(NOW, **{**usual, **more}))  # type: ignore[arg-type]


def test_it_says_what_there_is() -> None:
    found = report(
        functions=[function("f", mode="batch")],
        runs=[run("1", "f"), run("2", "f", Condition.FAILED)],
        findings=[Finding("bad", "disk", "full")],
        system={"requests": {"s3": 3}, "queues": [{"name": "q", "state": "ENABLED", "jobs": {"RUNNING": 1}}]},
    )
    for words in (
        "1 batch",
        "1 invocation fail, 1 invocation ok",
        "bad  disk: full",
        "s3 3",
        "queue      q",
        "H100",
    ):
        assert words in found


def test_secrets_are_taken_out_wherever_they_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    said = f"failed: token={SECRETS[3]} password: {SECRETS[3]} {SECRETS[0]} {SECRETS[1]} {SECRETS[2]}"
    monkeypatch.setenv("LANG", f"token={SECRETS[3]}")
    found = report(
        health=Health(is_up=False, problem=Problem(said, said)),
        findings=[Finding("note", "x", said)],
        messages=[Message(NOW, said)],
        log=[said],
    )
    for secret in SECRETS:
        assert secret not in found
    assert "•••" in found


def test_the_home_folder_and_addresses_of_the_user_are_not_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.1.2.3 5 10.4.5.6 22")
    found = report(log=[f"reading {Path.home()}/project/pipeline.yaml"])
    assert str(Path.home()) not in found
    assert "~/project" in found
    assert "10.1.2.3" not in found


def test_environments_of_functions_are_not_in_it() -> None:
    assert "MODEL" not in report(functions=[function("f", environment={"MODEL": "secret-model"})])


def test_nothing_in_it_controls_a_terminal() -> None:
    found = report(messages=[Message(NOW, "\x1b]52;c;aGk=\x07\x9b2J\u202ehi")], log=["\x1b[2Jx"])
    assert all(char.isprintable() or char == "\n" for char in found)
