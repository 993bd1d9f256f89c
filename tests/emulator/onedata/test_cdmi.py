from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from tests.emulator.onedata.lab import VERSION, Client

OBJECT = {"Content-Type": "application/cdmi-object"}
CONTAINER = {"Content-Type": "application/cdmi-container"}


def at(client: Client, path: str = "") -> str:
    return f"{client.about['name']}/{path}"


def status(client: Client, path: str) -> str:
    return str(client.cdmi("GET", f"{at(client, path)}?completionStatus").json["completionStatus"])


def test_a_folder_is_made_once(client: Client) -> None:
    assert client.folder("d").status == 201
    again = client.folder("d")
    assert (again.status, again.error) == (400, "eexist")
    assert client.folder("no/d").error == "enoent"
    assert client.ask("PUT", f"/cdmi/{at(client)}/d2//").status == 201


def test_a_folder_tells_its_children(client: Client) -> None:
    client.folder("d")
    client.put("f", b"x")
    answer = client.cdmi("GET", at(client))
    assert answer.headers["content-type"] == "application/cdmi-container"
    found = answer.json
    assert (found["children"], found["childrenrange"]) == (["d/", "f"], "0-1")
    assert found["objectID"] == client.id()
    some = client.cdmi("GET", at(client) + "?children:1-1;childrenrange").json
    assert some == {"children": ["f"], "childrenrange": "1-1"}
    root = client.cdmi("GET", "").json
    assert f"{client.about['name']}/" in root["children"]


def test_a_folder_is_told_only_to_who_names_the_version(client: Client) -> None:
    answer = client.ask("GET", f"/cdmi/{at(client)}")
    assert (answer.status, answer.error) == (400, "missingRequiredValue")
    odd = client.ask("GET", f"/cdmi/{at(client)}", **{"X-CDMI-Specification-Version": "0.9"})
    assert odd.error == "badVersion"
    both = client.ask("GET", f"/cdmi/{at(client)}", **{"X-CDMI-Specification-Version": "1.1, 2.0"})
    assert both.status == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("path", ["no", "no/", "f/x", "no/x"])
def test_what_is_missing_is_404(client: Client, method: str, path: str) -> None:
    client.put("f")
    assert client.cdmi(method, at(client, path)).status == 404
    assert client.cdmi(method, f"no-space/{path}").status == 404


@pytest.mark.parametrize(("path", "right"), [("d", "d/"), ("f/", "f")])
def test_the_wrong_slash_is_redirected(client: Client, path: str, right: str) -> None:
    client.folder("d")
    client.put("f", b"x")
    answer = client.cdmi("GET", at(client, path) + "?objectName")
    assert answer.status == 302
    assert answer.headers["location"] == f"https://{client.about['host']}/cdmi/{at(client, right)}?objectName"
    assert answer.headers["cache-control"] == "max-age=3600"


def test_an_upload_is_201_and_then_204(client: Client) -> None:
    assert (client.put("f", b"one").status, client.put("f", b"two").status) == (201, 204)
    assert client.read("f") == b"two"
    assert status(client, "f") == "Complete"
    assert client.put("no/f", b"x").error == "enoent"


def test_an_empty_upload_in_chunks_is_taken(client: Client) -> None:
    client.connection.request(
        "PUT", f"/cdmi/{at(client, 'f')}", iter([]), {"X-Auth-Token": client.token}, encode_chunked=True
    )
    answer = client.connection.getresponse()
    answer.read()
    assert answer.status == 201
    assert (client.read("f"), status(client, "f")) == (b"", "Complete")


def test_a_part_replaces_a_part(client: Client) -> None:
    client.put("f", b"0123456789")
    answer = client.ask("PUT", f"/cdmi/{at(client, 'f')}", b"XYZ", **{"Content-Range": "bytes 2-4/*"})
    assert answer.status == 204
    assert client.read("f") == b"01XYZ56789"
    assert client.ask("PUT", f"/cdmi/{at(client, 'f')}", b"x", **{"Content-Range": "odd"}).error == "badValueRange"


def test_a_partial_upload_stays_in_progress(client: Client) -> None:
    client.ask("PUT", f"/cdmi/{at(client, 'f')}", b"half", **{"X-CDMI-Partial": "true"})
    assert status(client, "f") == "Processing"
    client.ask("PUT", f"/cdmi/{at(client, 'f')}", b"whole", **{"Content-Range": "bytes 4-8/*"})
    assert (status(client, "f"), client.read("f")) == ("Complete", b"halfwhole")


def test_a_file_keeps_its_type_if_that_is_one(client: Client) -> None:
    url = f"/cdmi/{at(client, 'f')}"
    client.ask("PUT", url, b"x", **{"Content-Type": "video/avi"})
    assert client.ask("GET", url).headers["content-type"] == "video/avi"
    client.ask("PUT", url, b"x", **{"Content-Type": "evil"})
    assert client.ask("GET", url).headers["content-type"] == "application/octet-stream"


def test_an_object_is_reached_by_its_id(client: Client) -> None:
    client.folder("d")
    client.put("d/f", b"x")
    assert client.ask("GET", f"/cdmi/cdmi_objectid/{client.id('d/f')}").body == b"x"
    assert client.ask("GET", f"/cdmi/cdmi_objectid/{client.id('d')}/f").body == b"x"
    assert client.ask("PUT", f"/cdmi/cdmi_objectid/{client.id('d/f')}", b"y").status == 204
    assert client.read("d/f") == b"y"
    assert client.ask("GET", "/cdmi/cdmi_objectid/").status == 404


def test_an_object_tells_all_of_itself(client: Client) -> None:
    client.put("f", b"\x00\xff rest")
    found = client.cdmi("GET", at(client, "f")).json
    assert base64.b64decode(found["value"]) == b"\x00\xff rest"
    assert (found["valuerange"], found["valuetransferencoding"]) == ("0-6", "base64")
    assert (found["objectName"], found["parentURI"]) == ("f", f"/{client.about['name']}/")
    assert (found["metadata"]["cdmi_size"], found["completionStatus"]) == ("7", "Complete")
    assert found["metadata"]["cdmi_mtime"].endswith("Z")


def test_a_part_of_the_value_is_told_in_base64(client: Client) -> None:
    client.put("f", b"0123456789")
    found = client.cdmi("GET", at(client, "f") + "?value:2-4;valuerange").json
    assert (base64.b64decode(found["value"]), found["valuerange"]) == (b"234", "2-4")


def put_object(client: Client, path: str, body: Any) -> Any:
    return client.cdmi("PUT", at(client, path), body, **OBJECT)


def test_an_object_is_made_of_json(client: Client) -> None:
    answer = put_object(client, "f", {"value": "täxt", "mimetype": "text/plain", "metadata": {"k": "v"}})
    assert answer.status == 201
    assert answer.json["objectName"] == "f"
    assert "value" not in answer.json
    found = client.cdmi("GET", at(client, "f")).json
    assert (found["value"], found["valuetransferencoding"], found["metadata"]["k"]) == ("täxt", "utf-8", "v")
    assert client.read("f") == "täxt".encode()
    coded = {"value": base64.b64encode(b"\xff").decode(), "valuetransferencoding": "base64"}
    assert put_object(client, "f", coded).status == 204
    assert client.read("f") == b"\xff"
    assert put_object(client, "f", {"metadata": {"k": "new"}}).status == 204
    assert client.read("f") == b"\xff"


@pytest.mark.parametrize(
    ("path", "headers", "body", "error"),
    [
        ("f", {**VERSION, **OBJECT}, {"value": "x", "copy": "y"}, "malformedData"),
        ("f", OBJECT, {"value": "x"}, "missingRequiredValue"),
        ("f/", {**VERSION, **OBJECT}, {"value": "x"}, "badValueIdentifier"),
        ("f", {**VERSION, **CONTAINER}, {}, "badValueIdentifier"),
        ("f", {**VERSION, **OBJECT}, {"value": "?", "valuetransferencoding": "base64"}, "malformedData"),
        ("f", {**VERSION, **OBJECT}, {"value": 5}, "malformedData"),
        ("f", {**VERSION, **OBJECT}, [], "malformedData"),
        ("f", {**VERSION, **OBJECT}, {"value": "x", "valuetransferencoding": "odd"}, "badValueNotAllowed"),
    ],
)
def test_json_that_makes_no_sense_is_refused(
    client: Client, path: str, headers: dict[str, str], body: Any, error: str
) -> None:
    answer = client.ask("PUT", f"/cdmi/{at(client, path)}", body, **headers)
    assert (answer.status, answer.error) == (400, error)


def move(client: Client, source: str, target: str) -> Any:
    return put_object(client, target, {"move": f"{client.about['name']}@{client.sid}/{source}"})


def test_a_file_is_moved_with_its_identity(client: Client) -> None:
    client.folder("d")
    client.put("f", b"x")
    known = client.id("f")
    assert move(client, "f", "d/g").status == 201
    assert client.id("d/g") == known
    client.put("h", b"y")
    assert move(client, "h", "d/g").status == 200
    assert client.read("d/g") == b"y"


def test_a_folder_is_moved_without_a_slash(client: Client) -> None:
    client.folder("d")
    client.put("d/f", b"x")
    assert move(client, "d", "e").status == 201
    assert client.read("e/f") == b"x"


@pytest.mark.parametrize(
    ("source", "target", "error"),
    [
        ("no", "new", "enoent"),
        ("f", "d", "eisdir"),
        ("d", "f", "enotdir"),
        ("d", "d/inside", "einval"),
        ("", "new", "eperm"),
        ("f", "no/new", "enoent"),
        ("d", "full", "enotempty"),
    ],
)
def test_what_cannot_be_moved_stays(client: Client, source: str, target: str, error: str) -> None:
    client.folder("d")
    client.folder("full")
    client.put("full/x")
    client.put("f", b"x")
    assert move(client, source, target).error == error
    assert client.read("f") == b"x"


def test_a_file_is_copied(client: Client) -> None:
    client.put("f", b"x" * 1000)
    assert put_object(client, "g", {"copy": at(client, "f")}).status == 201
    assert client.read("g") == client.read("f")
    assert client.id("g") != client.id("f")
    assert put_object(client, "h", {"copy": f"cdmi_objectid/{client.id('f')}"}).status == 201


def test_a_folder_takes_metadata(client: Client) -> None:
    made = client.cdmi("PUT", at(client, "d/"), {"metadata": {"k": "v"}}, **CONTAINER)
    assert (made.status, made.json["objectName"], made.json["metadata"]["k"]) == (201, "d/", "v")
    assert client.cdmi("PUT", at(client, "d/"), {"metadata": {"k": "w"}}, **CONTAINER).status == 204
    assert client.cdmi("GET", at(client, "d/") + "?metadata:k").json == {"metadata": {"k": "w"}}


def test_capabilities_are_public_but_versioned(client: Client) -> None:
    for path in ("", "container/", "dataobject/"):
        answer = Client(client.about, "").cdmi("GET", f"cdmi_capabilities/{path}")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/cdmi-capability")
    assert client.ask("GET", "/cdmi/cdmi_capabilities/").error == "badVersion"
    assert client.cdmi("GET", "cdmi_capabilities/odd/").status == 404


@pytest.mark.parametrize("path", ["{name}/../x", "{name}/%2e%2e/x", "{name}%2f..%2fx", "{name}/a%00", "{name}/%ff"])
def test_hostile_paths_are_refused(client: Client, path: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = client.ask(method, f"/cdmi/{path.format(name=client.about['name'])}", b"x")
        assert (answer.status, answer.error) == (400, "badValueFilePath")
    assert json.loads(client.cdmi("GET", at(client)).body)["children"] == []
