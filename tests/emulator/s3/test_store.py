from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from hfaas_emulator.errors import StateError
from hfaas_emulator.s3.store import INLINE, Blob, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "objects")


def files(store: Store) -> int:
    return sum(path.is_file() for path in store._root.rglob("*"))


def test_small_bytes_stay_in_memory(store: Store) -> None:
    blob = store.write(b"x" * INLINE)
    assert blob.whole() == b"x" * INLINE
    assert files(store) == 0


def test_large_bytes_go_to_a_private_file(store: Store) -> None:
    blob = store.write(b"x" * (INLINE + 1))
    (path,) = [path for path in store._root.rglob("*") if path.is_file()]
    assert path.stat().st_mode & 0o777 == 0o600
    assert blob.whole() == path.read_bytes()


def test_a_range_over_several_segments_reads_the_right_bytes(store: Store) -> None:
    parts = [store.write(bytes([n]) * (INLINE + n)) for n in range(3)]
    whole = Blob.join(parts)
    everything = whole.whole()
    assert whole.slice(INLINE - 5, 2 * INLINE + 9).whole() == everything[INLINE - 5 : 2 * INLINE + 9]
    assert whole.slice(7, 7).size == 0
    assert whole.size == len(everything)


def test_a_joined_blob_shares_the_files_of_its_parts(store: Store) -> None:
    blob = store.write(b"x" * (INLINE + 1))
    assert Blob.join([blob, blob]).size == 2 * (INLINE + 1)
    assert files(store) == 1


def test_the_etag_of_bytes_is_their_md5(store: Store) -> None:
    data = b"y" * (INLINE + 1)
    blob = store.write(data)
    assert blob.digest() == hashlib.md5(data).hexdigest()
    assert blob.slice(1, 9).digest() == hashlib.md5(data[1:9]).hexdigest()


def test_a_file_lives_until_its_last_blob_is_gone_and_its_removal_committed(store: Store) -> None:
    blob = store.write(b"x" * (INLINE + 1))
    copy = blob.slice(0, 10)
    del blob
    assert store.dead() == ()
    del copy
    dead = store.dead()
    assert len(dead) == 1
    assert files(store) == 1
    store.unlink(dead)
    assert files(store) == 0


def test_a_loaded_blob_shares_the_file_with_the_one_that_was_dumped(store: Store) -> None:
    blob = store.write(b"x" * (INLINE + 1))
    other = store.load(store.dump(blob))
    del blob
    store.unlink(store.dead())
    assert other.whole() == b"x" * (INLINE + 1)


def test_rows_name_files_without_their_folder(tmp_path: Path) -> None:
    row_written_by = Store(tmp_path / "here")
    blob = row_written_by.write(b"x" * (INLINE + 1))
    row = row_written_by.dump(blob)
    (tmp_path / "here").rename(tmp_path / "there")
    assert Store(tmp_path / "there").load(row).whole() == b"x" * (INLINE + 1)


def test_the_sweep_removes_only_files_that_nobody_refers_to(tmp_path: Path) -> None:
    before = Store(tmp_path)
    kept, lost = before.write(b"k" * (INLINE + 1)), before.write(b"l" * (INLINE + 1))
    row = before.dump(kept)
    after = Store(tmp_path)
    blob = after.load(row)
    assert after.sweep() == 1
    assert blob.whole() == kept.whole()
    assert lost.size == INLINE + 1


def test_files_that_vanished_are_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    blob = store.write(b"x" * (INLINE + 1))
    assert store.missing() == []
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    path.unlink()
    assert store.missing() == [path.name]
    assert blob.size


def test_a_truncated_file_is_an_error_and_not_a_short_object(store: Store) -> None:
    blob = store.write(b"x" * (INLINE + 1))
    (path,) = [path for path in store._root.rglob("*") if path.is_file()]
    path.write_bytes(b"short")
    with pytest.raises(StateError, match="shorter"):
        blob.whole()
