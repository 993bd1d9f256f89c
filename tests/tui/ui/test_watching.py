"""Changed files are noticed, whoever changed them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.ui.world import until

from hfaas_tui.ui.project.project import Stamp
from hfaas_tui.ui.project.watching import Watch


@pytest.fixture
def watch() -> Watch:
    return Watch(pause=3600)


def look(watch: Watch) -> None:
    """Look as often as it takes for what stands still to be told."""
    watch.look()
    watch.look()


def test_changed_new_and_removed_files_are_told_once(tmp_path: Path, watch: Watch) -> None:
    one, two, folder = tmp_path / "a.sh", tmp_path / "b.sh", tmp_path / "box"
    folder.mkdir()
    for each in (one, two):
        each.write_text("1")
    watch.look_at([one, two, folder])
    look(watch)
    assert watch.taken() == set()
    one.write_text("22")
    two.unlink()
    (folder / "Dockerfile").write_text("FROM debian")
    look(watch)
    assert watch.taken() == {one, two, folder / "Dockerfile"}
    look(watch)
    assert watch.taken() == set()
    (folder / "Dockerfile").unlink()
    look(watch)
    assert watch.taken() == {folder / "Dockerfile"}
    watch.close()


def test_what_changed_between_reading_and_watching_is_told(tmp_path: Path, watch: Watch) -> None:
    file = tmp_path / "a.sh"
    file.write_text("1")
    read = Stamp.of(file)
    file.write_text("22")
    watch.look_at([file], {file: read})
    look(watch)
    assert watch.taken() == {file}
    watch.close()


def test_a_file_is_told_once_nobody_writes_it_any_more(tmp_path: Path, watch: Watch) -> None:
    file = tmp_path / "a.sh"
    file.write_text("1")
    watch.look_at([file])
    file.write_text("")
    watch.look()
    assert watch.taken() == set()
    file.write_text("22")
    watch.look()
    assert watch.taken() == set()
    look(watch)
    assert watch.taken() == {file}
    watch.close()


def test_nothing_is_told_after_the_end(tmp_path: Path, watch: Watch) -> None:
    file = tmp_path / "a.sh"
    watch.look_at([file])
    file.write_text("1")
    look(watch)
    watch.close()
    assert watch.taken() == set()


def test_what_we_wrote_ourselves_is_no_news(tmp_path: Path, watch: Watch) -> None:
    file = tmp_path / "a.sh"
    file.write_text("1")
    watch.look_at([file])
    file.write_text("22")
    watch.look()
    watch.knows(file, Stamp.of(file))
    look(watch)
    assert watch.taken() == set()
    watch.close()


def test_the_state_of_an_emulator_and_hidden_files_are_passed_over(tmp_path: Path, watch: Watch) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "emulator.json").write_text("{}")
    watch.look_at([tmp_path])
    (state / "trace").write_text("new")
    (tmp_path / ".a.sh.swp").write_text("new")
    look(watch)
    assert watch.taken() == set()
    watch.close()


def test_a_thread_looks_by_itself(tmp_path: Path) -> None:
    watch = Watch(pause=0.01)
    file = tmp_path / "a.sh"
    file.write_text("1")
    watch.look_at([file])
    file.write_text("22")
    until(lambda: file in watch.taken())
    watch.close()
