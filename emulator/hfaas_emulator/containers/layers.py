"""Function layers of the process engine: a function's script and files, by the SHA-256 of the tar they came in."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import tarfile
from collections.abc import AsyncIterable
from pathlib import Path

from hfaas_emulator.errors import EmulatorError

PREFIX = "hfaas-layer/"
LARGEST = 512 * 2**20
"""Bytes of a layer, packed or unpacked."""

_REF = re.compile(r"hfaas-layer/[a-z0-9._-]+:([0-9a-f]{64})")


class LayerError(EmulatorError):
    """A layer that cannot be taken: damaged, unsafe or too large."""


class LayerStore:
    """Keeps layers unpacked below `<state>/layers/<sha256>/`."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "layers"

    def find(self, ref: str) -> Path | None:
        """Return the folder of `hfaas-layer/<name>:<sha256>`; None when it is not here."""
        found = _REF.fullmatch(ref)
        folder = self._folder / found[1] if found else None
        return folder if folder and folder.is_dir() else None

    async def receive(self, sha256: str, chunks: AsyncIterable[bytes]) -> None:
        """Store the tar that arrives; LayerError when it is not what its name says, or not safe to unpack."""
        if (self._folder / sha256).is_dir():
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        scratch = self._folder / f".{secrets.token_hex(8)}"
        scratch.mkdir(mode=0o700)
        try:
            packed = scratch / "layer.tar"
            await _written(packed, sha256, chunks)
            unpack(packed, scratch / "files")
            _settle(scratch / "files", self._folder / sha256)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def unpack(packed: Path, folder: Path) -> None:
    """Unpack regular files and folders; everything that could reach out of `folder` is refused."""
    folder.mkdir(mode=0o700)
    try:
        with tarfile.open(packed) as archive:
            members = [member for member in archive if _accepted(member)]
            if sum(member.size for member in members) > LARGEST:
                raise LayerError(f"the layer unpacks to more than {LARGEST >> 20} MB", "make extra_payload smaller")
            archive.extractall(folder, members, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise LayerError(f"the layer cannot be unpacked: {error}", "deploy again") from error
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o555 | (0o200 if path.is_dir() else 0))


def _accepted(member: tarfile.TarInfo) -> bool:
    parts = member.name.split("/")
    if member.name.startswith("/") or ".." in parts:
        raise LayerError(f"the layer has an unsafe path: {member.name!r}", "deploy again")
    if not (member.isreg() or member.isdir() or member.issym()):
        raise LayerError(
            f"the layer has something other than files: {member.name!r}", "remove it from extra_payload"
        )
    return True


async def _written(packed: Path, sha256: str, chunks: AsyncIterable[bytes]) -> None:
    digest = hashlib.sha256()
    size = 0
    with packed.open("wb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > LARGEST:
                raise LayerError(f"a layer may have {LARGEST >> 20} MB", "make extra_payload smaller")
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != sha256:
        raise LayerError("the layer arrived damaged: its SHA-256 is another", "deploy again")


def _settle(made: Path, place: Path) -> None:
    """Move into place; another who was quicker brought the same bytes."""
    try:
        os.rename(made, place)
    except OSError:
        if not place.is_dir():
            raise
