"""`hfaas convert` on the command line: where the text goes, and what is said beside it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import yaml

from hfaas_tui.cli import execute

OLD = """\
functions:
  split:  # of 2019
    image: ffmpeg
    init_script: a.sh
    s3: {input_bucket: films, deployment_bucket: zips}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("old.yaml").write_text(OLD)
    Path("a.sh").write_text("#!/bin/sh\n")
    return tmp_path


def test_the_text_alone_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["convert", "old.yaml"]) == 0

    said = capsys.readouterr()
    assert yaml.safe_load(said.out)["functions"]["aws"][0]["lambda"]["name"] == "split"
    assert "name: split  # of 2019" in said.out
    assert "the form of SCAR 1.0-3.x" in said.err
    assert "functions.split.s3.deployment_bucket is left out" in said.err


def test_the_output_is_checked_without_a_word_about_its_form(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["convert", "old.yaml", "--output", "new.yaml"]) == 0
    capsys.readouterr()

    assert execute(["check", "-f", "new.yaml"]) == 0
    assert capsys.readouterr().out == "new.yaml: no findings\n"


def test_a_file_that_is_there_is_overwritten_by_force_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["convert", "old.yaml", "-o", "old.yaml"]) == 2
    assert "old.yaml is there already" in capsys.readouterr().err
    assert Path("old.yaml").read_text() == OLD

    assert execute(["convert", "old.yaml", "-o", "old.yaml", "--force"]) == 0
    assert "aws:" in Path("old.yaml").read_text()


def test_keys_in_a_file_stay_as_private_as_they_were() -> None:
    Path("old.yaml").chmod(0o600)

    execute(["convert", "old.yaml", "-o", "new.yaml"])
    assert stat.S_IMODE(Path("new.yaml").stat().st_mode) == 0o600
    assert sorted(each.name for each in Path().iterdir()) == ["a.sh", "new.yaml", "old.yaml"]


def test_another_folder_is_said_to_matter(capsys: pytest.CaptureFixture[str]) -> None:
    Path("new").mkdir()

    assert execute(["convert", "old.yaml", "-o", "new/pipeline.yaml"]) == 0
    assert "come from its own folder" in capsys.readouterr().err


def test_todays_form_is_said_to_be_it(capsys: pytest.CaptureFixture[str]) -> None:
    execute(["convert", "old.yaml", "-o", "new.yaml"])
    capsys.readouterr()

    assert execute(["convert", "new.yaml"]) == 0
    said = capsys.readouterr()
    assert said.out == Path("new.yaml").read_text()
    assert said.err == "new.yaml has today's form already\n"


def test_all_of_it_is_json_where_json_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["convert", "old.yaml", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["converted"], told["output"]) == (True, None)
    assert [each["code"] for each in told["dropped"]] == ["dropped"]
    assert yaml.safe_load(told["text"])


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["convert"], 2, "Missing argument 'FILE'"),
        (["convert", "none.yaml"], 2, "none.yaml:1:1: error: cannot be read: no such file or directory"),
        (["convert", "."], 2, "cannot be read: is a directory"),
        (["convert", "old.yaml", "-o", "."], 2, ". is a folder"),
        (["convert", "old.yaml", "-o", "none/new.yaml"], 1, "none/new.yaml cannot be written: No such file"),
        (["convert", "old.yaml", "--defaults", "none.cfg"], 2, "none.cfg:1:1: error: cannot be read"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    arguments: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(arguments) == code
    assert sentence in capsys.readouterr().err


def test_defaults_of_scar_are_laid_under_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("scar.cfg").write_text('{"aws": {"lambda": {"memory": 640}}}')

    assert execute(["convert", "old.yaml", "--defaults", "scar.cfg"]) == 0
    assert "memory: 640" in capsys.readouterr().out
    assert execute(["template", "-f", "old.yaml", "--defaults", "scar.cfg"]) == 0
    assert '"MemorySize":640' in capsys.readouterr().out
    assert execute(["check", "-f", "old.yaml", "--defaults", "scar.cfg"]) == 0
