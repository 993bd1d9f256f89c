"""What the user's files and environment say."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfaas_tui.ui import keys, settings
from hfaas_tui.ui.settings import config_folder, wishes


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "hfaas").mkdir()
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def put(home: dict[str, str], name: str, text: str) -> Path:
    file = config_folder(home) / name
    file.write_text(text)
    return file


def test_no_file_says_nothing(home: dict[str, str]) -> None:
    assert wishes(home) == settings.Wishes()


def test_the_environment_comes_before_the_file(home: dict[str, str]) -> None:
    put(home, "settings.toml", 'theme = "hfaas-light"\nfps = 8\nmouse = false\n')
    assert wishes(home) == settings.Wishes("hfaas-light", 8, None, False)
    assert wishes({**home, "HFAAS_THEME": "nord", "HFAAS_FPS": "20"}).theme == "nord"
    assert wishes({**home, "HFAAS_FPS": "2000"}).fps == 60


def test_what_cannot_be_used_is_said_and_the_rest_is_used(home: dict[str, str]) -> None:
    put(home, "settings.toml", 'theme = 3\nfsp = 8\nfps = "fast"\nascii = true\n')
    found = wishes({**home, "HFAAS_FPS": "fast"})
    assert (found.ascii, found.theme, len(found.problems)) == (True, None, 4)
    put(home, "settings.toml", "theme = ")
    assert "cannot be used" in wishes(home).problems[0]


def test_a_slow_line_is_painted_less_often_and_a_plain_terminal_in_ascii() -> None:
    assert settings.usual_fps({"SSH_CONNECTION": "x"}) < settings.usual_fps({})
    assert settings.wants_ascii({"TERM": "linux"})


def test_keys_are_taken_as_people_write_them(home: dict[str, str]) -> None:
    file = put(home, "keys.toml", '"functions.invoke" = "I"\n[runs]\nagain = "^a,⏎"\n[logs]\npause = " "\n')
    found, problems = keys.load(file)
    assert found == {"functions.invoke": "I", "runs.again": "ctrl+a,enter", "logs.pause": "space"}
    assert problems == ["keys.toml: runs.open and runs.again are both on enter"]


def test_an_unknown_action_is_said_with_the_nearest_known(home: dict[str, str]) -> None:
    file = put(home, "keys.toml", '"functions.invok" = "I"\n"runs.again" = 3\n')
    found, problems = keys.load(file)
    assert found == {}
    assert problems[0] == "keys.toml: there is no action functions.invok; did you mean functions.invoke?"
    assert "must be a text" in problems[1]


def test_clashes_of_one_view_do_not_concern_another() -> None:
    assert keys.clashes({"functions.invoke": "x"}) == []
    assert keys.clashes({"functions.invoke": "l"}) == [
        "keys.toml: functions.invoke and functions.logs are both on l"
    ]


def test_the_usual_keys_are_told_to_be_the_usual_ones() -> None:
    lines = list(keys.listing({"functions.invoke": "I"}))
    assert next(line for line in lines if '"functions.invoke"' in line).startswith('"functions.invoke" = "I"')
    assert next(line for line in lines if '"functions.logs"' in line).startswith('# "functions.logs" = "l"')
