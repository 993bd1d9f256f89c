"""The stream of changes, byte by byte."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from hfaas_supervisor.onetrigger.stream import AHEAD, Change, End, Inbox, Reader, Stream, below_space, parse

WAIT_S = 60


def line(seq: int) -> bytes:
    meta = {"changed": True, "deleted": False, "fields": {"name": "ä", "type": "REG"}}
    event = {"fileId": f"id{seq}", "filePath": "/films/in/ä", "seq": seq, "fileMeta": meta}
    return json.dumps(event, ensure_ascii=False).encode() + b"\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Server:
    """The other end of one stream."""

    def __init__(self) -> None:
        near, self.far = socket.socketpair()
        near.settimeout(WAIT_S)
        self.far.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        body = http.client.HTTPResponse(near, method="POST")
        body.begin()
        self.near, self.stream = near, Stream(near, body)

    def send(self, *data: bytes) -> None:
        self.far.sendall(b"".join(data))

    def end(self) -> None:
        self.far.sendall(b"0\r\n\r\n")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stream.close()
    made.far.close()


def test_lines_may_be_cut_anywhere(server: Server) -> None:
    data = line(1) + line(2) + line(3)
    cuts = [data[at : at + 7] for at in range(0, len(data), 7)]
    server.send(*(chunk(cut) for cut in cuts))
    server.end()
    assert [change.seq for change in server.stream] == [1, 2, 3]


def test_a_change_comes_as_soon_as_its_line_is_whole(server: Server) -> None:
    server.send(chunk(line(1)))
    changes = iter(server.stream)
    assert next(changes).seq == 1


def test_a_stream_that_breaks_off_is_no_end(server: Server) -> None:
    inbox: Inbox = SimpleQueue()
    reader = Reader(server.stream, inbox)
    server.send(chunk(line(1)), b"40\r\nhalf")
    server.far.close()
    assert isinstance(inbox.get(timeout=WAIT_S), Change)
    end = inbox.get(timeout=WAIT_S)
    assert isinstance(end, End)
    assert end.reason.startswith("the stream of changes broke")
    reader.close()


def test_the_providers_end_is_one(server: Server) -> None:
    inbox: Inbox = SimpleQueue()
    reader = Reader(server.stream, inbox)
    server.end()
    assert inbox.get(timeout=WAIT_S) == End()
    reader.close()


def test_silence_is_the_end_of_a_connection(server: Server) -> None:
    inbox: Inbox = SimpleQueue()
    server.near.settimeout(0.01)
    reader = Reader(server.stream, inbox)
    end = inbox.get(timeout=WAIT_S)
    assert isinstance(end, End)
    assert "timed out" in end.reason
    reader.close()


def test_what_is_no_json_is_the_end_of_a_connection(server: Server) -> None:
    inbox: Inbox = SimpleQueue()
    reader = Reader(server.stream, inbox)
    server.send(chunk(b"<html>\r\n"))
    end = inbox.get(timeout=WAIT_S)
    assert isinstance(end, End)
    assert end.reason
    reader.close()


def test_a_reader_that_waits_can_be_closed(server: Server) -> None:
    Reader(server.stream, SimpleQueue()).close()


def test_a_reader_does_not_run_away(server: Server) -> None:
    inbox: Inbox = SimpleQueue()
    reader = Reader(server.stream, inbox)
    sender = threading.Thread(target=lambda: server.send(*(chunk(line(seq)) for seq in range(AHEAD + 10)), b""))
    sender.start()
    taken = [inbox.get(timeout=WAIT_S) for _ in range(AHEAD)]
    assert inbox.empty()
    reader.done(len(taken))
    for _ in range(10):
        inbox.get(timeout=WAIT_S)
    sender.join()
    reader.close()


def test_a_complete_upload_is_read() -> None:
    event = {
        "fileId": "ID",
        "filePath": "/films/in/a",
        "seq": "5",
        "fileMeta": {"changed": False, "deleted": False, "fields": {"name": "a", "type": "REG"}},
        "customMetadata": {"changed": True, "deleted": False, "fields": {"cdmi_completion_status": "Complete"}},
        "fileLocation": {"changed": True, "deleted": False, "fields": {"size": 9}},
    }
    assert parse(event) == Change("ID", 5, "in/a", "REG", deleted=False, written=True, size=9, status="Complete")


@pytest.mark.parametrize("meta", [{"deleted": True, "fields": {"type": "REG"}}, {"fields": {"deleted": True}}])
def test_both_ways_to_say_deleted_are_read(meta: dict[str, object]) -> None:
    assert parse({"fileId": "ID", "filePath": "", "seq": 5, "fileMeta": meta}).deleted


def test_a_change_of_a_deleted_files_document_says_nothing_but_its_number() -> None:
    event = {"fileId": "ID", "seq": 5, "fileLocation": {"deleted": True, "fields": {"size": 3}}}
    assert parse(event) == Change("ID", 5)


@pytest.mark.parametrize(("path", "below"), [("/films/a/b", "a/b"), ("/films", ""), ("/films/", ""), ("", "")])
def test_paths_are_those_below_the_space(path: str, below: str) -> None:
    assert below_space(path) == below
