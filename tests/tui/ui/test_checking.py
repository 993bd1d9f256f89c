"""Problems of a text, what repairs them, and help for a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfaas_tui.ui.project import checking
from hfaas_tui.ui.project.checking import Check

FDL = """\
functions:
  aws:
  - lambda:
      name: hello
      memory: 40960
      timeot: 300
      execution_mode: "lambda_batch"
      container: {image: debian}
"""


@pytest.fixture
def found(tmp_path: Path) -> Check:
    return checking.check(tmp_path / "pipeline.yaml", FDL)


def test_problems_say_where_what_is_allowed_and_what_one_key_does(found: Check) -> None:
    told = [(each.line, each.column, each.message, each.hint, each.fix) for each in found.remarks if each.is_error]
    assert told == [
        (5, 15, "memory 40960 is above 10240 (MB)", "128 to 10240", "10240"),
        (6, 7, "unknown key 'timeot' in functions.aws[].lambda", "", "timeout"),
        (7, 23, "execution_mode 'lambda_batch'", "lambda, lambda-batch or batch", "lambda-batch"),
    ]
    assert (found.errors, found.warnings) == (3, 1)


def test_each_fix_repairs_its_own_problem(found: Check, tmp_path: Path) -> None:
    text = found.text
    for remark in reversed([each for each in found.remarks if each.fix]):
        edit = checking.fix(text, remark)
        assert edit is not None
        text = checking.apply(text, edit)
    assert "memory: 10240\n      timeout: 300\n      execution_mode: lambda-batch\n" in text
    assert checking.check(tmp_path / "pipeline.yaml", text).errors == 0


def test_a_text_with_all_fixes_can_be_planned(found: Check, tmp_path: Path) -> None:
    better = checking.repaired(tmp_path / "pipeline.yaml", found)
    assert better is not None
    assert better.pipeline is not None
    assert better.pipeline.functions[0].memory == 10240
    broken = checking.check(tmp_path / "pipeline.yaml", FDL.replace("container: {image: debian}", ""))
    assert checking.repaired(tmp_path / "pipeline.yaml", broken) is None


@pytest.mark.parametrize("text", ["", "functions: [", "a: @b", "\x00", "functions:\n\taws: 1", "- 1", "é: ☃\n"])
def test_no_text_is_too_broken_to_be_checked(text: str, tmp_path: Path) -> None:
    found = checking.check(tmp_path / "pipeline.yaml", text)
    assert found.errors
    assert checking.repaired(tmp_path / "pipeline.yaml", found) is None


def test_a_fix_without_its_text_does_nothing(found: Check) -> None:
    assert checking.fix("functions: {}\n", found.remarks[0]) is None


def test_help_tells_what_the_key_under_the_cursor_is_for(found: Check) -> None:
    memory = checking.help_at(found, 4, 20)
    assert memory is not None
    assert (memory.name, memory.text, memory.facts) == (
        "memory",
        "MB",
        (("takes", "128 to 10240"), ("default", "512")),
    )
    mode = checking.help_at(found, 6, 0)
    assert mode is not None
    assert dict(mode.facts)["batch"] == "always runs as a Batch job"
    assert checking.help_at(Check(), 0, 0) is None


def test_a_function_is_found_by_name(found: Check) -> None:
    assert found.line_of("hello") == 3
    assert found.line_of("bye") is None


@pytest.mark.parametrize(
    ("line", "lead"),
    [
        ("  aws:", "    "),
        ("  - lambda:", "      "),
        ("      name: x", "      "),
        ("- lambda:  # one", "    "),
        ("", ""),
    ],
)
def test_a_new_line_begins_below_its_key(line: str, lead: str) -> None:
    assert checking.indentation(line) == lead
