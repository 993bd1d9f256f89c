"""`/data/{id}`: attributes, children, content."""

from __future__ import annotations

from typing import Any

import pytest
from tests.emulator.onedata.lab import Client, Lab

from hfaas_emulator.onedata import attributes

HOSTILE = [
    "blank in name",
    "ünïcode ✓",
    "plus+and&semi;",
    "quo'te\"d\\",
    "a?b#c%41d",
    "at@sign",
    "new\nline",
    "-",
    "~",
]


def test_a_file_has_all_usual_attributes_under_both_names(client: Client) -> None:
    client.put("a", b"123")
    found = client.op("GET", f"data/{client.id('a')}").json
    assert set(found) == {*attributes.DEFAULTS, *attributes.SNAKES}
    assert found["size"] == 3
    assert found["mode"] == found["posixPermissions"] == "664"
    assert found["parentFileId"] == client.id()


def test_a_spaces_root_is_known_by_the_spaces_id(client: Client) -> None:
    found = client.op("GET", f"data/{client.sid}").json
    assert (found["name"], found["type"], found["parentFileId"]) == (client.about["name"], "DIR", None)
    assert client.op("GET", f"data/{client.id()}").json == found


def test_only_what_is_asked_for_is_told(client: Client) -> None:
    client.put("a", b"123")
    keys = ["size", "path", "xattr.none", "xattr.cdmi_completion_status", "hasCustomMetadata"]
    found = client.op("GET", f"data/{client.id('a')}", {"attributes": keys}).json
    path = f"/{client.about['name']}/a"
    told = {"size": 3, "path": path, "xattr.none": None, "xattr.cdmi_completion_status": None}
    assert found == {**told, "hasCustomMetadata": False}
    old = client.op("GET", f"data/{client.id('a')}?attribute=name&attribute=mode").json
    assert old == {"name": "a", "mode": "664"}


def test_every_attribute_can_be_asked_for(client: Client) -> None:
    client.put("a")
    keys = [*attributes._KEYS, *attributes.SNAKES]
    assert set(client.op("GET", f"data/{client.id('a')}", {"attributes": keys}).json) == set(keys)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"attributes": ["nothing"]}', "badValueNotAllowed"),
        (b'{"attributes": 5}', "badValueListOfStrings"),
        (b"{", "malformedData"),
        (b"[" * 100_000, "malformedData"),
        (b"[]", "malformedData"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(client: Client, body: bytes, error: str) -> None:
    answer = client.op("GET", f"data/{client.sid}", body)
    assert (answer.status, answer.error) == (400, error)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"mode": "9"}, "badValueInteger"),
        ({"mode": "2777"}, "badValueNotInRange"),
        ({}, "missingRequiredValue"),
        ({"mode": True}, "badValueInteger"),
        ([1], "badValueJSON"),
    ],
)
def test_a_wrong_mode_is_refused(client: Client, body: Any, error: str) -> None:
    assert client.op("PUT", f"data/{client.sid}", body).error == error


def test_permissions_are_set(client: Client) -> None:
    client.put("a")
    assert client.op("PUT", f"data/{client.id('a')}", {"mode": "0600"}).status == 204
    assert client.op("GET", f"data/{client.id('a')}").json["posixPermissions"] == "600"


@pytest.mark.parametrize(
    ("id", "status", "error"),
    [("zz", 400, "spaceNotSupportedBy"), ("0" * 40, 400, "spaceNotSupportedBy")],
)
def test_a_malformed_identifier_is_taken_for_a_space(client: Client, id: str, status: int, error: str) -> None:
    answer = client.op("GET", f"data/{id}")
    assert (answer.status, answer.error) == (status, error)


def test_a_removed_file_is_gone_for_good(client: Client) -> None:
    client.put("a", b"1")
    known = client.id("a")
    assert client.op("DELETE", f"data/{known}").status == 204
    assert client.op("GET", f"data/{known}").error == "enoent"
    client.put("a", b"2")
    assert client.id("a") != known


def test_a_directory_is_removed_with_all_in_it(client: Client, lab: Lab) -> None:
    records = lab.onedata.provider.records
    before = lab.run(records(records.store.blobs))
    for path in ("d", "d/e"):
        client.folder(path)
    client.put("d/e/f", b"x" * 100)
    client.op("DELETE", f"data/{client.id('d')}")
    assert client.op("GET", f"data/{client.sid}/children").json["children"] == []
    assert lab.run(records(records.store.blobs)) == before


def test_a_spaces_root_cannot_be_removed(client: Client) -> None:
    assert client.op("DELETE", f"data/{client.sid}").error == "eperm"


def test_children_come_in_pages_by_name(client: Client) -> None:
    for name in HOSTILE:
        client.put(name)
    found: list[str] = []
    token = ""
    while True:
        page = client.op("GET", f"data/{client.sid}/children?limit=2{token}", {"limit": 1000}).json
        found += [each["name"] for each in page["children"]]
        if page["isLast"]:
            break
        token = f"&token={page['nextPageToken']}"
    assert found == sorted(HOSTILE)
    assert page["nextPageToken"] is None
    assert client.op("GET", f"data/{client.sid}/children?offset=2&limit=1").json["children"][0]["name"] == found[2]


def test_children_begin_at_an_index(client: Client) -> None:
    for name in "abc":
        client.put(name)
    index = client.op("GET", f"data/{client.id('b')}").json["index"]
    page = client.op("GET", f"data/{client.sid}/children?index={index}", {"attributes": ["name"]}).json
    assert page["children"] == [{"name": "b"}, {"name": "c"}]


@pytest.mark.parametrize(
    ("query", "error"),
    [("limit=0", "badValueNotInRange"), ("limit=x", "badValueInteger"), ("token=%00", "badValueIdentifier")],
)
def test_a_wrong_page_is_refused(client: Client, query: str, error: str) -> None:
    assert client.op("GET", f"data/{client.sid}/children?{query}").error == error


def test_a_file_has_no_children(client: Client) -> None:
    client.put("a")
    assert client.op("GET", f"data/{client.id('a')}/children").error == "enotdir"


@pytest.mark.parametrize("name", HOSTILE)
def test_every_name_works_from_end_to_end(client: Client, name: str) -> None:
    assert client.put(name, name.encode()).status == 201
    assert client.read(name) == name.encode()
    (child,) = client.op("GET", f"data/{client.sid}/children").json["children"]
    assert (child["name"], child["fileId"]) == (name, client.id(name))
    disposition = client.op("GET", f"data/{child['fileId']}/content").headers["content-disposition"]
    assert disposition.isascii()
    assert "\n" not in disposition


def test_all_files_below_are_listed_in_pages(client: Client) -> None:
    client.folder("d")
    client.folder("d/e")
    for path in ("a", "d.txt", "d/b", "d/e/c", "z"):
        client.put(path)
    found: list[str] = []
    token = ""
    while True:
        page = client.op("GET", f"data/{client.sid}/files?limit=2{token}").json
        found += [each["path"] for each in page["files"]]
        if not (following := page["nextPageToken"]):
            break
        token = f"&token={following}"
    assert found == ["a", "d.txt", "d/b", "d/e/c", "z"]
    some = client.op("GET", f"data/{client.sid}/files?prefix=d/&include_directories=true").json["files"]
    assert [each["path"] for each in some] == ["d/b", "d/e", "d/e/c"]
    later = client.op("GET", f"data/{client.sid}/files?start_after=d/b").json["files"]
    assert [each["path"] for each in later] == ["d/e/c", "z"]


@pytest.mark.parametrize(
    ("header", "status", "content", "told"),
    [
        ("", 200, b"0123456789", None),
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=5-100", 206, b"56789", "bytes 5-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("items=0-1", 416, b"", "bytes */10"),
    ],
)
def test_content_comes_whole_or_in_part(
    client: Client, header: str, status: int, content: bytes, told: str | None
) -> None:
    client.put("a", b"0123456789")
    answer = client.op("GET", f"data/{client.id('a')}/content", **({"Range": header} if header else {}))
    assert (answer.status, answer.body, answer.headers.get("content-range")) == (status, content, told)


def test_several_ranges_come_in_parts(client: Client) -> None:
    client.put("a", b"0123456789")
    answer = client.op("GET", f"data/{client.id('a')}/content", Range="bytes=0-1,8-9")
    boundary = answer.headers["content-type"].partition("boundary=")[2].encode()
    assert answer.status == 206
    assert [part.partition(b"\r\n\r\n")[2].strip() for part in answer.body.split(b"--" + boundary)[1:-1]] == [
        b"01",
        b"89",
    ]


def test_an_empty_file_has_no_range(client: Client) -> None:
    client.put("a")
    answer = client.op("GET", f"data/{client.id('a')}/content", Range="bytes=0-")
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */0")
    assert client.op("GET", f"data/{client.id('a')}/content").body == b""


@pytest.mark.parametrize(
    ("query", "body", "found"),
    [
        ("", b"new", b"new"),
        ("?offset=2", b"XY", b"01XY456789"),
        ("?offset=12", b"end", b"0123456789\0\0end"),
        ("?offset=0", b"", b"0123456789"),
        ("", b"", b""),
    ],
)
def test_content_is_written_anew_or_in_the_middle(client: Client, query: str, body: bytes, found: bytes) -> None:
    client.put("a", b"0123456789")
    assert client.op("PUT", f"data/{client.id('a')}/content{query}", body).status == 204
    assert client.read("a") == found


@pytest.mark.parametrize(("query", "error"), [("?offset=-1", "badValueTooLow"), ("?offset=x", "badValueInteger")])
def test_a_wrong_offset_is_refused(client: Client, query: str, error: str) -> None:
    client.put("a")
    assert client.op("PUT", f"data/{client.id('a')}/content{query}", b"x").error == error


def test_a_body_in_chunks_is_taken(client: Client) -> None:
    client.put("a")
    client.connection.request(
        "PUT",
        f"/api/v3/oneprovider/data/{client.id('a')}/content",
        iter([b"in ", b"chunks"]),
        {"X-Auth-Token": client.token},
        encode_chunked=True,
    )
    client.connection.getresponse().read()
    assert client.read("a") == b"in chunks"


def test_a_directory_has_no_content(client: Client) -> None:
    assert client.op("GET", f"data/{client.sid}/content").error == "eisdir"
    assert client.op("PUT", f"data/{client.sid}/content", b"x").error == "eisdir"


def test_a_file_is_made_at_a_path_with_its_parents(client: Client) -> None:
    answer = client.op("PUT", f"data/{client.sid}/path/a/b/c?create_parents=true&mode=640", b"content")
    assert answer.status == 201
    assert answer.headers["location"] == (
        f"https://{client.about['host']}/api/v3/oneprovider/data/{answer.json['fileId']}"
    )
    assert client.op("GET", f"data/{client.sid}/path/a/b/c").body == b"content"
    assert client.op("GET", f"data/{answer.json['fileId']}").json["posixPermissions"] == "640"
    assert client.op("DELETE", f"data/{client.sid}/path/a").status == 204


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("a", "eexist"),
        ("no/x", "enoent"),
        ("a/x", "enotdir"),
        ("new?type=ODD", "badValueNotAllowed"),
        ("new?type=LNK", "enotsup"),
        ("new?type=SYMLNK", "missingRequiredValue"),
        ("new?create_parents=maybe", "badValueBoolean"),
        ("%2e%2e/x", "badValueFilePath"),
        ("..%2f..%2fx", "badValueFilePath"),
        ("a%00b", "badValueFilePath"),
        ("x" * 300, "enametoolong"),
        ("", "eexist"),
    ],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(client: Client, path: str, error: str) -> None:
    client.put("a", b"old")
    assert client.op("PUT", f"data/{client.sid}/path/{path}", b"new").error == error
    assert [each["name"] for each in client.op("GET", f"data/{client.sid}/children").json["children"]] == ["a"]
    assert client.read("a") == b"old"


def test_an_existing_file_is_updated_when_that_is_wanted(client: Client) -> None:
    client.put("a", b"0123")
    answer = client.op("PUT", f"data/{client.sid}/path/a?update_existing=true&offset=1", b"X")
    assert answer.json["fileId"] == client.id("a")
    assert client.read("a") == b"0X23"


def test_a_child_is_made_by_its_name(client: Client) -> None:
    assert client.op("POST", f"data/{client.sid}/children?name=d&type=DIR").status == 201
    assert client.op("POST", f"data/{client.id('d')}/children?name=f", b"x").status == 201
    assert client.read("d/f") == b"x"
    assert client.op("POST", f"data/{client.sid}/children?name=a/b").error == "badValueFilePath"
    assert client.op("POST", f"data/{client.sid}/children").error == "missingRequiredValue"


def link(client: Client, name: str, target: str) -> str:
    answer = client.op("PUT", f"data/{client.sid}/path/{name}?type=SYMLNK&target_file_path={target}")
    assert answer.status == 201, answer.body
    return str(answer.json["fileId"])


@pytest.mark.parametrize(
    "target", ["d/f", "./d//f", "../../d/f", "d/../d/f", "%3C__onedata_space_id:{sid}%3E/d/f", "loop-free"]
)
def test_a_link_is_followed_inside_its_space(client: Client, target: str) -> None:
    client.folder("d")
    client.put("d/f", b"found")
    link(client, "loop-free", "d/f")
    known = link(client, "link", target.format(sid=client.sid))
    assert client.op("GET", f"data/{known}/content").body == b"found"
    assert client.op("GET", f"data/{known}").json["type"] == "SYMLNK"
    assert client.op("GET", f"data/{known}/symlink_value").status == 200


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("/etc/passwd", "enoent"),
        ("../../../../../../etc/passwd", "enoent"),
        ("%3C__onedata_space_id:other%3E/f", "enoent"),
        ("link", "eloop"),
        ("gone", "enoent"),
    ],
)
def test_a_link_out_of_its_space_leads_nowhere(client: Client, target: str, error: str) -> None:
    known = link(client, "link", target)
    assert client.op("GET", f"data/{known}/content").error == error
    assert client.op("PUT", f"data/{known}/content", b"x").error == error


def test_a_file_that_is_read_tells_when(client: Client, lab: Lab) -> None:
    client.put("a", b"x")
    before = client.changes(times={"fields": ["atime"]})
    store = lab.onedata.provider.records.store
    now, store.now = store.now, lambda: now() + 10
    try:
        client.read("a")
    finally:
        store.now = now
    after = client.changes(times={"fields": ["atime"]})
    assert after[-1]["seq"] > before[-1]["seq"]


@pytest.mark.parametrize("depth", [200, 100_000])
def test_json_that_is_nested_too_deep_is_refused(client: Client, depth: int) -> None:
    answer = client.op("PUT", f"data/{client.sid}/metadata/json", b"[" * depth + b"]" * depth)
    assert (answer.status, answer.error) == (400, "malformedData")
    assert client.op("GET", f"data/{client.sid}").status == 200
