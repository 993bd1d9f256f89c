"""A Oneprovider and a webhook on real sockets, small enough to be told exactly what happens and when."""

from __future__ import annotations

import json
import os
import ssl
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import trustme

from hfaas_supervisor.console import Console
from hfaas_supervisor.onetrigger import targets
from hfaas_supervisor.onetrigger.engine import Engine
from hfaas_supervisor.onetrigger.provider import Provider, Space
from hfaas_supervisor.onetrigger.state import State
from hfaas_supervisor.onetrigger.state_file import StateFile
from hfaas_supervisor.onetrigger.watch import Watch
from hfaas_supervisor.onetrigger.wire import Trust

TOKEN = "MDAxY2xvY2F0aW9uIHRva2Vu"
DEADLINE_S = 60


class Clock:
    """Time that moves only when it is told."""

    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def __call__(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds


class Datahub:
    """One provider with one space: files, and the newest change of each of their documents."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.host = ""
        self.provider_id, self.space_id = "p1", "s1"
        self.files: dict[str, dict[str, Any]] = {}
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.seq = 0
        self.requests: list[str] = []
        self.failures: list[int] = []
        self.before_listing: Callable[[], None] = lambda: None
        self.changed = threading.Condition()
        self.ended = False
        self.cut = self.silences = 0

    def clear_requests(self) -> None:
        self.requests = []

    def asked(self, request: str) -> None:
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()

    def wait_for(self, part: str, times: int = 1) -> None:
        """Wait until something was asked for so often."""
        with self.changed:
            assert self.changed.wait_for(lambda: sum(part in each for each in self.requests) >= times, DEADLINE_S)

    def id_of(self, path: str) -> str:
        return next((each for each, file in self.files.items() if file["path"] == path), "")

    def mkdir(self, path: str) -> str:
        return self._made(path, "DIR", 0)

    def create(self, path: str, size: int = 0) -> str:
        """Make a file as REST does: no word of when it is finished. Its changes come together."""
        with self.changed:
            made = self._made(path, "REG", size)
            self._tell(made, "fileLocation", {"size": size})
            return made

    def write(self, path: str, size: int) -> None:
        known = self.id_of(path)
        self.files[known] |= {"size": size, "mtime": int(self.now())}
        self._tell(known, "fileLocation", {"size": size})

    def mark(self, path: str, status: str) -> None:
        known = self.id_of(path)
        self.files[known]["status"] = status
        self._tell(known, "customMetadata", {"cdmi_completion_status": status})

    def upload(self, path: str, size: int) -> None:
        """Make or overwrite a file as CDMI does; its changes come together."""
        with self.changed:
            if not self.id_of(path):
                self._made(path, "REG", 0)
            self.mark(path, "Processing")
            self.write(path, size)
            self.mark(path, "Complete")

    def chmod(self, path: str) -> None:
        self._tell(self.id_of(path), "fileMeta", self._meta(self.id_of(path)))

    def rename(self, path: str, new: str) -> None:
        """Move a file or a folder; only the moved thing itself changes."""
        moved = self.id_of(path)
        for file in self.files.values():
            if file["path"] == path or file["path"].startswith(f"{path}/"):
                file["path"] = new + file["path"][len(path) :]
        self._tell(moved, "fileMeta", self._meta(moved))

    def delete(self, path: str) -> None:
        known = self.id_of(path)
        del self.files[known]
        self._tell(known, "fileMeta", {}, deleted=True)

    def break_streams(self) -> None:
        """Cut all connections that wait for changes."""
        with self.changed:
            self.cut += 1
            self.changed.notify_all()

    def end_streams(self) -> None:
        """End all streams that have begun, as after their silence."""
        with self.changed:
            self.silences += 1
            self.changed.notify_all()

    def recreate(self) -> None:
        """Begin anew, as a provider that was wiped."""
        self.provider_id, self.space_id = "p2", "s2"
        self.files, self.documents, self.seq = {}, {}, 0

    def end(self) -> None:
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, seq: int, seconds: float, silences: int) -> bool:
        """Wait for a change from `seq` on; tell whether there is one. `silences` are those before the stream."""
        with self.changed:
            cut = self.cut

            def over() -> bool:
                return self.seq >= seq or self.ended or self.cut > cut or self.silences > silences

            self.changed.wait_for(over, seconds)
            if self.cut > cut:
                raise ConnectionAbortedError
            return self.seq >= seq and not self.ended

    def since(self, seq: int) -> list[dict[str, Any]]:
        with self.changed:
            return sorted((each for each in self.documents.values() if each["seq"] >= seq), key=lambda e: e["seq"])

    def _made(self, path: str, kind: str, size: int) -> str:
        parent = path.rpartition("/")[0]
        if parent and not self.id_of(parent):
            self._made(parent, "DIR", 0)
        made = f"{self.space_id}{len(self.documents):08X}"
        self.files[made] = {
            "path": path,
            "type": kind,
            "size": size,
            "mtime": int(self.now()),
            "status": "Complete",
        }
        self._tell(made, "fileMeta", self._meta(made))
        return made

    def _meta(self, id: str) -> dict[str, Any]:
        return {"name": self.files[id]["path"].rpartition("/")[2], "type": self.files[id]["type"]}

    def _tell(self, id: str, kind: str, fields: dict[str, Any], *, deleted: bool = False) -> None:
        with self.changed:
            self.seq += 1
            path = f"/films/{self.files[id]['path']}" if id in self.files else ""
            event: dict[str, Any] = {"fileId": id, "filePath": path, "seq": self.seq}
            if kind != "fileMeta":
                event["fileMeta"] = {"changed": False, "deleted": False, "fields": self._meta(id)}
            event[kind] = {"changed": True, "deleted": deleted, "fields": fields}
            self.documents[id, kind] = event
            self.changed.notify_all()


class _Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hub: Datahub

    def do_GET(self) -> None:
        self._route()

    def do_POST(self) -> None:
        self._route()

    def _route(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.hub.asked(f"{self.command} {self.path}")
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        names = [unquote(name) for name in parts.path.removeprefix("/api/v3/oneprovider/").strip("/").split("/")]
        if status := self.hub.failures and self.hub.failures.pop(0):
            self._error(status, "temporaryFailure")
        elif self.headers.get("X-Auth-Token") != TOKEN:
            self._error(401, "unauthorized")
        elif names == ["configuration"]:
            self._json({"providerId": self.hub.provider_id})
        elif names == ["spaces"]:
            self._json([{"name": "films", "spaceId": self.hub.space_id}])
        elif names[0] == "lookup-file-id":
            self._lookup("/".join(names[2:]))
        elif names[0] == "changes":
            self._stream(query)
        elif names[0] == "cdmi":
            self._json({"completionStatus": self.hub.files[names[2]]["status"]})
        else:
            self._data(*names[1:])

    def _lookup(self, path: str) -> None:
        if found := self.hub.id_of(path):
            self._json({"fileId": found})
        else:
            self._error(400, "posix", errno="enoent")

    def _data(self, id: str, listing: str = "") -> None:
        if id not in self.hub.files and id != self.hub.space_id:
            self._error(400, "posix", errno="enoent")
        elif not listing:
            self._json({**self._attributes(id), "path": f"/films/{self.hub.files[id]['path']}"})
        else:
            self.hub.before_listing()
            root = self.hub.files[id]["path"] + "/" if id in self.hub.files else ""
            below = [each for each, file in self.hub.files.items() if file["path"].startswith(root)]
            found = [
                {**self._attributes(each), "path": self.hub.files[each]["path"][len(root) :]}
                for each in below
                if self.hub.files[each]["type"] == "REG"
            ]
            self._json({"files": found, "nextPageToken": None})

    def _attributes(self, id: str) -> dict[str, Any]:
        file = self.hub.files[id]
        name = file["path"].rpartition("/")[2]
        return {"fileId": id, "name": name, **{key: file[key] for key in ("type", "size", "mtime")}}

    def _stream(self, query: dict[str, list[str]]) -> None:
        (last,), (timeout,) = query["last_seq"], query["timeout"]
        seq, silences = max(1, int(last)), self.hub.silences
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while self.hub.wait(seq, int(timeout) / 1000, silences):
            events = self.hub.since(seq)
            lines = b"".join(json.dumps(event).encode() + b"\r\n" for event in events)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(lines), lines))
            seq = events[-1]["seq"] + 1
        self.wfile.write(b"0\r\n\r\n")

    def _json(self, document: object) -> None:
        self._answer(200, document)

    def _error(self, status: int, id: str, **details: str) -> None:
        self._answer(status, {"error": {"id": id, "description": "", "details": details}})

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(self.hub.now() if timestamp is None else timestamp, usegmt=True)

    def log_message(self, *_: object) -> None:
        pass


class Hook:
    """A webhook: what arrived, and the statuses it answers first."""

    def __init__(self) -> None:
        self.url = ""
        self.events: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[int] = []
        self.refused = 0
        self.clients = 0
        self._arrived = threading.Condition()

    @property
    def keys(self) -> list[str]:
        return [event["Key"] for event in self.events]

    def take(self, event: dict[str, Any], headers: dict[str, str]) -> int:
        with self._arrived:
            status = self.answers.pop(0) if self.answers else 200
            if status < 300:
                self.events.append(event)
                self.headers.append(headers)
            else:
                self.refused += 1
            self._arrived.notify_all()
        return status

    def count(self, clients: int) -> None:
        with self._arrived:
            self.clients += clients
            self._arrived.notify_all()

    def pause(self) -> None:
        """Wait a moment for an event."""
        with self._arrived:
            self._arrived.wait(0.1)

    def wait(self, condition: Callable[[Hook], bool]) -> None:
        with self._arrived:
            assert self._arrived.wait_for(lambda: condition(self), DEADLINE_S), self.keys


class _HookHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hook: Hook

    def setup(self) -> None:
        super().setup()
        self.hook.count(1)

    def finish(self) -> None:
        super().finish()
        self.hook.count(-1)

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.hook.take(event, {name.lower(): value for name, value in self.headers.items()}))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve on a free port and give its address."""
    server = _Server(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Certificates:
    """An authority and a server's side of TLS."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca = str(folder / "ca.pem")
        authority.cert_pem.write_to_path(self.ca)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self.context)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def trust(certificates: Certificates) -> Trust:
    return Trust(certificates.ca)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """This provider says at once what it has to say."""
    monkeypatch.setattr("hfaas_supervisor.onetrigger.provider.SILENCE_S", 0.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as servers:
        yield lambda *arguments: servers.enter_context(serving(*arguments))


@pytest.fixture
def hub(clock: Clock, serve: Serve, certificates: Certificates) -> Iterator[Datahub]:
    """A provider whose time is the test's."""
    yield from _hub(clock, serve, certificates)


@pytest.fixture
def live_hub(serve: Serve, certificates: Certificates) -> Iterator[Datahub]:
    """A provider whose time is the machine's, for processes."""
    yield from _hub(time.time, serve, certificates)


def _hub(now: Callable[[], float], serve: Serve, certificates: Certificates) -> Iterator[Datahub]:
    made = Datahub(now)
    made.host = serve(type("Api", (_Api,), {"hub": made}), certificates.context)
    yield made
    made.end()


@pytest.fixture
def hook(serve: Serve) -> Hook:
    made = Hook()
    made.url = f"http://{serve(type('Handler', (_HookHandler,), {'hook': made}))}/events?x=1"
    return made


class Lab:
    """An engine whose stream is read when the test says so."""

    def __init__(self, hub: Datahub, hook: Hook, clock: Clock, trust: Trust, path: Path) -> None:
        self.hub, self.hook, self.clock = hub, hook, clock
        self.watch = Watch("films", "in")
        self._path = path / "state.sqlite"
        self.provider = Provider(hub.host, TOKEN, trust)
        self._target = targets.Webhook(hook.url, trust)
        self._state: State | None = None
        self.log = path / "log"

    def start(self, **watch: Any) -> Engine:
        """Start, or start again after a crash."""
        self.close_state()
        self.watch = self.watch._replace(**watch)
        self._state = StateFile(str(self._path))
        self._log = self.log.open("ab")
        console = Console(self._log.fileno())
        self.engine = Engine(self.provider, self._state, self._target, self.watch, console, self.clock)
        self.space: Space = self.engine.open()
        return self.engine

    @property
    def state(self) -> State:
        assert self._state is not None
        return self._state

    def read(self) -> None:
        """Take what has changed."""
        stream, _ = self.provider.subscribe(self.space, self.engine.cursor, 0)
        with closing(stream):
            self.engine.take(list(stream))

    def settle(self, seconds: float = 0) -> list[str]:
        """Take what has changed, let time pass, work, and return the keys of all events so far."""
        self.read()
        return self.work(seconds)

    def work(self, seconds: float = 0) -> list[str]:
        """Let time pass, work, and return the keys of all events so far."""
        self.clock.advance(seconds)
        while self.engine.seconds() == 0:
            self.engine.work()
        return self.hook.keys

    def close_state(self) -> None:
        if self._state is not None:
            self._state.close()
            self._log.close()
            self._state = None

    def close(self) -> None:
        self.close_state()
        self.provider.close()
        self._target.close()


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: a busy disk is slow to confirm what a state writes."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        yield Path(folder)


@pytest.fixture
def lab(hub: Datahub, hook: Hook, clock: Clock, trust: Trust, memory: Path) -> Iterator[Lab]:
    made = Lab(hub, hook, clock, trust, memory)
    yield made
    made.close()


class _Objects(BaseHTTPRequestHandler):
    """S3 with one object and the conditions of its writes."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    objects: dict[str, bytes]

    def do_GET(self) -> None:
        found = self.objects.get(self.path)
        self._answer(404 if found is None else 200, found or b"")

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        there = self.objects.get(self.path)
        wanted = self.headers.get("If-Match")
        refused = there is not None if wanted is None else there is None or wanted != _etag(there)
        if not refused:
            self.objects[self.path] = body
        self._answer(412 if refused else 200, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if self.path in self.objects:
            self.send_header("ETag", _etag(self.objects[self.path]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _etag(body: bytes) -> str:
    return f'"{zlib.crc32(body):08x}"'


@pytest.fixture
def objects(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The objects of an S3 that AWS_ENDPOINT_URL_S3 names, by path."""
    made: dict[str, bytes] = {}
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{serve(type('Handler', (_Objects,), {'objects': made}))}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return made
