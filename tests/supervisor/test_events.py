"""What each Event becomes: rows D09, D15-D17, D26, D28-D30, D37 of the contract's table and their kin."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from hfaas_supervisor import events
from hfaas_supervisor.errors import BadEvent
from hfaas_supervisor.events import Plan
from hfaas_supervisor.job import Input, Job

if TYPE_CHECKING:
    from tests.supervisor.conftest import S3, Box


def plan(event: object) -> Plan:
    return events.plan(events.read(event if isinstance(event, bytes) else json.dumps(event).encode()))


def content(event: object) -> bytes | None:
    (item,) = plan(event).items
    return item.content


def http(body: object = None, kind: str = "", **more: object) -> dict[str, Any]:
    return {"httpMethod": "POST", "headers": {"content-type": kind} if kind else {}, "body": body, **more}


def record(key: object = "in/a.txt", **more: object) -> dict[str, Any]:
    return {"eventSource": "aws:s3", "s3": {"bucket": {"name": "b"}, "object": {"key": key}}, **more}


def onetrigger(key: str, name: str | None = None) -> dict[str, Any]:
    record = {
        "objectKey": key.rpartition("/")[2] if name is None else name,
        "objectId": "00",
        "eventTime": "2019-02-07T09:51:04.347823",
        "eventSource": "OneTrigger",
        "eventId": "extra",
    }
    return {"Key": key, "Records": [record]}


def test_d09_every_record_is_an_item() -> None:
    found = plan({"Records": [record("a"), record("b"), record("c")]})
    assert [(item.key, item.number) for item in found.items] == [("a", 0), ("b", 1), ("c", 2)]


def test_keys_are_decoded_as_s3_encodes_them() -> None:
    (item,) = plan({"Records": [record("in/na%C3%AFve+file%2B.txt")]}).items
    assert (item.key, item.name) == ("in/naïve file+.txt", "naïve file+.txt")


@pytest.mark.parametrize("wrap", [lambda event: event, lambda event: http(json.dumps(event))])
def test_an_event_of_onetrigger_names_space_path_and_file(wrap: Any) -> None:
    (item,) = plan(wrap(onetrigger("/my space//dir/a%41+#?.txt"))).items
    assert (item.storage, item.bucket, item.key) == ("onedata", "my space", "dir/a%41+#?.txt")
    assert (item.name, item.time) == ("a%41+#?.txt", "2019-02-07T09:51:04.347823")


def test_an_event_of_minio_is_one_of_its_storage() -> None:
    event = {
        "EventName": "s3:ObjectCreated:Put",
        "Key": "b/in/a",
        "Records": [record("in/a", eventSource="minio:s3")],
    }
    (item,) = plan(event).items
    assert (item.storage, item.bucket, item.key) == ("minio", "b", "in/a")


def test_an_event_of_dcache_names_a_file() -> None:
    (item,) = plan({"event": {"name": "a.txt", "mask": ["IN_CLOSE_WRITE"]}, "subscription": "https://d/x"}).items
    assert (item.storage, item.provider, item.key) == ("webdav", "dcache", "a.txt")


@pytest.mark.parametrize("mask", [["IN_DELETE"], ["IN_CREATE", "IN_ISDIR"]])
def test_what_dcache_says_of_folders_and_of_removed_files_is_ignored(mask: list[str]) -> None:
    found = plan({"event": {"name": "a", "mask": mask}, "subscription": "https://d/x"})
    assert found.items == ()
    assert found.ignored


def test_d15_a_folder_key_is_ignored() -> None:
    found = plan({"Records": [record("input/")]})
    assert found.items == ()
    assert "folder" in found.ignored[0]


def test_removals_are_ignored() -> None:
    found = plan({"Records": [record(eventName="ObjectRemoved:Delete"), record(eventName="s3:ObjectCreated:Put")]})
    assert len(found.items) == 1
    assert "ObjectRemoved" in found.ignored[0]


def test_d28_event_time_and_name_are_optional() -> None:
    (item,) = plan({"Records": [record()]}).items
    assert item.time == ""


@pytest.mark.parametrize(
    ("event", "staged"),
    [
        (b"[1, 2]", b"[1, 2]"),
        (b"3", b"3"),
        (b"null", b"null"),
        (b'"a text"', b"a text"),
        (b"\x89PNG not json", b"\x89PNG not json"),
        ({"Records": [{"eventSource": "aws:sqs"}]}, b'{"Records": [{"eventSource": "aws:sqs"}]}'),
        ({"a": 1}, b'{"a": 1}'),
    ],
)
def test_d17_any_other_event_is_the_input_file(event: object, staged: bytes) -> None:
    assert content(event) == staged


@pytest.mark.parametrize(
    ("event", "staged"),
    [
        (http("aGk=", isBase64Encoded=True), b"hi"),
        (http("aGk=", "text/plain"), b"aGk="),
        (http("a=1", "application/x-www-form-urlencoded"), b"a=1"),
        (http('{"a":1}', "application/json; charset=utf-8"), b'{"a":1}'),
        (http("<a/>", "image/svg+xml"), b"<a/>"),
        (http("aGk="), b"hi"),
        (http("aGk=", "image/png"), b"hi"),
        (http("no base64!"), b"no base64!"),
        (http(None), None),
        ({"requestContext": {"http": {"method": "GET"}}, "body": "aGk=", "isBase64Encoded": True}, b"hi"),
    ],
)
def test_d29_d30_bodies_are_decoded_as_they_say(event: object, staged: bytes | None) -> None:
    assert content(event) == staged


def test_a_body_that_is_a_storage_event_is_routed_again() -> None:
    (item,) = plan(http(json.dumps({"Records": [record("in/x")]}))).items
    assert (item.storage, item.key) == ("s3", "in/x")


@pytest.mark.parametrize("wrap", [json.dumps, lambda inner: inner])
def test_a_delegated_event_names_its_provider(wrap: Any) -> None:
    (item,) = plan({"event": wrap({"Records": [record()]}), "storage_provider": "s3.other"}).items
    assert (item.provider, item.key) == ("other", "in/a.txt")


def test_a_delegated_unknown_event_is_the_input_file() -> None:
    assert content({"event": "some words", "storage_provider": "minio.x"}) == b"some words"


@pytest.mark.parametrize(
    "event",
    [
        {"Records": [record("a/..")]},
        {"Records": [record("%00")]},
        {"Records": [record(3)]},
        {"Records": [{"eventSource": "aws:s3"}]},
        {"Records": [record(), {"eventSource": "aws:sqs"}]},
        {"Records": [onetrigger("/s/f")["Records"][0]]},
        {**onetrigger("/s/f"), "Records": onetrigger("/s/f")["Records"] * 2},
        onetrigger("/s/f", ""),
        onetrigger("/s/f", ".."),
        onetrigger("/s/f", "a/b"),
        onetrigger("/s/f", "nul\0"),
        onetrigger("/s/f\0", "f"),
        onetrigger("/s/../t/f"),
        onetrigger("/../f"),
        onetrigger("/s"),
        onetrigger("/"),
        onetrigger("/s/./f"),
        onetrigger("/s/\udc80", "f"),
        {"event": {}, "subscription": {}},
        {"event": {"name": "../f"}, "subscription": "u"},
        {"event": {"name": ".."}, "subscription": "u"},
        {"event": {"name": ""}, "subscription": "u"},
        http("%%%", isBase64Encoded=True),
        {"script": "%%%"},
        {"cmd_args": "-v file"},
    ],
)
def test_what_contradicts_itself_is_refused(event: object) -> None:
    with pytest.raises(BadEvent):
        plan(event)


def test_of_a_repeated_parameter_the_last_value_counts() -> None:
    one: dict[str, Any] = {
        "queryStringParameters": {"a": "1"},
        "multiValueQueryStringParameters": {"a": ["1", "2"]},
    }
    assert events.read(json.dumps(http(**one)).encode()).parameters == {"a": "2"}
    two = {"requestContext": {"http": {}}, "rawQueryString": "a=1&a=2%20x&b="}
    assert events.read(json.dumps(two).encode()).parameters == {"a": "2 x", "b": ""}


def rest(event: object, *numbers: int) -> Any:
    read = events.read(json.dumps(event).encode())
    items = events.plan(read).items
    return json.loads(events.rest(read, [item for item in items if item.number in numbers]))


def test_what_is_left_of_an_event_keeps_its_shape() -> None:
    a, b, c = record("a"), record("b"), record("c")
    assert rest({"Records": [a, b, c], "more": 1}, 0, 2) == {"Records": [a, c], "more": 1}
    inner = {"Records": [a, b]}
    delegated = {"event": inner, "storage_provider": "s3.other"}
    assert rest(delegated, 1) == {"event": {"Records": [b]}, "storage_provider": "s3.other"}
    assert rest({"event": json.dumps(inner)}, 1) == {"event": {"Records": [b]}}


@pytest.mark.parametrize("encoded", [False, True])
def test_what_is_left_of_a_storage_event_in_an_http_body_is_one_again(encoded: bool) -> None:
    text = json.dumps({"Records": [record("a"), record("b")]})
    event = http(base64.b64encode(text.encode()).decode() if encoded else text, "application/json")
    left = rest({**event, "isBase64Encoded": encoded}, 1)
    assert [item.key for item in plan(left).items] == ["b"]
    assert left["httpMethod"] == "POST"


@pytest.mark.parametrize(
    "event",
    [
        {"a": 1.0},
        [1],
        "text",
        None,
        http("body"),
        {"script": "ZWNobw=="},
        onetrigger("/s/f"),
        {"event": {"name": "f"}, "subscription": "u"},
    ],
)
def test_an_event_of_one_item_is_left_whole(event: object) -> None:
    assert rest(event, 0) == event


def test_what_is_no_json_is_left_as_it_is() -> None:
    read = events.read(b"no JSON")
    assert events.rest(read, events.plan(read).items) == "no JSON"


def test_d16_an_object_outside_the_declared_inputs_is_refused(box: Box, s3: S3) -> None:
    box.job = Job("shrink", inputs=(Input("s3", f"{s3.bucket}/in"),))
    box.script("true\n")
    s3.put("inside/a")
    answer = box.run(s3.event("inside/a"))
    assert (answer.code, answer.error) == (242, "Hfaas.InputNotDeclared")


def test_d26_a_large_event_arrives_as_a_file(box: Box) -> None:
    box.script('echo "${EVENT-unset}"; wc -c < $EVENT_FILE; cmp $EVENT_FILE $INPUT_FILE_PATH\n')
    event = json.dumps({"a": "x" * 300_000}).encode()
    assert box.run(event).body == f"unset\n{len(event)}\n"


def test_d37_an_event_brings_a_script_only_where_that_is_allowed(box: Box) -> None:
    event = {"script": base64.b64encode(b"echo theirs\n").decode()}
    box.script("echo ours\n")
    answer = box.run(event)
    assert answer.body == "ours\n"
    assert "invoke_script is off" in answer.log
    box.job = Job("shrink", invoke_script=True)
    assert box.run(event).body == "theirs\n"


def test_d37_http_and_storage_events_never_bring_a_script(box: Box) -> None:
    box.job = Job("shrink", invoke_script=True, file_stage_in=True)
    box.script("echo ours\n")
    script = base64.b64encode(b"echo theirs\n").decode()
    assert box.run(http(json.dumps({"script": script}), script=script)).body == "ours\n"
    assert box.run({"Records": [record()], "script": script}).body == "ours\n"


def test_an_http_client_gets_a_refusal_with_a_status(box: Box) -> None:
    box.script("exit 4\n")
    answer = box.run(http("x"))
    assert (answer.code, answer.json["statusCode"]) == (0, 500)
    assert json.loads(answer.body)["errorType"] == "Hfaas.ScriptFailed"


def test_a_bad_http_event_gets_400(box: Box) -> None:
    box.script("true\n")
    assert box.run(http("%%%", isBase64Encoded=True)).json["statusCode"] == 400


def test_where_no_http_client_waits_the_invocation_fails(box: Box) -> None:
    box.script("exit 4\n")
    answer = box.run({"httpMethod": "POST", "headers": {"X-Amz-Invocation-Type": "Event"}, "body": "x"})
    assert (answer.code, answer.error) == (4, "Hfaas.ScriptFailed")


def test_an_empty_stdin_is_an_empty_event(box: Box) -> None:
    box.script("cat $EVENT_FILE\n")
    assert box.run(b"").body == "{}"
