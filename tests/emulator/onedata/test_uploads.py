"""Files of any size, broken uploads, quotas."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from tests.emulator.onedata.lab import WAIT_S, Client, Lab

from hfaas_emulator.onedata import request, uploads
from hfaas_emulator.onedata.content import PIECE
from hfaas_emulator.trace import What

MB = 1 << 20


def until(true: Callable[[], object], what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.01)


def pieces(count: int, seed: bytes = b"x") -> Iterator[bytes]:
    for number in range(count):
        yield hashlib.sha256(seed + str(number).encode()).digest() * (MB // 32)


def send(client: Client, path: str, body: Iterator[bytes], length: int, method: str = "PUT") -> ssl.SSLSocket:
    """Send the head of a request and what `body` has, and leave the connection open."""
    host, _, port = client.about["host"].partition(":")
    context = ssl.create_default_context(cafile=client.about["ca"])
    raw = context.wrap_socket(socket.create_connection((host, int(port)), WAIT_S), server_hostname=host)
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {client.token}\r\nContent-Length: {length}\r\n\r\n"
    )
    raw.sendall(head.encode())
    for piece in body:
        raw.sendall(piece)
    client.opened.append(raw)
    return raw


def answer_of(raw: ssl.SSLSocket) -> bytes:
    """Read an answer whose body, if any, is JSON."""
    found = raw.recv(4096)
    while b" 400 " in found and not found.endswith(b"}"):
        found += raw.recv(4096)
    return found


def status(client: Client, name: str) -> str:
    answer = client.cdmi("GET", f"{client.about['name']}/{name}?completionStatus")
    return str(answer.json["completionStatus"]) if answer.status == 200 else ""


def size(client: Client, name: str) -> int:
    return int(client.op("GET", f"data/{client.id(name)}").json["size"])


def test_a_large_file_comes_back_as_it_was(client: Client) -> None:
    client.connection.request(
        "PUT",
        f"/cdmi/{client.about['name']}/big",
        pieces(8),
        {"X-Auth-Token": client.token, "Content-Length": str(8 * MB)},
    )
    assert client.connection.getresponse().read() == b""
    assert client.read("big") == b"".join(pieces(8))


def test_an_upload_under_way_says_so_and_grows(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "TELL_S", 0)
    path = f"/cdmi/{client.about['name']}/f"
    raw = send(client, path, pieces(2), 3 * MB)
    until(lambda: status(client, "f") == "Processing", "never in progress")
    until(lambda: size(client, "f") >= MB, "does not grow")
    raw.sendall(next(pieces(1)))
    assert b" 201 " in raw.recv(4096)
    assert (status(client, "f"), size(client, "f")) == ("Complete", 3 * MB)
    raw.close()


def told(lab: Lab, client: Client) -> list[tuple[str, str]]:
    """Return path and change of what the trace tells of a space."""
    hops = [hop.detail for hop in lab.trace.since(0) if hop.what is What.SPACE_CHANGED]
    return [(each["path"], each["change"]) for each in hops if each["space"] == client.about["name"]]


def test_a_broken_upload_keeps_its_bytes_and_is_never_complete(
    lab: Lab, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "TELL_S", 0)
    raw = send(client, f"/cdmi/{client.about['name']}/f", pieces(2), 3 * MB)
    until(lambda: status(client, "f") and size(client, "f") >= MB, "nothing arrives")
    raw.close()
    until(lambda: [change for _, change in told(lab, client)][-1:] == ["written"], "the end is not noticed")
    assert status(client, "f") == "Processing"
    assert len(client.read("f")) >= MB
    assert b"".join(pieces(2)).startswith(client.read("f"))


def test_a_file_that_was_made_for_a_broken_upload_goes(client: Client) -> None:
    send(client, f"/api/v3/oneprovider/data/{client.sid}/path/f", pieces(1), 3 * MB).close()
    until(lambda: client.changes()[-1:] and client.changes()[-1]["fileMeta"]["deleted"], "the file stays")
    assert client.op("GET", f"data/{client.sid}/children").json["children"] == []


def nameless(lab: Lab) -> set[str]:
    """Return the bytes on the disk that are no file's."""
    records, content = lab.onedata.provider.records, lab.onedata.provider.content
    return set(os.listdir(content.path(""))) - lab.run(records(records.store.blobs))


def test_bytes_that_came_before_an_upload_broke_go_with_the_file_that_was_made_for_it(
    lab: Lab, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "TELL_S", 0)
    raw = send(client, f"/api/v3/oneprovider/data/{client.sid}/path/f", pieces(1), 3 * MB)
    until(lambda: client.changes() and size(client, "f") >= PIECE, "nothing arrives")
    raw.close()
    until(lambda: client.changes()[-1]["fileMeta"]["deleted"], "the file stays")
    until(lambda: not nameless(lab), "the bytes stay")


def test_a_silent_client_is_given_up(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once all that was sent is on the disk, however long that took, the next piece may take only a moment."""
    monkeypatch.setattr(uploads, "TELL_S", 0)
    raw = send(client, f"/cdmi/{client.about['name']}/f", iter([b"x" * PIECE]), 3 * MB)
    until(lambda: status(client, "f") and size(client, "f") == PIECE, "not all arrives")
    monkeypatch.setattr(request, "SILENCE_S", 0.05)
    raw.sendall(b"x")
    assert b" 408 " in raw.recv(4096)
    assert raw.recv(4096) == b""
    raw.close()
    assert status(client, "f") == "Processing"


def test_who_reads_an_old_file_reads_it_to_its_end(client: Client) -> None:
    client.put("f", b"".join(pieces(16, b"old")))
    reader = client.connect()
    reader.request("GET", f"/cdmi/{client.about['name']}/f", headers={"X-Auth-Token": client.token})
    answer = reader.getresponse()
    start = answer.read(MB)
    client.put("f", b"new")
    assert start + answer.read() == b"".join(pieces(16, b"old"))
    assert client.read("f") == b"new"


def test_the_last_of_two_uploads_wins_whole(client: Client) -> None:
    path = f"/cdmi/{client.about['name']}/f"
    first = send(client, path, pieces(1, b"first"), 2 * MB)
    until(lambda: status(client, "f") == "Processing", "never in progress")
    client.put("f", b"second")
    first.sendall(next(pieces(1)))
    assert b"enoent" in answer_of(first)
    first.close()
    assert client.read("f") == b"second"


def test_bytes_that_come_for_an_upload_after_the_next_one_began_are_dropped(lab: Lab, client: Client) -> None:
    first = send(client, f"/cdmi/{client.about['name']}/f", iter(()), MB)
    until(lambda: status(client, "f") == "Processing", "never in progress")
    client.put("f", b"second")
    first.sendall(next(pieces(1)))
    assert b"enoent" in answer_of(first)
    until(lambda: not nameless(lab), "the bytes stay")


def test_a_removed_file_is_not_brought_back_by_its_upload(client: Client) -> None:
    raw = send(client, f"/cdmi/{client.about['name']}/f", pieces(1), 2 * MB)
    until(lambda: status(client, "f") == "Processing", "never in progress")
    client.op("DELETE", f"data/{client.id('f')}")
    raw.sendall(next(pieces(1)))
    assert b"enoent" in answer_of(raw)
    raw.close()
    assert client.op("GET", f"data/{client.sid}/children").json["children"] == []


def test_a_space_holds_as_much_as_its_quota(lab: Lab) -> None:
    client = lab.client("small", quota=100)
    assert client.put("a", b"x" * 60).status == 201
    assert client.put("a", b"y" * 90).status == 204
    assert client.put("b", b"x" * 20).error == "enospc"
    assert client.put("c", b"x" * 10).status == 201


def test_the_trace_tells_what_became_of_a_path(lab: Lab, client: Client) -> None:
    client.put("a", b"x")
    client.op("PUT", f"data/{client.id('a')}/content", b"y")
    client.op("DELETE", f"data/{client.id('a')}")
    name = client.about["name"]
    assert told(lab, client) == [
        (f"/{name}/a", "created"),
        (f"/{name}/a", "finished"),
        (f"/{name}/a", "written"),
        (f"/{name}/a", "removed"),
    ]
