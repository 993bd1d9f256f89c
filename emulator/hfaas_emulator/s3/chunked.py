"""aws-chunked bodies, decoded as they come: signed or unsigned chunks, with or without trailers.

A chunk is its size in hexadecimal (with `;chunk-signature=...` when signed), CRLF, the bytes, CRLF. A chunk of size
0 ends the payload; trailers (`name: value`, CRLF) and an empty line follow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum, auto

from hfaas_emulator.errors import AwsError

LINE = 16 << 10
"""No chunk header or trailer is longer; a body that pretends so is not aws-chunked."""


class _At(Enum):
    SIZE = auto()
    DATA = auto()
    BREAK = auto()
    TRAILER = auto()
    END = auto()


class Decoder:
    """Takes the body piece by piece and gives the payload; afterwards it knows the trailers."""

    def __init__(self) -> None:
        self.trailers: dict[str, str] = {}
        self._at = _At.SIZE
        self._left = 0
        self._buffer = b""

    @property
    def ended(self) -> bool:
        """Tell whether the last chunk came."""
        return self._at in {_At.TRAILER, _At.END}

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the payload in `data`."""
        rest = self._buffer + data if self._buffer else data
        self._buffer = b""
        while rest:
            match self._at:
                case _At.DATA:
                    piece, rest = rest[: self._left], rest[self._left :]
                    self._left -= len(piece)
                    if not self._left:
                        self._at = _At.BREAK
                    yield piece
                case _At.END:
                    return
                case _:
                    line, found, rest = rest.partition(b"\r\n")
                    if not found:
                        self._keep(line)
                        return
                    self._line(line)

    def _keep(self, line: bytes) -> None:
        if len(line) > LINE:
            raise malformed()
        self._buffer = line

    def _line(self, line: bytes) -> None:
        match self._at:
            case _At.BREAK if not line:
                self._at = _At.SIZE
            case _At.SIZE:
                self._left = chunk_size(line)
                self._at = _At.DATA if self._left else _At.TRAILER
            case _At.TRAILER:
                self._trailer(line)
            case _:
                raise malformed()

    def _trailer(self, line: bytes) -> None:
        if not line:
            self._at = _At.END
            return
        name, _, value = line.decode("latin-1").partition(":")
        self.trailers[name.strip().lower()] = value.strip()


def is_chunked(headers: Mapping[str, str]) -> bool:
    """Tell whether a body with these headers is aws-chunked."""
    return headers.get("x-amz-content-sha256", "").startswith("STREAMING-") or "aws-chunked" in headers.get(
        "content-encoding", ""
    )


def chunk_size(line: bytes) -> int:
    """Read the size in a chunk's first line."""
    try:
        size = int(line.partition(b";")[0], 16)
    except ValueError:
        raise malformed() from None
    if size < 0:
        raise malformed()
    return size


def malformed() -> AwsError:
    """Say in AWS's words that the chunks make no sense."""
    return AwsError(
        "InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than 8192 bytes", 400
    )
