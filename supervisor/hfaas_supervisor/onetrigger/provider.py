"""What OneTrigger asks of a Oneprovider, apart from the stream's body: REST over TLS, nothing kept but a connection.

The token goes to this host only: redirects are followed by hand, and not to another one. Messages carry the method,
the path, the status and the provider's own words, never headers.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from hfaas_supervisor.errors import ConfigError, HfaasError, ProviderAuth
from hfaas_supervisor.onetrigger.errors import Refused, Unreachable
from hfaas_supervisor.onetrigger.stream import BROKEN, HEARTBEAT, PROCESSING, REGULAR, SPECIFICATION, Stream
from hfaas_supervisor.onetrigger.wire import READ_S, Answer, Line, connector, opened

REST = "/api/v3/oneprovider"
ATTRIBUTES = ("fileId", "name", "path", "type", "size", "mtime")
PAGE = 10_000
REDIRECTS = (301, 302, 303, 307, 308)
AGAIN = (408, 425, 429)
MOVES = 3
SPAN = 5000
"""Changes that are rather read than skipped."""

SILENCE_S = 0.5
"""When nothing comes for so long there is nothing; too short only means that old changes are read once more."""

SLACK_S = 10
"""Seconds by which the provider may be late with what it tells, or with the end of a silent stream."""

ERROR_LIMIT = 65536
GONE = ("enoent", "notFound", "enotdir")
CDMI = {"X-CDMI-Specification-Version": "1.1.1"}


class Space(NamedTuple):
    """A space, and the provider that answers for it."""

    id: str
    name: str
    provider: str


class File(NamedTuple):
    """A file as the provider sees it at `asked`, by the provider's clock; `path` is `/space/folder/name`."""

    id: str
    name: str
    path: str
    kind: str
    size: int
    mtime: int
    asked: float | None


class Provider:
    """One Oneprovider, with one token."""

    def __init__(self, host: str, token: str, context: Callable[[], ssl.SSLContext]) -> None:
        self.host = urlsplit(host if "//" in host else f"//{host}").netloc
        if not self.host or "@" in self.host:
            raise ConfigError(f"{host!r} is no host of a Oneprovider")
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ProviderAuth("the Onedata token is empty or holds characters that no token has")
        self._connect = connector(urlsplit(f"https://{self.host}"), context)
        self._line = Line(self._connect)
        self._headers = {"X-Auth-Token": token}

    def close(self) -> None:
        """Let the connection go."""
        self._line.close()

    def spaces(self) -> list[dict[str, Any]]:
        """Return the spaces that the token gives access to."""
        found = self._json("GET", "/spaces")
        return [entry for entry in found if isinstance(entry, dict)]

    def space(self, wanted: str) -> Space:
        """Find a space by its name, its id or `name@id`; ConfigError when there is none, or more than one."""
        identity = str(self._json("GET", "/configuration").get("providerId") or "")
        name, _, exact = wanted.partition("@")
        found = [
            Space(str(each.get("spaceId")), str(each.get("name")), identity)
            for each in self.spaces()
            if each.get("spaceId") == (exact or wanted) or (not exact and each.get("name") == name)
        ]
        if not found:
            raise ConfigError(f"there is no space {wanted!r} at {self.host} for this token")
        if len(found) > 1:
            ways = ", ".join(f"{each.name}@{each.id}" for each in found)
            raise ConfigError(f"more than one space is called {wanted!r}: say which, {ways}")
        return found[0]

    def lookup(self, space: Space, path: str) -> str:
        """Return the id of a path below a space, or an empty text."""
        try:
            found = self._json("POST", f"/lookup-file-id/{quoted(f'{space.name}@{space.id}')}/{quoted(path)}")
        except Refused as error:
            if error.reason in GONE:
                return ""
            raise
        return str(found["fileId"])

    def file(self, id: str) -> File | None:
        """Look at a file; None when it is gone."""
        try:
            answer = self._ask("GET", f"{REST}/data/{quoted(id)}", {"attributes": ATTRIBUTES})
        except Refused as error:
            if error.reason in GONE:
                return None
            raise
        return _file(_parsed(answer), "", answer.time())

    def files(self, id: str, folder: str) -> Iterator[File]:
        """List all regular files below a folder, whose path is `/space/folder`."""
        token = ""
        while True:
            more = f"&token={quote(token, safe='')}" if token else ""
            path = f"{REST}/data/{quoted(id)}/files?limit={PAGE}{more}"
            answer = self._ask("GET", path, {"attributes": ATTRIBUTES})
            page = _parsed(answer)
            for entry in page.get("files") or ():
                found = _file(entry, folder, answer.time())
                if found.kind == REGULAR:
                    yield found
            token = str(page.get("nextPageToken") or "")
            if not token or page.get("isLast"):
                return

    def uploading(self, id: str) -> bool:
        """Tell whether a CDMI upload of a file is under way, or was never finished."""
        try:
            answer = self._ask("GET", f"/cdmi/cdmi_objectid/{quoted(id)}?completionStatus", headers=CDMI)
        except Refused as error:
            if error.status in (400, 404):
                return False
            raise
        return bool(_parsed(answer).get("completionStatus") == PROCESSING)

    def latest(self, space: Space) -> tuple[int, float | None]:
        """Return the number of the newest change, and when that was asked, by the provider's clock.

        The provider does not tell, so the stream is read from its beginning. When it is long, numbers are tried
        until the end is near: from one that exists a change comes at once, from one that does not nothing comes.
        """
        newest, asked, ended = self._read(space, 0, SPAN)
        while not ended:
            newest, _, ended = self._read(space, self._near_end(space, newest), SPAN)
        return newest, asked

    def _near_end(self, space: Space, low: int) -> int:
        """Return a number that exists, not far from the newest one; `low` is one that exists."""
        high, step = 0, SPAN
        while not high or high - low > SPAN:
            tried = (low + high) // 2 if high else low + step
            found, *_ = self._read(space, tried, 1)
            low, high, step = (found, high, step * 4) if found else (low, tried, step)
        return low

    def _read(self, space: Space, first: int, limit: int) -> tuple[int, float | None, bool]:
        """Read so many changes; return the number of the last one, when it was asked, and whether that was the end."""
        stream, asked = self.subscribe(space, first, SILENCE_S)
        newest = count = 0
        with closing(stream):
            try:
                for change in stream:
                    newest, count = change.seq, count + 1
                    if count == limit:
                        return newest, asked, False
            except BROKEN as error:
                raise self._unreachable(error) from None
        return newest, asked, True

    def subscribe(self, space: Space, last: int, idle: float) -> tuple[Stream, float | None]:
        """Open the stream of changes from a sequence number on; return it and the provider's time."""
        query = f"?timeout={max(1, int(idle * 1000))}&last_seq={last}"
        path = f"{REST}/changes/metadata/{quoted(space.id)}{query}"
        headers = {**self._headers, "Content-Type": "application/json"}
        try:
            connection = opened(self._connect)
            wire = connection.sock  # http.client forgets it when the server is to close the connection
            try:
                silence = idle * HEARTBEAT + SLACK_S
                wire.settimeout(max(READ_S, silence))  # it may be as busy as for any other answer
                connection.request("POST", path, json.dumps(SPECIFICATION).encode(), headers)
                body = connection.getresponse()
                wire.settimeout(silence)
                answer = Answer(body.status, body.headers, b"" if body.status == 200 else body.read(ERROR_LIMIT))
            except BaseException:
                connection.close()
                raise
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from None
        if answer.status != 200:
            body.close()
            connection.close()
            raise self._refusal("POST", path, answer)
        return Stream(wire, body), answer.time()

    def _json(self, method: str, path: str) -> Any:
        return _parsed(self._ask(method, f"{REST}{path}"))

    def _ask(
        self, method: str, path: str, document: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        sent = {**self._headers, **(headers or {})}
        body = None if document is None else json.dumps(document).encode()
        if body is not None:
            sent["Content-Type"] = "application/json"
        for _ in range(MOVES):
            try:
                answer = self._line.ask(method, path, body, sent)
            except (OSError, http.client.HTTPException) as error:
                raise self._unreachable(error) from None
            if answer.status == 200:
                return answer
            if answer.status not in REDIRECTS:
                raise self._refusal(method, path, answer)
            path = self._moved(path, answer.headers.get("Location", ""))
        raise Refused(f"{method} {path} at {self.host} is redirected for ever", answer.status, "redirect")

    def _moved(self, path: str, location: str) -> str:
        target = urlsplit(urljoin(f"https://{self.host}{path}", location))
        if (target.scheme, target.netloc) != ("https", self.host):
            raise Refused(f"{self.host} redirects {path} to {target.netloc}, which must not see the token", 302, "")
        return f"{target.path}?{target.query}" if target.query else target.path

    def _refusal(self, method: str, path: str, answer: Answer) -> HfaasError:
        reason = _reason(answer.body)
        text = f"{method} {path.partition('?')[0]} at {self.host}: {answer.status} {reason}".rstrip()
        if answer.status == 401:
            return ProviderAuth(
                f"{text}; the Onedata token is not accepted, or not for this (it must not be read-only)"
            )
        if answer.status >= 500 or answer.status in AGAIN:
            return Unreachable(text)
        return Refused(text, answer.status, reason)

    def _unreachable(self, error: Exception) -> Unreachable:
        hint = (
            "; name its certificate authority with --ca" if isinstance(error, ssl.SSLCertVerificationError) else ""
        )
        return Unreachable(f"{self.host} cannot be reached: {str(error) or type(error).__name__}{hint}")


def quoted(path: str) -> str:
    """Return a path as it goes over the wire: each segment quoted once, empty ones left out."""
    return "/".join(quote(segment, safe="@") for segment in path.split("/") if segment)


def _file(entry: Mapping[str, Any], folder: str, asked: float | None) -> File:
    path = str(entry.get("path") or "")
    return File(
        id=str(entry.get("fileId") or ""),
        name=str(entry.get("name") or path.rpartition("/")[2]),
        path=path if path.startswith("/") else f"{folder}/{path}",
        kind=str(entry.get("type") or REGULAR).upper(),
        size=int(entry.get("size") or 0),
        mtime=int(entry.get("mtime") or 0),
        asked=asked,
    )


def _parsed(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise Unreachable(f"the provider answered {answer.status} with something that is no JSON") from None


def _reason(body: bytes) -> str:
    """Return what an error says: the errno of a file system's error, else its id; also in the form before 19.02."""
    try:
        error = json.loads(body)["error"]
        if isinstance(error, str):
            return error
        return str((error.get("details") or {}).get("errno") or error.get("id") or "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
