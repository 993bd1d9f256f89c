"""The pipelines of all samples are free of findings."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfaas_deploy import checks, fdl

SAMPLES = sorted((Path(__file__).parents[2] / "samples").glob("*/pipeline*.yaml"))


MEANT = {"http-image": ["public"]}
"""What a sample is warned of because it shows just that."""


@pytest.mark.parametrize("pipeline", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_sample_has_no_errors_and_no_warnings(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLO_MODEL", "yolo.onnx")
    monkeypatch.setenv("ONEDATA_TOKEN", "token")
    found = checks.check(fdl.read(pipeline))
    assert [each for each in found if each.code not in MEANT.get(pipeline.parent.name, ())] == []
