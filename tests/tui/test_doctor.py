from __future__ import annotations

import os
from pathlib import Path

import pytest

from hfaas_emulator.containers import gpu_probe
from hfaas_tui.doctor import Finding, examine


@pytest.fixture(autouse=True)
def no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Points to a socket that is not there."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


def about(subject: str) -> list[Finding]:
    return [each for each in examine() if each.subject == subject]


def test_without_docker_it_says_what_happens_then_and_what_to_do() -> None:
    lacking, mending = about("Docker")
    assert lacking.level == mending.level == "note"
    assert "functions run as plain processes" in lacking.text
    assert "--engine process" in mending.text


@pytest.mark.skipif(gpu_probe.is_worth_a_look(), reason="this machine has a driver")
def test_without_a_gpu_it_says_why_and_what_jobs_do_then() -> None:
    (gpu,) = about("GPU")
    assert gpu.level == "note"
    assert gpu.text == (
        "no NVIDIA driver on this machine; jobs that ask for a GPU wait, with --gpu fallback they run on CPU"
    )


def test_a_gpu_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU-1, NVIDIA L4, 23034'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert about("GPU") == [Finding("ok", "GPU", "NVIDIA L4 (23034 MB)")]
