"""`hfaas template`: what CloudFormation would get, and nothing that is nobody's business."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from hfaas_tui.cli import execute

PIPELINE = """\
hfaas: {stack: films}
functions:
  aws:
  - lambda:
      name: f
      init_script: a.sh
      container: {image: x, environment: {Variables: {API_TOKEN: "${API_TOKEN}", EVERY: "${EVERY}"}}}
      input: [{storage_provider: s3, path: films/in}]
      output: [{storage_provider: onedata.hub, path: out}]
storage_providers:
  onedata: {hub: {oneprovider_host: one.example.org, token: "${HUB_TOKEN}", space: films}}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVERY", "ten")
    monkeypatch.setenv("API_TOKEN", "t0k3n-of-mine")
    monkeypatch.setenv("HUB_TOKEN", "t0k3n-of-the-hub")
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "a.sh").write_text("#!/bin/sh\n")
    return tmp_path


def test_the_text_is_what_a_deploy_sends(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["template"]) == 0

    text, news = capsys.readouterr()
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert f"template {hashlib.sha256(text.encode()).hexdigest()[:12]}" in news
    assert "parameters: FImage (Image of f)" in news


def test_no_secret_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["template", "--pretty"]) == 0

    text, news = capsys.readouterr()
    assert "VariablesFSecret" in text
    assert not [word for word in ("t0k3n", "API_TOKEN", "HUB_TOKEN") if word in text + news]


def test_it_can_be_had_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    execute(["template"])
    compact = capsys.readouterr().out
    execute(["template", "--pretty"])
    pretty = capsys.readouterr().out
    execute(["template", "--json"])
    told = json.loads(capsys.readouterr().out)

    assert json.loads(compact) == json.loads(pretty) == told["template"]
    assert pretty.count("\n") > 100
    assert (told["bytes"], told["needs_bucket"]) == (len(compact), False)
    assert told["sha256"] == hashlib.sha256(compact.encode()).hexdigest()


def test_a_variable_that_is_not_set_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EVERY")

    assert execute(["template"]) == 1
    assert "not set in the environment: EVERY" in capsys.readouterr().err


def test_keys_that_are_not_set_do_not_matter(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(["template"])
    before = capsys.readouterr().out
    monkeypatch.delenv("API_TOKEN")
    monkeypatch.delenv("HUB_TOKEN")

    assert execute(["template"]) == 0
    assert capsys.readouterr().out == before


def test_a_file_with_errors_has_no_template(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "pipeline.yaml").write_text(PIPELINE.replace("name: f", "name: f f"))

    assert execute(["template"]) == 2
    assert capsys.readouterr().out == ""
