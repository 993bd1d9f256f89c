from __future__ import annotations

import os
import tarfile
from io import BytesIO
from pathlib import Path

from hfaas_deploy.building.archive import Entry, pack, repack, tree


def packed(*entries: Entry) -> bytes:
    out = BytesIO()
    pack(entries, out)
    return out.getvalue()


def members(archive: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        return {member.name: member for member in tar}


def test_the_order_of_entries_does_not_matter() -> None:
    one, other = Entry("b", b"1"), Entry("a/c", b"2")
    assert packed(one, other) == packed(other, one)


def test_every_folder_on_the_way_is_an_entry() -> None:
    found = members(packed(Entry("opt/hfaas/bin/tool", b"", executable=True)))
    assert [name for name, member in found.items() if member.isdir()] == ["opt", "opt/hfaas", "opt/hfaas/bin"]


def test_time_owner_and_rights_of_this_machine_stay_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    before = packed(*tree(tmp_path))
    (tmp_path / "file").chmod(0o600)
    os.utime(tmp_path / "file", (1, 1))
    assert packed(*tree(tmp_path)) == before


def test_executable_files_and_links_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "tool").write_bytes(b"x")
    (tmp_path / "tool").chmod(0o700)
    (tmp_path / "link").symlink_to("tool")
    found = members(packed(*tree(tmp_path, "var/task")))
    assert (found["var/task/tool"].mode, found["var/task/link"].linkname) == (0o755, "tool")


def test_pipes_are_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert list(tree(tmp_path)) == []


def test_repacking_what_was_packed_changes_nothing() -> None:
    archive = packed(
        Entry("a/file", b"content"), Entry("a/tool", b"#!", executable=True), Entry("link", link="a/file")
    )
    out = BytesIO()
    repack(BytesIO(archive), out)
    assert out.getvalue() == archive
