from __future__ import annotations

import json
from pathlib import Path

import pytest

from hfaas_tui.cli import execute

PIPELINE = """\
functions:
  aws:
  - lambda:
      name: f
      init_script: a.sh
      container: {image: x}
      input: [{storage_provider: s3, path: films/in}]
      output: [{storage_provider: s3, path: films/out}]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "a.sh").write_text("#!/bin/sh\n")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["status", "--json"], 1),
        (["run", "-f", "none.yaml", "-o", "out", "--json"], 2),
        (["run", "-o", "out", "--engine", "nope", "--json"], 2),
    ],
)
@pytest.mark.usefixtures("here")
def test_a_failure_is_json_where_json_was_asked_for(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(arguments) == code

    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert told["error"]["message"]


def test_findings_are_printed_as_they_are(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "pipeline.yaml").write_text(PIPELINE.replace("name: f", "name: f f"))

    assert execute(["run", "-o", "out", "a.sh"]) == 2
    assert capsys.readouterr().err.startswith("pipeline.yaml:4:13: error: name 'f f'")


@pytest.mark.usefixtures("here")
def test_a_pipeline_that_waits_for_files_is_not_run_without(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["run", "-o", "out"]) == 2
    assert "f waits for files in s3://films/in" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_a_sound_file_is_said_to_be_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["check"]) == 0
    assert capsys.readouterr().out == "pipeline.yaml: no findings\n"


def test_a_file_whose_template_is_too_large_is_found_by_check(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head, function = PIPELINE.split("  - lambda:", 1)
    own = (function.replace("name: f", f"name: f{n}").replace("films/", f"films/{n}/") for n in range(130))
    (here / "pipeline.yaml").write_text(head + "".join("  - lambda:" + each for each in own))

    assert execute(["check"]) == 1
    assert "resources; CloudFormation takes 500" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["check", "\x1b[31mx\u202e"], ["\x1b[2J"], ["check", "--\x1b[2J"]])
def test_what_a_terminal_would_obey_is_not_repeated(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(arguments) == 2

    said = capsys.readouterr().err
    assert "Error: " in said
    assert not {"\x1b", "\u202e"} & {*said}
