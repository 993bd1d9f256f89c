from __future__ import annotations

from pathlib import Path

import pytest

from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.location import Location, parse
from hfaas_tui.transfer import Found, download, plan_downloads, plan_uploads


def keys(files: list[Path], target: str) -> list[str]:
    return [upload.to.key for upload in plan_uploads(files, parse(target))]


def test_a_target_with_a_slash_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()

    assert keys([tmp_path / "a.txt"], "s3://b/in/") == ["in/a.txt"]


def test_a_target_without_a_slash_is_the_objects_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()

    assert keys([tmp_path / "a.txt"], "s3://b/in/c.txt") == ["in/c.txt"]


def test_uploads_stay_in_the_storage_of_their_target(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()

    assert str(plan_uploads([tmp_path / "a.txt"], parse("onedata://films/in/"))[0].to) == "onedata://films/in/a.txt"


def test_a_bucket_alone_takes_the_files_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()

    assert keys([tmp_path / "a.txt"], "s3://b") == ["a.txt"]


def test_a_folder_keeps_its_tree(tmp_path: Path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "e" / "f").touch()
    (tmp_path / "d" / "g").touch()

    assert keys([tmp_path / "d"], "s3://b/in") == ["in/e/f", "in/g"]


def test_a_missing_file_is_named_before_anything_is_copied(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere does not exist"):
        plan_uploads([tmp_path / "nowhere"], Location("b", ""))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no files in it"):
        plan_uploads([tmp_path], Location("b", ""))


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a\0b", ""])
def test_an_objects_name_never_leads_out_of_the_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(CliError, match="cannot be a file below"):
        download(None, [Found(Location("b", name), name, 1)], tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["b/k", "s3:/b", "s3://", "http://b/k", "onedata:///x", ""])
def test_what_is_no_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse(url)

    assert refusal.value.hint == "it looks like s3://bucket/folder/name or onedata://space/folder/name"


def test_a_name_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    name = tmp_path / "\udcff.bin"
    name.touch()

    with pytest.raises(UsageError, match="no UTF-8 name"):
        plan_uploads([name], Location("b", ""))


def test_a_link_in_a_folder_is_never_left_out_in_silence(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to("nowhere")

    with pytest.raises(UsageError, match="leads nowhere"):
        plan_uploads([tmp_path / "in"], Location("b", ""))
    (tmp_path / "in" / "link").unlink()
    (tmp_path / "in" / "link").symlink_to(tmp_path)

    with pytest.raises(UsageError, match="link to a folder"):
        plan_uploads([tmp_path / "in"], Location("b", ""))


ONE = [Found(Location("b", "in/a.txt"), "a.txt", 1)]
AT_ONE = Location("b", "in/a.txt")


def test_one_object_gets_the_targets_name(tmp_path: Path) -> None:
    assert plan_downloads(ONE, AT_ONE, f"{tmp_path}/file.txt") == [tmp_path / "file.txt"]


def test_one_object_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "file.txt").touch()

    assert plan_downloads(ONE, AT_ONE, f"{tmp_path}/file.txt") == [tmp_path / "file.txt"]


def test_one_object_goes_into_a_folder_that_exists(tmp_path: Path) -> None:
    assert plan_downloads(ONE, AT_ONE, str(tmp_path)) == [tmp_path / "a.txt"]


def test_a_target_with_a_slash_is_a_folder_that_is_made(tmp_path: Path) -> None:
    assert plan_downloads(ONE, AT_ONE, f"{tmp_path}/new/") == [tmp_path / "new" / "a.txt"]


@pytest.mark.parametrize("folder", ["in", "in/", ""])
def test_the_only_object_of_a_folder_goes_into_a_folder(tmp_path: Path, folder: str) -> None:
    assert plan_downloads(ONE, Location("b", folder), f"{tmp_path}/new") == [tmp_path / "new" / "a.txt"]


def test_several_objects_go_into_a_folder(tmp_path: Path) -> None:
    found = [*ONE, Found(Location("b", "in/a.txt/c"), "c", 1)]

    assert plan_downloads(found, AT_ONE, f"{tmp_path}/new") == [tmp_path / "new" / "a.txt", tmp_path / "new" / "c"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_file_is_no_folder_for_several_objects(tmp_path: Path, slash: str) -> None:
    (tmp_path / "file.txt").touch()

    with pytest.raises(UsageError, match=r"file\.txt is no folder"):
        plan_downloads(ONE, Location("b", "in/"), f"{tmp_path}/file.txt{slash}")


def test_a_folder_asked_for_by_a_slash_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "file.txt").touch()

    with pytest.raises(UsageError, match=r"file\.txt is no folder"):
        plan_downloads(ONE, AT_ONE, f"{tmp_path}/file.txt/")
