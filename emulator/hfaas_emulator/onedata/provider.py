"""One Oneprovider with its Onezone, as the routes see it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from hfaas_emulator.onedata import ids
from hfaas_emulator.onedata.authority import INTERNAL
from hfaas_emulator.onedata.content import Content
from hfaas_emulator.onedata.errors import OnedataError, posix
from hfaas_emulator.onedata.node import Node, Note, Space
from hfaas_emulator.onedata.paths import space_and_id
from hfaas_emulator.onedata.records import Records
from hfaas_emulator.onedata.tokens import Grant, Tokens

NAME = "hfaas"
VERSION = "25.0"
HOSTS = ("127.0.0.1", "localhost", "[::1]", "host.docker.internal", INTERNAL)


@dataclass(slots=True)
class Address:
    """Where it listens, and under which host names it lets itself be called."""

    port: int
    host: str = "127.0.0.1"

    @property
    def domain(self) -> str:
        return f"127.0.0.1:{self.port}"

    def domain_for(self, asked: str) -> str:
        """Return what a client shall call it: as it did if that is one of our names, else the loopback address."""
        return asked if asked in {f"{host}:{self.port}" for host in (*HOSTS, self.host)} else self.domain


class Watched:
    """Wakes those who wait for changes of a space."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def next(self, space: str) -> asyncio.Event:
        """Return what the next change of a space sets."""
        return self._events.setdefault(space, asyncio.Event())

    def tell(self, notes: Sequence[Note]) -> None:
        """Wake who waits for these spaces."""
        for note in notes:
            if waiting := self._events.pop(note.space.id, None):
                waiting.set()


@dataclass(slots=True)
class Provider:
    """What the routes work with. `flush_s` is how long a change takes to reach the streams, at least and at most."""

    id: str
    user: str
    address: Address
    records: Records
    content: Content
    tokens: Tokens
    watched: Watched
    flush_s: tuple[float, float] = (0.0, 0.0)
    streams: dict[str, int] = field(default_factory=dict)

    async def space(self, grant: Grant, text: str) -> Space:
        """Find a space by `name`, `name@id` or id; posix/enoent, also for one that the token does not cover."""
        name, identity = space_and_id(text)
        store = self.records.store
        found = await self.records(store.space_named, name) or await self.records(store.space, text)
        if found is None or (identity and found.id != identity) or not grant.covers(found.id):
            raise posix("enoent")
        return found

    async def resolve(self, grant: Grant, segments: Sequence[str], *, follow: bool = False) -> Node:
        """Find the node at /space/path; posix/enoent or enotdir."""
        if not segments:
            raise posix("enoent")
        space = await self.space(grant, segments[0])
        tree = self.records.tree
        return await self.records(lambda: tree.resolve(tree.root(space.id), segments[1:], follow=follow))

    async def node(self, grant: Grant, id: str) -> Node:
        """Find a node by its identifier, or a space's root by the space's; OnedataError forbidden or posix/enoent."""
        found = ids.read(id)
        uuid, space = found or (ids.root_of(id), id)
        if await self.records(self.records.store.space, space) is None:
            raise posix("enoent") if found else _unsupported(self.id)
        grant.check(space)
        node = await self.records(self.records.tree.get, uuid)
        if node.space != space:
            raise posix("enoent")
        return node


def _unsupported(provider: str) -> OnedataError:
    said = "The space is not supported by the provider."
    return OnedataError(400, "spaceNotSupportedBy", said, providerId=provider)
