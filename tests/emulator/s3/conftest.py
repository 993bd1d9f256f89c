"""A real S3: the front, moto on its thread and a journal, behind uvicorn on a free port."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import boto3
import pytest
import uvicorn
from botocore.config import Config

from hfaas_emulator.journal import Journal
from hfaas_emulator.lambda_.invocation import Invocation
from hfaas_emulator.listening import bind
from hfaas_emulator.moto_services import outward
from hfaas_emulator.moto_services.bridge import Application
from hfaas_emulator.moto_services.snapshots import Snapshots
from hfaas_emulator.moto_services.thread import Moto
from hfaas_emulator.s3.api import S3, SERVICES
from hfaas_emulator.s3.store import Store
from hfaas_emulator.trace import Hop, Trace, What

WAIT_S = 60
KEEP_ALIVE_S = 1_000
"""As the product: a client that sends on a connection while it is closed for idleness gets no answer."""


class Site:
    """An emulator of S3 (and what else moto knows) with nobody behind its triggers but a list."""

    def __init__(self, state: Path) -> None:
        self.accepted: list[Invocation] = []
        self.problems: list[str] = []
        self.trace = Trace()
        self.objects = state / "objects"
        self._state = state
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(WAIT_S), "the site did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(WAIT_S)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        journal = Journal(self._state / "journal.sqlite")
        moto = Moto(journal)
        store = Store(self.objects)
        self._moto = moto
        self.s3 = S3(moto, store, self.trace, self.accepted.append)
        outward.connect(self.accepted.append, self.problems.append)
        snapshots = Snapshots(self._state, moto, journal, self.problems.append)
        await moto.open(lambda: _boot(self.s3, journal, snapshots))
        listener = bind("127.0.0.1", 0)
        self.endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            self._answer, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False,
            timeout_graceful_shutdown=1, timeout_keep_alive=KEEP_ALIVE_S, interface="asgi3",
        )  # fmt: skip
        self._server = _Server(config, self._up)
        await self._server.serve(sockets=[listener])
        listener.close()
        await moto.close()
        store.close()
        journal.close()

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        from starlette.requests import Request as Http

        from hfaas_emulator.edge import _moto, _read, read_call

        call = read_call(scope)
        if call.caller.service in ("", "s3"):
            await self.s3.handle(scope, receive, send)
            return
        request = Http(scope, receive)
        await _read(request)
        await (await _moto(call, self._moto, await request.body()))(scope, receive, send)

    def client(self, service: str = "s3", **config: Any) -> Any:
        """A boto3 client."""
        make: Any = boto3.client  # typed for each service; here any will do
        return make(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20, **config),
        )

    def hops(self, what: What | None = None) -> list[Hop]:
        """The hops so far."""
        return [hop for hop in self.trace.since(0) if what in (None, hop.what)]

    def files(self) -> list[Path]:
        """The files that hold objects' bytes."""
        return [path for path in self.objects.rglob("*") if path.is_file()]

    def since(self, before: list[Path]) -> set[Path]:
        """The files that came since; those of earlier tests may still be on their way out."""
        return set(self.files()) - set(before)


def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, up: threading.Event) -> None:
        super().__init__(config)
        self._up_event = up

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._up_event.set()

    def install_signal_handlers(self) -> None:
        pass


def _boot(s3: S3, journal: Journal, snapshots: Snapshots) -> Application:
    from hfaas_emulator.moto_services.boot import boot

    return boot(SERVICES, s3.wire, s3.restore, journal, snapshots)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for the tests of a module: the next module's emulator takes moto's S3 over; buckets are a test's own."""
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site
