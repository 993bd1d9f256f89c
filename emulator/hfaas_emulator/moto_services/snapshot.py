"""All of moto's control planes as one file, so that the journal of requests need not grow for ever.

    {"format": 1, "moto": "5.2.5", "last": "0000000000000042", "sha256": "..."}
    <one pickle of every backend>

One pickle, because backends refer to each other. Objects, messages and log lines are left out: they have rows or
files of their own. `last` is the number of the last request that is in it; a restart replays those above. Reading
a pickle runs code, so a snapshot is only ever read from the own state folder, which is private to its owner.
"""

from __future__ import annotations

import copyreg
import hashlib
import importlib
import io
import json
import pickle
import re
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import moto
from moto.core.base_backend import BackendDict
from moto.s3.models import s3_backends
from moto.utilities.tagging_service import TaggingService

from hfaas_emulator.moto_services.persist import request_key

FORMAT = 1
NOT_KEPT = frozenset({"moto_api", "instance_metadata"})
OBJECT = re.compile(r"arn:[^:]+:s3:::[^/]+/")
ELSEWHERE: dict[str, dict[str, Callable[[], Any]]] = {
    "moto.sqs.models.Queue": {"_messages": list, "_pending_messages": set, "deleted_messages": set},
    "moto.sns.models.Topic": {"sent_notifications": list},
    "moto.logs.models.LogStream": {"events": list},
}
"""Attributes that are left out, and what stands in for them: they have rows of their own, or nobody asks for them."""

EMPTY: dict[type, Callable[[], Any]] = {
    type(threading.Lock()): threading.Lock,
    type(threading.RLock()): threading.RLock,
    threading.Condition: threading.Condition,
}


class Unusable(Exception):
    """A snapshot that cannot be read; `last` is the number of its last request where that much is known."""

    def __init__(self, reason: str, last: str = "") -> None:
        super().__init__(reason)
        self.last = last


def dump(last: str) -> bytes:
    """Return the control planes as they are after request number `last`."""
    out = io.BytesIO()
    _Pickler(out, protocol=5).dump({"backends": list(_backends()), "buckets": s3_backends.bucket_accounts})
    body = out.getvalue()
    header = {"format": FORMAT, "moto": moto.__version__, "last": last, "sha256": hashlib.sha256(body).hexdigest()}
    return json.dumps(header).encode() + b"\n" + body


def load(content: bytes) -> str:
    """Put the control planes back and return the number of their last request; Unusable leaves moto as it is."""
    line, _, body = content.partition(b"\n")
    last = _check(line, body)
    try:
        kept = pickle.loads(body)  # noqa: S301  from the own state folder
        backends = [(_backend_dict(*name), *rest) for name, *rest in kept["backends"]]
    except Exception as error:
        raise Unusable(f"it cannot be read: {type(error).__name__}: {error}", last) from error
    for services, account, region, backend in backends:
        dict.__setitem__(services[account], region, backend)
    s3_backends.bucket_accounts.update(kept["buckets"])
    return last


def _check(line: bytes, body: bytes) -> str:
    try:
        header = json.loads(line)
        form, version, digest = (header[name] for name in ("format", "moto", "sha256"))
        last = request_key(int(header["last"] or 0))
    except (ValueError, TypeError, KeyError) as error:
        raise Unusable("it is damaged") from error
    if version != moto.__version__ or form != FORMAT:
        raise Unusable(f"it was made with moto {version}, this is {moto.__version__}", last)
    if hashlib.sha256(body).hexdigest() != digest:
        raise Unusable("it is damaged", last)
    return last


def _backends() -> Iterator[tuple[tuple[str, str], str, str, Any]]:
    for services in BackendDict._instances:  # noqa: SLF001
        if services.service_name not in NOT_KEPT:
            for account, region, backend in services.iter_backends():
                yield _name(services), account, region, backend


def _name(services: Any) -> tuple[str, str]:
    """Return where moto keeps the backends of a service: module and name."""
    module = services.backend.__module__
    for place in (module, module.rpartition(".")[0]):
        for name, value in vars(importlib.import_module(place)).items():
            if value is services:
                return place, name
    raise pickle.PicklingError(f"the backends of {services.service_name} have no name")


def _backend_dict(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


class _Pickler(pickle.Pickler):
    def reducer_override(self, thing: Any) -> Any:
        """Reduce what pickle cannot, or should not, take as it is."""
        kind = type(thing)
        if kind in EMPTY:
            return EMPTY[kind], ()
        if kind is weakref.WeakValueDictionary:
            return kind, (), None, None, iter(thing.items())
        if isinstance(thing, defaultdict):
            return _reduce_defaultdict(thing)
        if isinstance(thing, BackendDict):
            return _backend_dict, _name(thing)
        if kind is TaggingService:
            return _reduce(thing, tags={arn: tags for arn, tags in thing.tags.items() if not OBJECT.match(arn)})
        if stand_ins := ELSEWHERE.get(f"{kind.__module__}.{kind.__qualname__}"):
            return _reduce(thing, **{name: make() for name, make in stand_ins.items()})
        if kind.__module__.startswith("cryptography.") and hasattr(thing, "private_bytes"):
            return _private_key, (_pem(thing),)
        return NotImplemented


def _reduce(thing: Any, **changed: Any) -> tuple[Any, ...]:
    return copyreg.__newobj__, (type(thing),), {**vars(thing), **changed}  # type: ignore[attr-defined]


def _reduce_defaultdict(thing: defaultdict[Any, Any]) -> tuple[Any, ...]:
    items = iter(dict(thing).items())
    if type(thing) is defaultdict:
        return defaultdict, (_factory(thing.default_factory),), None, None, items
    # A subclass's `__init__` wants arguments that nobody knows any more.
    return _bare_defaultdict, (type(thing), thing.default_factory), vars(thing) or None, None, items


def _bare_defaultdict(kind: type[defaultdict[Any, Any]], factory: Any) -> defaultdict[Any, Any]:
    bare = kind.__new__(kind)
    bare.default_factory = factory
    return bare


def _factory(factory: Any) -> Any:
    """Return a factory that pickle can name and that makes the same: moto writes `lambda: {}` for `dict`."""
    if getattr(factory, "__name__", "") != "<lambda>":
        return factory
    made = factory()
    if type(made) is defaultdict and not made:
        return partial(defaultdict, _factory(made.default_factory))
    if type(made) in (dict, list, set, int, str) and not made:
        return type(made)
    raise pickle.PicklingError(f"a dictionary's default {made!r} has no name")


def _pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _private_key(pem: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(pem, None)
