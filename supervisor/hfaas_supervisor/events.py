"""Events and what is to be done for them: Records of storages, HTTP requests, delegated and unknown ones become Items."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Container, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote_plus

from hfaas_supervisor.errors import BadEvent

STORAGES = {"aws:s3": "s3", "minio:s3": "minio", "OneTrigger": "onedata"}
NO_FILES = ("IN_ISDIR", "IN_DELETE", "IN_DELETE_SELF", "IN_MOVED_FROM", "IN_MOVE_SELF", "IN_ATTRIB")
"""What dCache tells of folders and of files that went away."""
TEXTS = ("text/", "application/json", "application/xml", "application/x-www-form-urlencoded")
MARKUPS = ("+json", "+xml")


class Item(NamedTuple):
    """One thing to process: an Object of a storage (`storage` not empty), else some bytes or nothing."""

    storage: str = ""
    provider: str = ""  # id that a delegated Event names
    bucket: str = ""
    key: str = ""
    size: int | None = None
    time: str = ""
    content: bytes | None = None
    number: int = 0
    called: str = ""  # what the Event calls the file, where it says more than the key

    @property
    def name(self) -> str:
        """Return the base name under which the Object is staged."""
        return self.called or self.key.rpartition("/")[2]

    @property
    def place(self) -> str:
        """Return how messages call it."""
        if not self.storage:
            return "the Event"
        return f"{self.storage}://{self.bucket}/{self.key}" if self.bucket else f"{self.storage}://{self.key}"


class Event(NamedTuple):
    """An Event as received and as understood: what it holds after unwrapping, and how it came."""

    raw: bytes
    value: Any
    is_json: bool
    http: Mapping[str, Any] | None = None

    @property
    def waits(self) -> bool:
        """Tell whether an HTTP client waits for the answer."""
        return self.http is not None and _headers(self.http).get("x-amz-invocation-type", "").lower() != "event"

    @property
    def api(self) -> str:
        """Return the id of the API that sent it."""
        context = (self.http or {}).get("requestContext")
        return str(context.get("apiId") or "") if isinstance(context, dict) else ""

    @property
    def parameters(self) -> Mapping[str, str]:
        """Return the query parameters; of a repeated one the last value."""
        return MappingProxyType(_parameters(self.http)) if self.http else MappingProxyType({})


class Plan(NamedTuple):
    """What one Event asks for: its Items, what the script sees as EVENT, what the caller brought to run."""

    items: tuple[Item, ...]
    text: str
    ignored: tuple[str, ...] = ()
    script: bytes | None = None
    arguments: tuple[str, ...] | None = None


def read(raw: bytes) -> Event:
    """Read an Event; nothing about it is checked yet."""
    try:
        value = json.loads(raw)
    except ValueError:
        return Event(raw, None, is_json=False)
    return Event(raw, value, is_json=True, http=value if _is_http(value) else None)


def plan(event: Event) -> Plan:
    """Say what is to be done; BadEvent when the Event contradicts itself. The first shape that fits decides."""
    if not event.is_json:
        return Plan((Item(content=event.raw),), "")
    if event.http is not None:
        return _http(event.http)
    if found := _storage(event.value):
        return found
    return _unknown(event)


def rest(event: Event, items: Sequence[Item]) -> str:
    """Return an Event in its own shape with only the Records of `items`, as compact JSON."""
    if not event.is_json:
        return event.raw.decode(errors="replace")
    if not items[0].storage:
        return _compact(event.value)
    numbers = {item.number for item in items}
    if event.http is None:
        return _compact(_only(event.value, numbers))
    body = _compact(_only(json.loads(_body(event.http) or b"{}"), numbers))
    return _compact({**event.http, "body": body, "isBase64Encoded": False})


def _only(value: Any, numbers: Container[int]) -> Any:
    if isinstance(value, str):
        return _only(json.loads(value), numbers)
    if "subscription" in value and "event" in value:
        return value
    if "event" in value:
        return {**value, "event": _only(value["event"], numbers)}
    return {**value, "Records": [record for index, record in enumerate(value["Records"]) if index in numbers]}


def _unknown(event: Event) -> Plan:
    value = event.value
    content = value.encode(errors="replace") if isinstance(value, str) else event.raw
    found = Plan((Item(content=content),), _compact(value))
    if not isinstance(value, dict):
        return found
    return found._replace(script=_script(value), arguments=_arguments(value))


def _http(request: Mapping[str, Any]) -> Plan:
    body = _body(request)
    if body is not None and body.lstrip()[:1] == b"{":
        try:
            inner = json.loads(body)
        except ValueError:
            inner = None
        if found := _storage(inner):
            return found
    return Plan((Item(content=body),), _compact(request))


def _storage(value: Any, provider: str = "") -> Plan | None:
    if not isinstance(value, dict):
        return None
    if "event" in value and "subscription" in value:
        return _dcache(value)
    if "event" in value:
        return _delegated(value)
    records = value.get("Records")
    if not isinstance(records, list) or not any(_is_storage(record) for record in records):
        return None
    return _records(value, records, provider)


def _dcache(value: Mapping[str, Any]) -> Plan:
    event = value["event"]
    name, mask = (event.get("name"), event.get("mask")) if isinstance(event, dict) else (None, None)
    if not isinstance(name, str) or "/" in name:
        raise BadEvent("this Event of dCache has no event.name, or one that is a path")
    item = Item(storage="webdav", provider="dcache", key=name)
    if signs := [sign for sign in mask if sign in NO_FILES] if isinstance(mask, list) else []:
        return Plan((), _compact(value), (f"{item.place} is ignored: it is a {signs[0]} event",))
    _check_name(item)
    return Plan((item,), _compact(value))


def _delegated(value: Mapping[str, Any]) -> Plan:
    inner = value["event"]
    if isinstance(inner, str):
        try:
            inner = json.loads(inner)
        except ValueError:
            return Plan((Item(content=inner.encode(errors="replace")),), _compact(inner))
    provider = value.get("storage_provider") or ""
    if not isinstance(provider, str):
        raise BadEvent(f"storage_provider must be the id of a storage, not {provider!r}")
    found = _storage(inner, provider.rpartition(".")[2])
    return found or Plan((Item(content=_compact(inner).encode(errors="replace")),), _compact(inner))


def _records(value: Mapping[str, Any], records: list[Any], provider: str) -> Plan:
    items, ignored = [], []
    for index, record in enumerate(records):
        item = _record(value, record, index, provider)
        if reason := _reason_to_ignore(record, item):
            ignored.append(f"{item.place} is ignored: {reason}")
        else:
            _check_name(item)
            items.append(item)
    return Plan(tuple(items), _compact(value), tuple(ignored))


def _record(value: Mapping[str, Any], record: Any, index: int, provider: str) -> Item:
    source = record.get("eventSource") if isinstance(record, dict) else None
    if source not in STORAGES:
        raise BadEvent(f"Records[{index}] comes from {source!r}, which this version does not process")
    item = _onetrigger(value, record, index) if source == "OneTrigger" else _s3(record, index)
    return item._replace(
        storage=STORAGES[source], provider=provider, time=str(record.get("eventTime") or ""), number=index
    )


def _s3(record: Mapping[str, Any], index: int) -> Item:
    try:
        bucket, thing = record["s3"]["bucket"]["name"], record["s3"]["object"]
        key, size = unquote_plus(thing["key"]), thing.get("size")
    except (KeyError, TypeError, AttributeError):
        raise BadEvent(f"Records[{index}] lacks s3.bucket.name or s3.object.key") from None
    if not isinstance(bucket, str) or not bucket:
        raise BadEvent(f"Records[{index}] has no bucket name")
    return Item(bucket=bucket, key=key, size=size if isinstance(size, int) else None)


def _onetrigger(value: Mapping[str, Any], record: Mapping[str, Any], index: int) -> Item:
    path, name = value.get("Key"), record.get("objectKey")
    if not isinstance(path, str) or not isinstance(name, str):
        raise BadEvent(f"this Event of OneTrigger lacks Key or Records[{index}].objectKey")
    if len(value["Records"]) != 1:
        raise BadEvent("this Event of OneTrigger has one Key and several Records")
    space, *segments = [segment for segment in path.split("/") if segment] or [""]
    if not segments or {".", ".."} & {space, *segments}:
        raise BadEvent(f"the Key {path!r} is not /space/folder/file")
    if not name or "/" in name:
        raise BadEvent(f"the objectKey {name!r} cannot be the name of a file")
    return Item(bucket=space, key="/".join(segments), called=name)


def _reason_to_ignore(record: Mapping[str, Any], item: Item) -> str:
    name = record.get("eventName")
    if name and not str(name).removeprefix("s3:").startswith("ObjectCreated:"):
        return f"it is a {name} event"
    return "its key is a folder" if item.key.endswith("/") else ""


def _check_name(item: Item) -> None:
    known = f"{item.bucket}{item.key}{item.name}"
    if item.name in ("", ".", "..") or "\0" in known or not _encodable(known):
        raise BadEvent(f"the key {item.key!r} has no usable base name")


def _is_storage(record: Any) -> bool:
    return isinstance(record, dict) and record.get("eventSource") in STORAGES


def _is_http(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    context = value.get("requestContext")
    return "httpMethod" in value or (isinstance(context, dict) and "http" in context)


def _headers(request: Mapping[str, Any]) -> dict[str, str]:
    headers = request.get("headers") or {}
    return {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}


def _parameters(request: Mapping[str, Any]) -> dict[str, str]:
    if isinstance(raw := request.get("rawQueryString"), str):
        return dict(parse_qsl(raw, keep_blank_values=True))
    found = request.get("queryStringParameters") or {}
    if isinstance(many := request.get("multiValueQueryStringParameters"), dict):
        found = {**found, **{name: values[-1] for name, values in many.items() if values}}
    return {str(name): "" if value is None else str(value) for name, value in found.items()}


def _body(request: Mapping[str, Any]) -> bytes | None:
    body = request.get("body")
    if body is None or body == "":
        return None
    if not isinstance(body, str):
        return _compact(body).encode()
    if request.get("isBase64Encoded"):
        return _decoded(body, "the body")
    if _is_text(_headers(request).get("content-type", "")):
        return body.encode(errors="replace")
    try:
        return b64decode("".join(body.split()), validate=True)  # `scar invoke -db` sends base64 without the flag
    except (binascii.Error, ValueError):
        return body.encode(errors="replace")


def _is_text(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith(TEXTS) or kind.endswith(MARKUPS)


def _script(value: Mapping[str, Any]) -> bytes | None:
    script = value.get("script")
    return _decoded(script, "script") if isinstance(script, str) and script else None


def _arguments(value: Mapping[str, Any]) -> tuple[str, ...] | None:
    arguments = value.get("cmd_args")
    if arguments is None:
        return None
    try:
        words = json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        words = None
    if not isinstance(words, list):
        raise BadEvent('cmd_args must be a JSON list in a text, such as \'["-v", "file"]\'')
    return tuple(word if isinstance(word, str) else _compact(word) for word in words)


def _decoded(text: str, what: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadEvent(f"{what} of the Event is said to be base64 and is not") from None


def _compact(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text if _encodable(text) else json.dumps(value, separators=(",", ":"))


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell
        return False
    return True
