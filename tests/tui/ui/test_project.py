"""Files of a pipeline: found, read, saved."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hfaas_tui.errors import CliError
from hfaas_tui.ui.project import project

FDL = "functions:\n  aws:\n  - lambda: {name: hello, init_script: a.sh, container: {image: debian}}\n    hfaas: {build: box}\n"


def test_the_usual_file_comes_first_and_other_yaml_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FDL)
    (tmp_path / "pipeline.yaml").write_text(FDL)
    (tmp_path / "other.yaml").write_text("services: []\n")
    assert [path.name for path in project.find(tmp_path)] == ["pipeline.yaml", "a.yaml"]


def test_a_pipeline_above_is_found_but_not_above_a_repository(tmp_path: Path) -> None:
    inner = tmp_path / "scripts" / "lib"
    inner.mkdir(parents=True)
    (tmp_path / "pipeline.yaml").write_text(FDL)
    assert project.find(inner) == [tmp_path / "pipeline.yaml"]
    (tmp_path / "scripts" / ".git").mkdir()
    assert project.find(inner) == []


def test_what_others_may_write_above_is_not_taken_and_neither_is_another_name(tmp_path: Path) -> None:
    inner, shared = tmp_path / "shared" / "mine", tmp_path / "shared"
    inner.mkdir(parents=True)
    (shared / "films.yaml").write_text(FDL)
    (inner / ".git").mkdir()
    assert project.find(inner) == []
    (inner / ".git").rmdir()
    (shared / "pipeline.yaml").write_text(FDL)
    assert project.find(inner) == [shared / "pipeline.yaml"]
    shared.chmod(0o1777)
    assert project.find(inner) == []


def test_a_file_that_is_named_is_the_only_one(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(FDL)
    (tmp_path / "b.yaml").write_text(FDL)
    assert project.find(tmp_path / "b.yaml") == [tmp_path / "b.yaml"]


def test_scripts_and_dockerfiles_are_edited_and_missing_ones_are_not(tmp_path: Path) -> None:
    from hfaas_deploy import fdl

    file = tmp_path / "pipeline.yaml"
    file.write_text(FDL)
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "Dockerfile").write_text("FROM debian\n")
    pipeline = fdl.parse(file)
    assert [path.name for path in project.files(pipeline)] == ["pipeline.yaml", "Dockerfile"]
    assert [path.name for path in project.parts(pipeline)] == ["pipeline.yaml", "a.sh", "box"]


def test_saving_keeps_the_mode_follows_links_and_leaves_nothing_else(tmp_path: Path) -> None:
    script, link = tmp_path / "a.sh", tmp_path / "link.sh"
    script.write_text("old\n")
    script.chmod(0o751)
    link.symlink_to(script)
    source = project.save(link, "new\n")
    assert script.read_text() == "new\n"
    assert script.stat().st_mode & 0o777 == 0o751
    assert link.is_symlink()
    assert source.stamp == project.Stamp.of(script)
    assert sorted(os.listdir(tmp_path)) == ["a.sh", "link.sh"]


def test_a_file_that_cannot_be_saved_says_where_the_text_is(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="cannot be saved") as caught:
        project.save(tmp_path / "gone" / "a.sh", "text")
    assert caught.value.hint == "the text is still in the editor"


@pytest.mark.parametrize(
    ("content", "words"), [(b"\xff\xfe", "not UTF-8"), (b"x" * (project.LARGEST + 1), "too large")]
)
def test_what_is_no_text_is_not_opened(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.sh").write_bytes(content)
    with pytest.raises(CliError, match=words):
        project.read(tmp_path / "a.sh")
    with pytest.raises(CliError, match="cannot be read"):
        project.read(tmp_path / "gone.sh")


def test_a_new_pipeline_has_no_errors_and_overwrites_nothing(tmp_path: Path) -> None:
    from hfaas_deploy import checks, fdl

    folder = tmp_path / "My Films!"
    folder.mkdir()
    file = project.begin(folder)
    assert checks.check(fdl.parse(file)) == []
    assert os.access(folder / "script.sh", os.X_OK)
    with pytest.raises(CliError, match="exists"):
        project.begin(folder)
