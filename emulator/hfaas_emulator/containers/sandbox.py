"""A tiny image of our own, made here without a registry: a program that only waits, and empty scratch folders.

The program holds the network namespace that environments join, which makes their start twice as fast. The folders
belong to the user of the functions: a new volume mounted over one takes owner and mode from it, so that `/tmp` is a
private folder on disk for images of every kind, also those without a `/tmp`.
"""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile

from docker.errors import ImageNotFound as NoSuchImage

from hfaas_emulator.containers.connection import Client
from hfaas_emulator.errors import EngineError

NAME = "hfaas/sandbox"
FOLDERS = 8
"""Scratch folders in the image: as many volumes are made by one call."""

_PAUSE = {
    # mov eax, SYS_pause; syscall; jmp back
    "x86_64": (0x3E, bytes.fromhex("b8220000000f05ebf7")),
    # x0-x4 = 0; mov x8, SYS_ppoll; svc 0; b back
    "aarch64": (
        0xB7,
        struct.pack(
            "<8I",
            *(0xD2800000 | register for register in range(5)),
            0xD2800000 | 73 << 5 | 8,
            0xD4000001,
            0x17FFFFF9,
        ),
    ),
}


def ensure(client: Client, architecture: str, user: str) -> str:
    """Return the reference of the image for this user, imported when it is not there."""
    data = _archive(architecture, user)
    tag = hashlib.sha256(data).hexdigest()[:12]
    ref = f"{NAME}:{tag}"
    try:
        client.inspect_image(ref)
    except NoSuchImage:
        client.import_image_from_data(data, repository=NAME, tag=tag, changes=['ENTRYPOINT ["/pause"]'])
    return ref


def folder(index: int) -> str:
    """Return the path of a scratch folder in the image."""
    return f"/scratch/{index}"


def _archive(architecture: str, user: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        _add(archive, "pause", 0o755, _program(architecture))
        _add(archive, "scratch", 0o755)
        for index in range(FOLDERS):
            _add(archive, f"scratch/{index}", 0o700, user=user)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, mode: int, data: bytes | None = None, user: str = "0:0") -> None:
    entry = tarfile.TarInfo(name)
    entry.mode = mode
    entry.uid, entry.gid = (int(part) for part in user.split(":"))
    entry.type = tarfile.REGTYPE if data is not None else tarfile.DIRTYPE
    entry.size = len(data or b"")
    archive.addfile(entry, io.BytesIO(data or b""))


def _program(architecture: str) -> bytes:
    """Return the smallest static Linux program for the machine: one header, one segment, one endless wait."""
    if architecture not in _PAUSE:
        raise EngineError(f"the Docker engine runs on {architecture}", "hfaas knows x86_64 and aarch64")
    machine, code = _PAUSE[architecture]
    size = 64 + 56 + len(code)
    start = 0x400000
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 2, machine, 1, start + 64 + 56, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, start, start, size, size, 0x1000)
    return header + segment + code
