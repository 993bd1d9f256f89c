"""The pipelines of all samples are free of findings."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfaas_deploy import checks, fdl

SAMPLES = sorted((Path(__file__).parents[2] / "samples").glob("*/pipeline*.yaml"))


@pytest.mark.parametrize("pipeline", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_sample_has_no_errors_and_no_warnings(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLO_MODEL", "yolo.onnx")
    assert checks.check(fdl.read(pipeline)) == []
