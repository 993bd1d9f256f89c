"""`hfaas run` on a pipeline that begins and ends in a space, for real, with plain processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hfaas_tui import cli

PIPELINE = """\
storage_providers:
  onedata: {hub: {oneprovider_host: hub.example.org, token: from-the-real-one, space: texts}}
functions:
  aws:
  - lambda:
      name: shout
      init_script: shout.sh
      timeout: 30
      container: {image: none, timeout_threshold: 1}
      input: [{storage_provider: onedata.hub, path: in, suffix: [.txt]}]
      output: [{storage_provider: onedata.hub, path: out/loud}, {storage_provider: s3, path: texts-copies/loud}]
    hfaas: {retries: 0}
"""
SCRIPT = """\
#!/bin/sh
set -e
grep -v bad "$INPUT_FILE_PATH" | tr a-z A-Z >"$TMP_OUTPUT_DIR/$(basename "$INPUT_FILE_PATH")"
grep -q good "$INPUT_FILE_PATH"
"""


@pytest.mark.slow
def test_a_file_goes_through_a_space_and_comes_back_and_one_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "shout.sh").write_text(SCRIPT)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a b#%.txt").write_text("good\n")
    (tmp_path / "in" / "bad.txt").write_text("bad\n")

    code = cli.hfaas.main(
        ["run", "--engine", "process", "--input", "onedata:in", "--output", "out", "--json"], standalone_mode=False
    )

    told = json.loads(capsys.readouterr().out)
    assert code == 1
    assert [each["input"] for each in told["failures"]] == ["onedata://texts/in/bad.txt"]
    for folder in ("texts/out/loud", "texts-copies/loud"):
        assert [each.name for each in (tmp_path / "out" / folder).iterdir()] == ["a b#%.txt"]
        assert (tmp_path / "out" / folder / "a b#%.txt").read_text() == "GOOD\n"
    assert [each["function"] for each in told["functions"]] == ["shout"]
    assert [each["function"] for each in told["onetrigger"]] == ["shout-onetrigger"]
