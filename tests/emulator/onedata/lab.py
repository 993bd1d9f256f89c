"""A Oneprovider behind real TLS on a free port, in a thread of its own."""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote

from hfaas_emulator.onedata.service import Onedata, Place
from hfaas_emulator.trace import Trace

T = TypeVar("T")
WAIT_S = 60
VERSION = {"X-CDMI-Specification-Version": "1.1.1"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """Return the error's id, or its errno when it has one."""
        error = self.json["error"]
        return str((error.get("details") or {}).get("errno") or error["id"])


@dataclass
class Client:
    """Speaks to a Oneprovider as one owner of one token, on one connection."""

    about: Mapping[str, Any]
    token: str
    connection: http.client.HTTPSConnection = field(init=False)
    opened: ClassVar[list[http.client.HTTPSConnection | ssl.SSLSocket]] = []

    def __post_init__(self) -> None:
        self.connection = self.connect()

    def connect(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=self.about["ca"])
        connection = http.client.HTTPSConnection(self.about["host"], timeout=WAIT_S, context=context)
        self.opened.append(connection)
        return connection

    @property
    def sid(self) -> str:
        return str(self.about["spaceId"])

    def ask(self, method: str, path: str, body: Any = None, /, **headers: str) -> Answer:
        """Send a request; underscores in the names of headers are dashes."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, dict | list):
            body = json.dumps(body).encode()
        self.connection.request(method, path, body, {"X-Auth-Token": self.token, **sent})
        answer = self.connection.getresponse()
        return Answer(answer.status, answer.read(), {key.lower(): value for key, value in answer.getheaders()})

    def op(self, method: str, path: str, body: Any = None, /, **headers: str) -> Answer:
        return self.ask(method, f"/api/v3/oneprovider/{path}", body, **headers)

    def cdmi(self, method: str, path: str, body: Any = None, /, **headers: str) -> Answer:
        """Ask CDMI with its version header."""
        return self.ask(method, f"/cdmi/{path}", body, **VERSION, **headers)

    def put(self, path: str, content: bytes = b"") -> Answer:
        """Upload a file by CDMI, below the space."""
        return self.ask("PUT", f"/cdmi/{self.about['name']}/{quote(path)}", content)

    def folder(self, path: str) -> Answer:
        return self.ask("PUT", f"/cdmi/{self.about['name']}/{quote(path)}/")

    def read(self, path: str) -> bytes:
        return self.ask("GET", f"/cdmi/{self.about['name']}/{quote(path)}").body

    def id(self, path: str = "") -> str:
        """Return the identifier of what is at a path below the space."""
        found = self.op("POST", f"lookup-file-id/{self.about['name']}/{quote(path)}")
        assert found.status == 200, found.body
        return str(found.json["fileId"])

    def changes(self, seq: int = 0, timeout: int = 60, **spec: Any) -> list[Any]:
        """Return the events from a number on, until none came for a while."""
        spec = spec or {"fileMeta": {"fields": ["name", "deleted"], "always": True}}
        path = f"changes/metadata/{self.sid}?last_seq={seq}&timeout={timeout}"
        answer = self.op("POST", path, spec)
        assert answer.status == 200, answer.body
        return [json.loads(line) for line in answer.body.splitlines()]


class Lab:
    """A running Oneprovider and the loop it runs on."""

    def __init__(self, onedata: Onedata, trace: Trace, loop: asyncio.AbstractEventLoop) -> None:
        self.onedata = onedata
        self.trace = trace
        self.loop = loop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT_S)

    def client(self, space: str, token: str = "", quota: int = 0) -> Client:
        """Return a client of a space, which is made if need be; with the owner's token if no other is given."""
        about = self.run(self.onedata.create(space, quota))
        return Client(about, token or about["token"])

    def token(self, space: str, *, readonly: bool = False) -> str:
        return self.run(self.onedata.token(space, readonly=readonly))


async def _settled(loop: Any) -> None:
    """Wait until the sockets that were closed are."""
    until = loop.time() + 2
    while len(loop._selector.get_map()) > 1 and loop.time() < until:
        await asyncio.sleep(0.002)


@contextmanager
def running(directory: Path, **options: Any) -> Iterator[Lab]:
    """Run Onedata over a directory; leaving closes it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def opened() -> Lab:
        trace = Trace()
        onedata = Onedata(Place(directory, **options), trace)
        await onedata.open()
        return Lab(onedata, trace, loop)

    try:
        lab = asyncio.run_coroutine_threadsafe(opened(), loop).result(WAIT_S)
        try:
            yield lab
        finally:
            lab.run(lab.onedata.close())
            lab.run(_settled(loop))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_S)
        loop.close()
