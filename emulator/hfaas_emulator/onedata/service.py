"""Onedata: a Oneprovider with its Onezone, for those who have a space.

Nothing is opened, nor imported, before there is one. Then, in order: the certificates, the records, the bytes, and
the port, which stays the same for as long as the state directory lives, because tokens and addresses are copied
into secrets and tools. Whoever wants to know that a space changed says so in `listeners`.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfaas_emulator.errors import EmulatorError
from hfaas_emulator.listening import LOOPBACK, bind, serving
from hfaas_emulator.onedata.trust import BUNDLE_IN_CONTAINER, Trust
from hfaas_emulator.trace import Trace, What

if TYPE_CHECKING:
    from hfaas_emulator.onedata.node import Note, Space
    from hfaas_emulator.onedata.provider import Provider

INTERNAL = "oneprovider.hfaas.internal"
LISTEN = "onedata"


class NoSpace(Exception):
    """There is no space of that name."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where Onedata is: its directory, its port (0: any, then always that), the address containers know it by."""

    directory: Path
    port: int = 0
    host: str = LOOPBACK
    runs_images: bool = True
    flush_s: tuple[float, float] = (0.0, 0.0)


class Onedata:
    """The service; `create` opens it when it was not open."""

    def __init__(self, place: Place, trace: Trace) -> None:
        self.listeners: list[Callable[[str, str], None]] = []
        self._place = place
        self._trace = trace
        self._opened: AsyncExitStack | None = None
        self._provider: Provider | None = None

    @property
    def was_used(self) -> bool:
        """Tell whether there ever was a space."""
        return (self._place.directory / "metadata.sqlite").exists()

    async def open(self) -> None:
        """Open it if there ever was a space."""
        if self.was_used:
            await self._open()

    async def close(self) -> None:
        """Stop listening, finish what has begun."""
        opened, self._opened, self._provider = self._opened, None, None
        if opened:
            await opened.aclose()

    @property
    def is_open(self) -> bool:
        return self._provider is not None

    @property
    def provider(self) -> Provider:
        if self._provider is None:
            raise NoSpace
        return self._provider

    def trust(self) -> Trust:
        """Return what containers that start now need to trust this Oneprovider."""
        if self._provider is None:
            return Trust()
        return Trust({BUNDLE_IN_CONTAINER: self._place.directory / "ca-bundle.pem"})

    async def _open(self) -> None:
        from hfaas_emulator.onedata.authority import Authority
        from hfaas_emulator.onedata.content import Content
        from hfaas_emulator.onedata.provider import Address, Provider, Watched
        from hfaas_emulator.onedata.records import Records
        from hfaas_emulator.onedata.server import Server
        from hfaas_emulator.onedata.tokens import Tokens

        place = self._place
        async with AsyncExitStack() as stack:
            authority = Authority(place.directory)
            content = Content(place.directory / "content")
            stack.callback(content.close)
            watched = Watched()
            records = Records(place.directory, content, self._told)
            stack.push_async_callback(records.close)
            await content.call(content.sweep, await records(records.store.blobs))
            sockets = await self._bound(stack, records.store.kept, records.store.keep)
            provider = Provider(
                await records(records.store.kept, "provider_id"),
                await records(records.store.kept, "user_id"),
                Address(sockets[0].getsockname()[1], place.host),
                records,
                content,
                Tokens(records.store),
                watched,
                place.flush_s,
            )
            certificate = await content.call(authority.issue, place.host)
            server = Server(provider)
            for each in sockets:
                await stack.enter_async_context(serving(server, each, certificate))
            self._provider = provider
            self._opened = stack.pop_all()

    async def _bound(
        self, stack: AsyncExitStack, kept: Callable[..., str], keep: Callable[[str, str], None]
    ) -> list[socket.socket]:
        """Bind the port on both addresses: the one asked for, else the one of last time, else a free one."""
        wanted = self._place.port or int(kept("port", lambda: "0"))
        try:
            sockets = self._bind(wanted)
        except EmulatorError as error:
            if self._place.port or not wanted:
                raise
            sockets = self._bind(0)
            said = f"{error.message}; Onedata listens on another port now: addresses that were copied are stale"
            self._trace.hop(LISTEN, What.PROBLEM, message=said)
        for each in sockets:
            stack.enter_context(contextlib.closing(each))
        keep("port", str(sockets[0].getsockname()[1]))
        return sockets

    def _bind(self, port: int) -> list[socket.socket]:
        sockets = [bind(LOOPBACK, port, "--onedata-port")]
        if self._place.host != LOOPBACK:
            try:
                sockets.append(bind(self._place.host, sockets[0].getsockname()[1], "--onedata-port"))
            except EmulatorError:
                sockets[0].close()
                raise
        return sockets

    def _told(self, notes: Sequence[Note]) -> None:
        """Wake the streams; tell the trace, and who else listens, what became of which path."""
        if self._provider:
            self._provider.watched.tell(notes)
        for note in notes:
            if note.change:
                self._trace.hop(
                    LISTEN, What.SPACE_CHANGED, space=note.space.name, path=note.path, change=note.change
                )
                for listener in self.listeners:
                    listener(note.space.name, note.path)

    # For the command line

    async def create(self, name: str, quota: int = 0) -> Mapping[str, Any]:
        """Make a space, or find the one of this name; return what a client needs to use it."""
        if self._provider is None:
            await self._open()
        records = self.provider.records
        space = await records(records.store.create_space, name, quota)
        return await self._about(space)

    async def _about(self, space: Space) -> Mapping[str, Any]:
        provider, place = self.provider, self._place
        port = provider.address.port
        return {
            "name": space.name,
            "spaceId": space.id,
            "host": provider.address.domain,
            "internalHost": f"{INTERNAL}:{port}" if place.runs_images else provider.address.domain,
            "ca": str(place.directory / "ca-bundle.pem"),
            "token": await provider.records(provider.tokens.owner),
        }

    async def spaces(self) -> list[Mapping[str, Any]]:
        """Return all spaces with what they hold."""
        if self._provider is None:
            return []
        store, provider = self.provider.records.store, self.provider

        def listed() -> list[Mapping[str, Any]]:
            return [
                {"name": each.name, "spaceId": each.id, "bytes": store.used(each.id), "quota": each.quota or None}
                for each in store.spaces()
            ]

        return [{**each, "host": provider.address.domain} for each in await provider.records(listed)]

    async def delete(self, name: str) -> None:
        """Remove a space with all that is in it; NoSpace."""
        space = await self._space(name)
        await self.provider.records(self.provider.records.store.delete_space, space)

    async def token(self, name: str, *, readonly: bool) -> str:
        """Return a new token for one space; NoSpace."""
        space = await self._space(name)
        return await self.provider.records(self.provider.tokens.issue, space.id, readonly=readonly)

    async def tokens(self, name: str) -> list[Mapping[str, Any]]:
        """Return the tokens that were issued for one space, by id; NoSpace."""
        space = await self._space(name)
        issued = [each for each in self.provider.tokens.issued() if each.covers(space.id)]
        return [{"id": each.name, "scope": "readonly" if each.readonly else "full"} for each in issued]

    async def revoke(self, name: str, token: str) -> bool:
        """Let a token of one space open nothing any more; False when the space has none of this id. NoSpace."""
        if token not in {each["id"] for each in await self.tokens(name)}:
            return False
        return await self.provider.records(self.provider.tokens.revoke, token)

    async def _space(self, name: str) -> Space:
        records = self.provider.records
        space = await records(records.store.space_named, name)
        if space is None:
            raise NoSpace
        return space
