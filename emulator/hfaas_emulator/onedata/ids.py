"""Identifiers as Onedata makes them: of files, spaces and providers."""

from __future__ import annotations

import secrets

CAPABILITIES = 0x20
"""Length byte of the identifiers of CDMI's capabilities."""

_ROOT = "space_"


def new_id() -> str:
    """Return a fresh identifier of a file, space or provider."""
    return f"{secrets.token_hex(16)}ch{secrets.token_hex(2)}"


def root_of(space: str) -> str:
    """Return the uuid of a space's root directory."""
    return f"{_ROOT}{space}"


def file_id(uuid: str, space: str) -> str:
    """Return the identifier that clients see; it is also CDMI's objectID."""
    return _framed(f"guid#{uuid}#{space}".encode())


def capability_id(number: int) -> str:
    """Return the identifier of a capabilities page, 1 to 3."""
    return _framed(b"0" * 31 + str(number).encode(), CAPABILITIES)


def read(text: str) -> tuple[str, str] | None:
    """Return uuid and space of a file's identifier; None when it is none."""
    try:
        raw = bytes.fromhex(text)
        kind, uuid, space = raw[8:].decode("ascii").split("#")
    except ValueError:
        return None
    if kind != "guid" or raw[:6] != _header(len(raw) - 8) or _crc(raw[:6] + bytes(2) + raw[8:]) != raw[6:8]:
        return None
    return uuid, space


def _framed(content: bytes, length: int | None = None) -> str:
    header = _header(len(content) if length is None else length)
    return (header + _crc(header + bytes(2) + content) + content).hex().upper()


def _header(length: int) -> bytes:
    return bytes((0, 0, 0, 0, 0, length % 256))


def _crc(data: bytes) -> bytes:
    """Return CRC-16 with the polynomial 0x8005, reflected."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc.to_bytes(2, "big")
