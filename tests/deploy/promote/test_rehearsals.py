"""What was rehearsed is known afterwards: exactly that, whatever lies beside it, and nobody else reads it."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hfaas_deploy.promote import rehearsals
from hfaas_deploy.promote.promotion import Rehearsal
from hfaas_deploy.promote.rehearsals import Rehearsals

ONE = Rehearsal("films", "t1", {"split": "sha256:1", "join": "sha256:2"}, 100.0)


@pytest.fixture
def kept(tmp_path: Path) -> Rehearsals:
    return Rehearsals(tmp_path / "state" / "rehearsals")


def test_what_was_noted_is_found_by_template_and_images_in_any_order(kept: Rehearsals) -> None:
    kept.note(ONE)

    assert kept.find("t1", {"join": "sha256:2", "split": "sha256:1"}) == ONE
    assert Rehearsals(kept.folder).find("t1", ONE.images) == ONE


@pytest.mark.parametrize(
    ("template", "images"),
    [
        ("t2", ONE.images),
        ("t1", {**ONE.images, "join": "sha256:3"}),
        ("t1", {"split": "sha256:1"}),
        ("t1", {**ONE.images, "more": "sha256:4"}),
        ("t1", {"split": "sha256:2", "join": "sha256:1"}),
        ("t1", {}),
    ],
)
def test_anything_else_was_not_rehearsed(kept: Rehearsals, template: str, images: dict[str, str]) -> None:
    kept.note(ONE)

    assert kept.find(template, images) is None


def test_nothing_was_rehearsed_where_there_is_no_folder(kept: Rehearsals) -> None:
    assert kept.find("t1", ONE.images) is None
    assert kept.latest("films") is None
    assert not kept.folder.exists()


def test_a_run_counts_more_than_a_deploy_that_came_after_it(kept: Rehearsals) -> None:
    run = replace(ONE, how="run")
    kept.note(run)
    kept.note(replace(ONE, at=200.0))

    assert kept.find("t1", ONE.images) == run


def test_what_one_run_left_idle_another_one_may_have_used(kept: Rehearsals) -> None:
    kept.note(replace(ONE, how="run", idle=("join",)))
    kept.note(replace(ONE, how="run", idle=("split",), at=200.0))

    assert kept.find("t1", ONE.images) == replace(ONE, how="run", at=200.0)


def test_a_run_that_left_a_function_idle_takes_nothing_from_one_before(kept: Rehearsals) -> None:
    kept.note(replace(ONE, how="run"))
    kept.note(replace(ONE, how="run", idle=("join",), at=200.0))

    assert kept.find("t1", ONE.images) == replace(ONE, how="run", at=200.0)


def test_notes_of_before_functions_could_be_idle_count(kept: Rehearsals) -> None:
    kept.note(ONE)
    (file,) = kept.folder.iterdir()
    told = json.loads(file.read_text())
    del told["idle"]
    file.write_text(json.dumps(told))

    assert kept.find("t1", ONE.images) == ONE


def test_the_same_again_has_a_new_time(kept: Rehearsals) -> None:
    kept.note(ONE)
    kept.note(replace(ONE, at=200.0))

    assert kept.find("t1", ONE.images) == replace(ONE, at=200.0)
    assert len(list(kept.folder.iterdir())) == 1


def test_the_latest_of_a_stack_is_told_whatever_it_was(kept: Rehearsals) -> None:
    kept.note(replace(ONE, at=300.0))
    kept.note(replace(ONE, template="t2", at=200.0))
    kept.note(replace(ONE, stack="other", template="t3", at=900.0))

    latest = kept.latest("films")

    assert latest is not None
    assert latest.at == 300.0


def test_only_the_user_can_read_it(kept: Rehearsals) -> None:
    kept.note(ONE)

    (file,) = kept.folder.iterdir()
    assert stat.S_IMODE(kept.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"x"',
        b"{}",
        b'{"stack": "films", "template": "t1", "images": 5, "at": 1, "how": "deploy"}',
        b'{"stack": "films", "template": "t1", "images": {}, "at": "soon", "how": "deploy"}',
        b'{"stack": "films", "template": "t9", "images": {"split": "x"}, "at": 1, "how": "deploy"}',
        b"[" * 100_000,
        b" " * 2_000_000,
    ],
)
def test_garbage_was_never_rehearsed_and_harms_nothing(kept: Rehearsals, garbage: bytes) -> None:
    kept.note(ONE)
    (file,) = kept.folder.iterdir()
    (kept.folder / "other.json").write_bytes(garbage)
    (kept.folder / "folder.json").mkdir()

    assert kept.latest("films") == ONE
    file.write_bytes(garbage)
    assert kept.find("t1", ONE.images) is None
    assert kept.latest("films") is None
    kept.note(ONE)
    assert kept.find("t1", ONE.images) == ONE


def test_a_file_under_the_name_of_another_rehearsal_proves_nothing(kept: Rehearsals) -> None:
    kept.note(ONE)
    (file,) = kept.folder.iterdir()
    told = json.loads(file.read_text())
    file.write_text(json.dumps({**told, "images": {"split": "sha256:9", "join": "sha256:2"}}))

    assert kept.find("t1", ONE.images) is None
    assert kept.latest("films") is None


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OSError, match="file"):
        Rehearsals(tmp_path / "file" / "rehearsals").note(ONE)


def test_what_cannot_be_written_leaves_nothing_behind(kept: Rehearsals) -> None:
    kept.note(ONE)
    with pytest.raises(TypeError):
        kept.note(replace(ONE, template="t2", images={"split": object()}))  # type: ignore[dict-item]

    assert len(list(kept.folder.iterdir())) == 1


def test_the_oldest_are_forgotten(kept: Rehearsals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsals, "KEPT", 3)
    for number in range(6):
        kept.note(replace(ONE, template=f"t{number}", at=float(number)))

    assert len(list(kept.folder.iterdir())) == 3
    assert kept.find("t5", ONE.images)


def test_many_commands_write_at_once(kept: Rehearsals) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from hfaas_deploy.promote.promotion import Rehearsal\n"
        "from hfaas_deploy.promote.rehearsals import Rehearsals\n"
        "kept = Rehearsals(Path(sys.argv[1]))\n"
        "for number in range(40):\n"
        "    kept.note(Rehearsal('films', f't{number % 5}', {'split': 'x' * 2000}, float(number)))\n"
        "    assert kept.find(f't{number % 5}', {'split': 'x' * 2000}), number\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(kept.folder)]) for _ in range(3)]

    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert len(list(kept.folder.iterdir())) == 5


def test_it_lies_where_programs_keep_their_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert Rehearsals().folder == tmp_path / "state" / "hfaas" / "rehearsals"

    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert Rehearsals().folder == tmp_path / ".local" / "state" / "hfaas" / "rehearsals"
