from __future__ import annotations

import http.client
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.emulator.onedata.lab import WAIT_S, Client, Lab, running

from hfaas_emulator.onedata import changes

META = {"fields": ["name", "deleted"], "always": True}
STATUS = {"fields": ["cdmi_completion_status"]}


def kinds(events: list[Any]) -> list[str]:
    return [kind for event in events for kind, told in event.items() if isinstance(told, dict) and told["changed"]]


def all_changes(client: Client, seq: int = 0) -> list[Any]:
    return client.changes(
        seq,
        fileMeta={"fields": []},
        fileLocation={"fields": ["size"]},
        times={"fields": []},
        customMetadata=STATUS,
    )


def last(client: Client) -> int:
    events = all_changes(client)
    return int(events[-1]["seq"]) if events else 0


def test_each_change_has_a_line_of_its_own(client: Client) -> None:
    client.put("a", b"x")
    path = f"changes/metadata/{client.sid}?last_seq=0&timeout=50"
    answer = client.op("POST", path, {"fileMeta": META})
    assert answer.body.endswith(b"\r\n")
    event = json.loads(answer.body)
    assert event["filePath"] == f"/{client.about['name']}/a"
    assert event["fileId"] == client.id("a")
    assert isinstance(event["seq"], int)
    assert event["fileMeta"]["fields"] == {"name": "a", "deleted": False}
    assert event["fileMeta"]["rev"].startswith("1-")


def test_an_upload_by_cdmi_ends_with_complete(client: Client) -> None:
    client.put("a", b"12345")
    events = all_changes(client)
    assert [e["fileLocation"]["fields"]["size"] for e in events if "fileLocation" in e] == [5]
    assert [e["customMetadata"]["fields"]["cdmi_completion_status"] for e in events if "customMetadata" in e] == [
        "Complete"
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "found"),
    [
        ("PUT", "data/{id}", {"mode": "600"}, {"fileMeta", "times"}),
        ("PUT", "data/{id}/metadata/xattrs", {"k": "v"}, {"customMetadata", "times"}),
        ("PUT", "data/{id}/content", b"new", {"fileLocation", "times"}),
        ("PUT", "data/{sid}/path/new", b"x", {"fileMeta", "fileLocation", "times"}),
        ("PUT", "data/{sid}/path/new?type=DIR", None, {"fileMeta", "times"}),
        ("DELETE", "data/{id}", None, {"fileMeta", "fileLocation"}),
    ],
)
def test_each_operation_changes_its_documents(
    client: Client, method: str, path: str, body: Any, found: set[str]
) -> None:
    client.put("a", b"x")
    before, known = last(client), client.id("a")
    client.op(method, path.format(id=known, sid=client.sid), body)
    assert set(kinds(all_changes(client, before + 1))) == found


def test_a_moved_directory_is_one_event(client: Client) -> None:
    client.folder("d")
    client.put("d/f")
    before = last(client)
    client.cdmi(
        "PUT",
        f"{client.about['name']}/e",
        {"move": f"{client.about['name']}/d"},
        **{"Content-Type": "application/cdmi-object"},
    )
    (event,) = client.changes(before + 1)
    assert event["filePath"].endswith("/e")


def test_a_removed_file_is_told_without_its_path(client: Client) -> None:
    client.put("a")
    known = client.id("a")
    client.op("DELETE", f"data/{known}")
    (event,) = client.changes()
    assert (event["fileId"], event["filePath"]) == (known, "")
    assert event["fileMeta"]["deleted"]
    assert event["fileMeta"]["fields"]["deleted"]


def test_a_document_occurs_once_at_its_newest_number(client: Client) -> None:
    client.put("a")
    for mode in ("600", "640", "644"):
        client.op("PUT", f"data/{client.id('a')}", {"mode": mode})
    (event,) = client.changes(fileMeta={"fields": ["mode"]})
    assert event["fileMeta"]["fields"] == {"mode": 0o644}
    assert event["fileMeta"]["rev"].startswith("4-")


def test_the_first_number_is_told_too(client: Client) -> None:
    client.put("a")
    events = client.changes()
    assert client.changes(events[-1]["seq"])[0]["seq"] == events[-1]["seq"]
    assert client.changes(events[-1]["seq"] + 1) == []


def test_a_section_that_must_be_told_but_is_not_there_loses_the_event(client: Client) -> None:
    client.op("PUT", f"data/{client.sid}/path/plain", b"x")
    assert client.changes(fileMeta=META) != []
    assert client.changes(fileMeta=META, customMetadata={"fields": [], "always": True}) == []


def test_only_triggers_make_events(client: Client) -> None:
    client.put("a")
    found = client.changes(triggers=["customMetadata"], fileMeta=META, customMetadata=STATUS)
    assert kinds(found) == ["customMetadata"]
    assert found[0]["fileMeta"]["changed"] is False


def test_it_is_told_whether_attributes_exist(client: Client) -> None:
    client.put("a")
    (event,) = client.changes(customMetadata={"fields": [], "exists": ["cdmi_mimetype", "none"]})
    assert event["customMetadata"]["exists"] == {"cdmi_mimetype": True, "none": False}


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ([], "badValueJSON"),
        ({}, "badValueEmpty"),
        ({"triggers": "x", "fileMeta": {}}, "badValueListOfStrings"),
        ({"triggers": ["x"], "fileMeta": {}}, "badValueNotAllowed"),
        ({"odd": {}}, "badData"),
        ({"fileMeta": {"fields": "x"}}, "badValueListOfStrings"),
        ({"fileMeta": {"fields": ["x"]}}, "badValueNotAllowed"),
        ({"fileMeta": {"always": 1}}, "badValueBoolean"),
        ({"fileMeta": 1}, "badValueJSON"),
    ],
)
def test_a_wrong_specification_is_refused(client: Client, spec: Any, error: str) -> None:
    answer = client.op("POST", f"changes/metadata/{client.sid}", spec)
    assert (answer.status, answer.error) == (400, error)


@pytest.mark.parametrize("query", ["last_seq=x", "timeout=x", "last_seq=1.5"])
def test_a_number_that_is_none_is_refused(client: Client, query: str) -> None:
    answer = client.op("POST", f"changes/metadata/{client.sid}?{query}", {"fileMeta": {}})
    assert answer.error == "badValueInteger"


def test_a_token_for_reading_may_not_subscribe(lab: Lab, client: Client) -> None:
    reader = Client(client.about, lab.token(client.about["name"], readonly=True))
    assert reader.op("POST", f"changes/metadata/{client.sid}?timeout=1", {"fileMeta": {}}).status == 401


def test_a_foreign_space_may_not_be_subscribed_to(lab: Lab, client: Client) -> None:
    lab.client("foreign")
    stranger = Client(client.about, lab.token("foreign"))
    assert stranger.op("POST", f"changes/metadata/{client.sid}?timeout=1", {"fileMeta": {}}).status == 403


def follow(client: Client, query: str = "") -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
    connection = client.connect()
    path = f"/api/v3/oneprovider/changes/metadata/{client.sid}?{query}"
    connection.request("POST", path, json.dumps({"fileMeta": META}), {"X-Auth-Token": client.token})
    return connection, connection.getresponse()


def test_a_change_is_told_at_once(client: Client) -> None:
    _, stream = follow(client)  # `now`, for ever
    client.put("a")
    assert json.loads(stream.readline())["fileMeta"]["fields"]["name"] == "a"
    client.put("b")
    assert json.loads(stream.readline())["fileMeta"]["fields"]["name"] == "b"


def test_a_reader_that_went_away_is_noticed_without_an_event(lab: Lab, client: Client) -> None:
    connection, stream = follow(client)
    streams = lab.onedata.provider.streams
    assert sum(streams.values()) == 1
    stream.close()
    connection.close()
    deadline = time.monotonic() + 60
    while sum(streams.values()) and time.monotonic() < deadline:
        threading.Event().wait(0.005)
    assert sum(streams.values()) == 0


def test_a_token_reads_so_many_streams_and_no_more(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "STREAMS", 1)
    _, first = follow(client)
    assert first.status == 200
    _, second = follow(client)
    assert (second.status, b"temporaryFailure" in second.read()) == (503, True)
    first.close()


def test_flushing_takes_its_time_when_that_is_wanted(tmp_path: Path) -> None:
    """A stream that has looked in vain looks again by itself; the clock stands still until then."""
    with running(tmp_path / "onedata", flush_s=(0.2, 0.2)) as lab:
        client, clock = lab.client("slow"), Clock(lab)
        client.put("a")
        assert client.changes(timeout=20) == []
        clock.looked.clear()
        _, stream = follow(client, "last_seq=0")
        assert clock.looked.wait(WAIT_S)
        clock.time += 1
        assert json.loads(stream.readline())["fileMeta"]["fields"]["name"] == "a"
        stream.close()


def test_what_comes_before_the_silence_is_over_is_told_however_late_that_is_noticed(tmp_path: Path) -> None:
    with running(tmp_path / "onedata", flush_s=(0.2, 0.2)) as lab:
        client, clock = lab.client("late"), Clock(lab)
        client.put("a")
        clock.holds = True
        assert len(client.changes(timeout=20)) == 1


class Clock:
    """The clock of a Oneprovider's records, which moves when a test wants it to."""

    def __init__(self, lab: Lab) -> None:
        self.time = time.time()
        self.looked = threading.Event()
        self.holds = False
        lab.onedata.provider.records.store.now = self.now

    def now(self) -> float:
        """Return the time; `holds` keeps the next who looks for longer than any silence, and a second goes by."""
        self.looked.set()
        seen = self.time
        if self.holds:
            self.holds = False
            time.sleep(0.05)
            self.time += 1
        return seen
