"""The changes of a space: what the provider tells of them, and a reader that waits for them on a thread of its own.

The stream is one JSON object for each line. It says nothing while nothing changes, and ends by itself after `idle`
silent seconds; so a connection that is silent for longer is dead.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, NamedTuple

SPECIFICATION = {
    "triggers": ["fileMeta", "fileLocation", "customMetadata"],  # not times: each read changes them
    "fileMeta": {"fields": ["name", "type", "deleted"], "always": True},
    "fileLocation": {"fields": ["size"]},
    "customMetadata": {"fields": ["cdmi_completion_status"]},
}
REGULAR, FOLDER = "REG", "DIR"
COMPLETE, PROCESSING = "Complete", "Processing"
HEARTBEAT = 1.5
"""A stream is dead when it is silent for this many times its idle seconds."""

AHEAD = 2000
"""Changes that are read before those ahead of them are dealt with."""

BROKEN = (OSError, http.client.HTTPException, ValueError, TypeError, KeyError, AttributeError)
"""What a stream that breaks, or is none, raises."""

PIECE = 65536
LINE_LIMIT = 16 * 2**20


class Change(NamedTuple):
    """One change of one file; `path` is relative to the space, `kind` empty where the file is not known any more.

    `written` tells that its content changed, `size` is then known; `status` is that of a CDMI upload, if it changed.
    """

    id: str
    seq: int
    path: str = ""
    kind: str = ""
    deleted: bool = False
    written: bool = False
    size: int | None = None
    status: str = ""


class End(NamedTuple):
    """The stream is over: because the provider ended it, or for a reason."""

    reason: str = ""


Inbox = SimpleQueue[Change | End]


class Stream:
    """An open stream: the answer's body, still arriving."""

    def __init__(self, wire: socket.socket, body: http.client.HTTPResponse) -> None:
        self._wire = wire
        self._body = body

    def __iter__(self) -> Iterator[Change]:
        """Yield changes until the provider ends the stream; one of BROKEN when it breaks."""
        rest = b""
        while piece := self._body.read1(PIECE):
            *lines, rest = (rest + piece).split(b"\n")
            if len(rest) > LINE_LIMIT:
                raise ValueError(f"a change of more than {LINE_LIMIT} bytes")
            yield from (parse(json.loads(line)) for line in lines if line.strip())
        if rest.strip():
            raise ValueError("the last change is cut off")

    def interrupt(self) -> None:
        """Wake whoever reads."""
        with suppress(OSError):
            socket.socket.shutdown(self._wire, socket.SHUT_RDWR)  # not TLS's own: the reader still uses it

    def close(self) -> None:
        """Let the connection go."""
        self._body.close()
        self._wire.close()


class Reader:
    """Reads a stream into an inbox, not further ahead than AHEAD changes."""

    def __init__(self, stream: Stream, inbox: Inbox) -> None:
        self._stream = stream
        self._inbox = inbox
        self._room = threading.Semaphore(AHEAD)
        self._closed = False
        self._thread = threading.Thread(target=self._read, name="onetrigger-stream", daemon=True)
        self._thread.start()

    def done(self, changes: int) -> None:
        """Say how many changes were taken out of the inbox and dealt with."""
        if changes:
            self._room.release(changes)

    def close(self) -> None:
        """Stop reading, wherever it is."""
        self._closed = True
        self._stream.interrupt()
        self._room.release()
        self._thread.join()
        self._stream.close()

    def _read(self) -> None:
        try:
            for change in self._stream:
                self._room.acquire()
                if self._closed:
                    return
                self._inbox.put(change)
            self._inbox.put(End())
        except BROKEN as error:
            self._inbox.put(End(f"the stream of changes broke: {str(error) or type(error).__name__}"))


def parse(event: dict[str, Any]) -> Change:
    """Read one line of the stream; a part is there only if that document changed, `fileMeta` always."""
    meta, location, custom = (event.get(part) or {} for part in ("fileMeta", "fileLocation", "customMetadata"))
    fields = meta.get("fields") or {}
    status = (custom.get("fields") or {}).get("cdmi_completion_status")
    written = bool(location) and not location.get("deleted")
    size = (location.get("fields") or {}).get("size") if written else None
    return Change(
        id=str(event["fileId"]),
        seq=int(event["seq"]),
        path=below_space(event.get("filePath") or ""),
        kind=str(fields.get("type") or "").upper(),
        deleted=bool(meta.get("deleted") or fields.get("deleted")),
        written=written,
        size=size if isinstance(size, int) else None,
        status=status if status in (COMPLETE, PROCESSING) else "",
    )


def below_space(path: str) -> str:
    """Return what follows the space in `/space/a/b`."""
    return path.lstrip("/").partition("/")[2].strip("/")
