from __future__ import annotations

import asyncio
import random
import socket
import struct

from hfaas_emulator.containers.attach import Attached, Demultiplexer


def frame(data: bytes, stream: int = 1) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


def test_frames_come_out_in_order_wherever_the_stream_is_cut() -> None:
    chance = random.Random(7)
    parts = [bytes([65 + index]) * chance.choice([0, 1, 7, 8, 9, 5000]) for index in range(20)]
    stream = b"".join(frame(part, 1 + index % 2) for index, part in enumerate(parts))
    got: list[bytes] = []
    demultiplexer = Demultiplexer(got.append)
    while stream:
        size = chance.choice([1, 3, 8, 1000])
        demultiplexer.feed(stream[:size])
        stream = stream[size:]
    assert b"".join(got) == b"".join(parts)


def test_a_frame_that_came_in_part_is_passed_on_at_once() -> None:
    got: list[bytes] = []
    Demultiplexer(got.append).feed(frame(b"progress 10 %")[:-3])
    assert got == [b"progress 10"[:10]]


def test_stderr_goes_its_own_way_where_there_is_one() -> None:
    said: list[bytes] = []
    wrong: list[bytes] = []
    demultiplexer = Demultiplexer(said.append, wrong.append)
    demultiplexer.feed(frame(b"out") + frame(b"err", 2)[:-1])
    demultiplexer.feed(b"r" + frame(b"put"))
    assert (b"".join(said), b"".join(wrong)) == (b"output", b"err")


class Wrapped:
    """A stream that only the SDK can read: it has no plain socket inside."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner

    def recv(self, size: int) -> bytes:
        return self._inner.recv(size)

    def fileno(self) -> int:
        return self._inner.fileno()

    def close(self) -> None:
        self._inner.close()


async def test_other_streams_than_plain_sockets_are_read_too() -> None:
    ours, theirs = socket.socketpair()
    got: list[bytes] = []
    wrong: list[bytes] = []
    attached = Attached(got.append, wrong.append)
    await attached.read(Wrapped(ours))
    theirs.sendall(frame(b"one") + frame(b"two", 2))
    theirs.close()
    await asyncio.wait_for(attached.ended.wait(), 60)
    attached.close()
    assert (got, wrong) == ([b"one"], [b"two"])
