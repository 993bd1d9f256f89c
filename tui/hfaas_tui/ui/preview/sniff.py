"""What a file is, by its first bytes, and how large a picture says it is: asked before any decoder sees it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A format: `name` as people call it."""

    name: str
    is_picture: bool = False
    is_video: bool = False


def _picture(name: str) -> Kind:
    return Kind(name, is_picture=True)


def _video(name: str) -> Kind:
    return Kind(name, is_picture=True, is_video=True)


_BEGINNINGS: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89PNG\r\n\x1a\n", _picture("PNG")),
    (b"\xff\xd8\xff", _picture("JPEG")),
    (b"GIF87a", _picture("GIF")),
    (b"GIF89a", _picture("GIF")),
    (b"BM", _picture("BMP")),
    (b"II*\0", _picture("TIFF")),
    (b"MM\0*", _picture("TIFF")),
    (b"\x1a\x45\xdf\xa3", _video("Matroska")),
    (b"\0\0\x01\xba", _video("MPEG")),
    (b"PK\x03\x04", Kind("ZIP archive")),
    (b"PK\x05\x06", Kind("ZIP archive")),
    (b"\x1f\x8b", Kind("gzip")),
    (b"BZh", Kind("bzip2")),
    (b"\xfd7zXZ\0", Kind("xz")),
    (b"\x28\xb5\x2f\xfd", Kind("Zstandard")),
    (b"%PDF-", Kind("PDF")),
    (b"\x7fELF", Kind("ELF program")),
    (b"SQLite format 3\0", Kind("SQLite")),
    (b"\x89HDF\r\n\x1a\n", Kind("HDF5")),
    (b"PAR1", Kind("Parquet")),
    (b"OggS", Kind("Ogg")),
    (b"fLaC", Kind("FLAC audio")),
    (b"ID3", Kind("MP3 audio")),
)


_BRANDS = {
    b"qt  ": _video("QuickTime"),
    b"M4A ": Kind("AAC audio"),
    b"heic": Kind("HEIC picture"),
    b"mif1": Kind("HEIC picture"),
    b"avif": Kind("AVIF picture"),
}


def kind(start: bytes) -> Kind | None:
    """Return the format of a file that begins so; None when it may be text."""
    for beginning, found in _BEGINNINGS:
        if start.startswith(beginning) and (found.name != "BMP" or _is_bitmap(start)):
            return found
    if start[:4] == b"RIFF":
        return {b"WEBP": _picture("WebP"), b"AVI ": _video("AVI"), b"WAVE": Kind("WAV audio")}.get(start[8:12])
    if start[4:8] == b"ftyp":
        return _BRANDS.get(start[8:12], _video("MP4"))
    if start[:1] == b"G" and start[188:189] == b"G" and start[376:377] == b"G":
        return _video("MPEG")
    return None


def _is_bitmap(start: bytes) -> bool:
    return len(start) > 26 and start[6:10] == b"\0\0\0\0"


def dimensions(start: bytes, name: str) -> tuple[int, int] | None:
    """Return width and height as a picture's header has them; None where it is damaged."""
    try:
        found = _HEADERS[name](start) if name in _HEADERS else None
    except (struct.error, IndexError):
        return None
    return found if found and min(found) > 0 else None


def _png(start: bytes) -> tuple[int, int] | None:
    return struct.unpack(">II", start[16:24]) if start[12:16] == b"IHDR" else None


def _gif(start: bytes) -> tuple[int, int] | None:
    """Return the larger of the screen and the first picture on it."""
    wide, high, flags = struct.unpack("<HHB", start[6:11])
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    while start[at] == 0x21:  # extensions
        at += 2
        while start[at]:
            at += start[at] + 1
        at += 1
    if start[at] != 0x2C:
        return None
    left, top, inner_wide, inner_high = struct.unpack("<HHHH", start[at + 1 : at + 9])
    return max(wide, left + inner_wide), max(high, top + inner_high)


def _bmp(start: bytes) -> tuple[int, int] | None:
    if start[14:18] == b"\x0c\0\0\0":
        return struct.unpack("<HH", start[18:22])
    wide, high = struct.unpack("<ii", start[18:26])
    return abs(wide), abs(high)


def _jpeg(start: bytes) -> tuple[int, int] | None:
    at = 2
    while start[at] == 0xFF:
        marker = start[at + 1]
        if marker == 0xFF:  # filling
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            high, wide = struct.unpack(">HH", start[at + 5 : at + 9])
            return wide, high
        at += 2
        if not 0xD0 <= marker <= 0xD9 and marker != 1:
            at += max(2, struct.unpack(">H", start[at : at + 2])[0])
    return None


def _webp(start: bytes) -> tuple[int, int] | None:
    what = start[12:16]
    if what == b"VP8X":
        return 1 + int.from_bytes(start[24:27], "little"), 1 + int.from_bytes(start[27:30], "little")
    if what == b"VP8L" and start[20] == 0x2F:
        bits = int.from_bytes(start[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if what == b"VP8 " and start[23:26] == b"\x9d\x01\x2a":
        wide, high = struct.unpack("<HH", start[26:30])
        return wide & 0x3FFF, high & 0x3FFF
    return None


def _tiff(start: bytes) -> tuple[int, int] | None:
    """Return the size in the first directory, which some writers put behind the pixels: then it is not known."""
    order = "<" if start[:2] == b"II" else ">"
    tags = dict(_tags(start, order))
    return (tags[256], tags[257]) if 256 in tags and 257 in tags else None


def _tags(start: bytes, order: str) -> Iterator[tuple[int, int]]:
    at = struct.unpack(order + "I", start[4:8])[0]
    for number in range(struct.unpack(order + "H", start[at : at + 2])[0]):
        entry = start[at + 2 + 12 * number : at + 14 + 12 * number]
        tag, type_ = struct.unpack(order + "HH", entry[:4])
        if tag in {256, 257}:
            yield tag, struct.unpack(order + ("H" if type_ == 3 else "I"), entry[8 : 10 if type_ == 3 else 12])[0]


_HEADERS: Mapping[str, Callable[[bytes], tuple[int, int] | None]] = {
    "PNG": _png,
    "GIF": _gif,
    "BMP": _bmp,
    "JPEG": _jpeg,
    "WebP": _webp,
    "TIFF": _tiff,
}
