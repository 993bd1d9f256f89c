from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hfaas_emulator.containers.layers import LayerError, LayerStore


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


def entry(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    found = tarfile.TarInfo(name)
    found.size = len(data)
    found.mode = 0o755
    for key, value in fields.items():
        setattr(found, key, value)
    return found, data


def packed(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for found, data in entries:
            archive.addfile(found, io.BytesIO(data))
    return buffer.getvalue()


async def received(state: Path, data: bytes) -> Path | None:
    digest = hashlib.sha256(data).hexdigest()
    store = LayerStore(state)
    await store.receive(digest, pieces(data))
    return store.find(f"hfaas-layer/app:{digest}")


async def test_a_layer_is_found_by_its_digest(tmp_path: Path) -> None:
    folder = await received(tmp_path, packed(entry("script", b"#!/bin/sh\n"), entry("task/deep/file", b"x")))
    assert folder
    assert (folder / "script").read_bytes() == b"#!/bin/sh\n"
    assert (folder / "task" / "deep" / "file").read_bytes() == b"x"


async def test_the_script_stays_executable_and_nothing_is_writable(tmp_path: Path) -> None:
    folder = await received(tmp_path, packed(entry("script", b"x", mode=0o777)))
    assert folder
    assert (folder / "script").stat().st_mode & 0o777 == 0o555


async def test_the_same_layer_may_come_twice(tmp_path: Path) -> None:
    data = packed(entry("script", b"x"))
    assert await received(tmp_path, data) == await received(tmp_path, data)


async def test_an_unknown_layer_is_none(tmp_path: Path) -> None:
    assert LayerStore(tmp_path).find(f"hfaas-layer/app:{'0' * 64}") is None


@pytest.mark.parametrize("ref", ["python:3", "hfaas-layer/app", "hfaas-layer/app:../../etc", "hfaas-layer/../x:0"])
async def test_other_references_are_none(tmp_path: Path, ref: str) -> None:
    assert LayerStore(tmp_path).find(ref) is None


async def test_damaged_bytes_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="damaged"):
        await LayerStore(tmp_path).receive("0" * 64, pieces(packed(entry("script", b"x"))))
    assert list((tmp_path / "layers").iterdir()) == []


async def test_what_is_no_tar_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="cannot be unpacked"):
        await received(tmp_path, b"no tar at all")


@pytest.mark.parametrize(
    "bad",
    [
        entry("/etc/passwd", b"x"),
        entry("../outside", b"x"),
        entry("task/../../outside", b"x"),
        entry("task/link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        entry("task/link", type=tarfile.SYMTYPE, linkname="../../outside"),
        entry("task/hard", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
        entry("task/device", type=tarfile.CHRTYPE),
        entry("task/pipe", type=tarfile.FIFOTYPE),
    ],
    ids=lambda bad: f"{bad[0].name} {bad[0].linkname}",
)
async def test_what_could_reach_out_is_refused(tmp_path: Path, bad: tuple[tarfile.TarInfo, bytes]) -> None:
    state = tmp_path / "state"
    with pytest.raises(LayerError):
        await received(state, packed(entry("script", b"x"), bad))
    assert [each.name for each in tmp_path.iterdir()] == ["state"]
    assert list((state / "layers").iterdir()) == []


async def test_a_link_within_the_layer_stays(tmp_path: Path) -> None:
    folder = await received(
        tmp_path,
        packed(entry("task/file", b"x"), entry("task/link", type=tarfile.SYMTYPE, linkname="file")),
    )
    assert folder
    assert (folder / "task" / "link").read_bytes() == b"x"
