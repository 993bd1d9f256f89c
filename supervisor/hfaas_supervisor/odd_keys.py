"""GET and PUT of S3 keys that are legal but that obstore changes or refuses: `a//b`, `../x`, `x/`, control characters."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Protocol
from urllib.parse import urlsplit

from hfaas_supervisor import signed
from hfaas_supervisor.errors import InputDenied, InputNotFound, OutputFailed
from hfaas_supervisor.keys import Keys, role_keys
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.signed import Request
from hfaas_supervisor.stores.local import PIECE, Source, Staging

TIMEOUT_S = 60
META = "x-amz-meta-"


class Access(Protocol):
    """What must be known of a bucket."""

    @property
    def bucket(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def keys(self) -> Keys | None: ...
    @property
    def verify(self) -> bool: ...
    @property
    def is_plain(self) -> bool: ...
    def url(self, key: str) -> str: ...


def fetch(access: Access, key: str, staging: Staging, limits: Limits) -> Mapping[str, str]:
    """Stream an Object into `staging` and return its metadata."""
    url = access.url(key)
    with closing(_connection(access)) as connection:
        answer = _exchange(connection, access, key, "GET")
        if answer.status == 404:
            raise InputNotFound(f"{url} does not exist")
        if answer.status != 200:
            raise InputDenied(f"{url} is missing or not allowed: S3 answered {answer.status} {answer.reason}")
        size = int(answer.headers["Content-Length"]) if "Content-Length" in answer.headers else None
        staging.reserve(size or 0)
        while piece := answer.read(PIECE):
            limits.check(f"fetching {url}")
            staging.write(piece)
        staging.commit(size)
        names = [name.lower() for name in answer.headers if name.lower().startswith(META)]
        return {name.removeprefix(META): answer.headers[name] for name in names}


def send(access: Access, result: Source, key: str, metadata: Mapping[str, str], limits: Limits) -> None:
    """Upload something in one PUT."""
    url = access.url(key)
    headers = {f"{META}{name}": value for name, value in metadata.items()}
    with closing(_connection(access)) as connection:
        answer = _exchange(connection, access, key, "PUT", (result, headers, limits))
        if answer.status != 200:
            raise OutputFailed(f"{url} could not be written: S3 answered {answer.status} {answer.reason}")


Upload = tuple[Source, Mapping[str, str], Limits]


def _exchange(
    connection: http.client.HTTPConnection, access: Access, key: str, method: str, upload: Upload | None = None
) -> http.client.HTTPResponse:
    path = _path(access, key)
    headers: dict[str, str] = {}
    if upload is not None:
        headers = {**upload[1], "content-length": str(upload[0].size)}
    request = Request(method, _host(access), path, headers)
    keys = access.keys or role_keys()
    all_headers = signed.sign(request, signed.UNSIGNED, ("s3", access.region), keys, time.time())
    try:
        connection.putrequest(method, signed.encoded(path), skip_host=True, skip_accept_encoding=True)
        for name, value in all_headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        if upload is not None:
            _send_body(connection, upload[0], upload[2])
        return connection.getresponse()
    except OSError as error:
        problem = OutputFailed if upload else InputDenied
        raise problem(f"{access.url(key)}: {access.endpoint or 'S3'} cannot be reached: {error}") from None


def _send_body(connection: http.client.HTTPConnection, result: Source, limits: Limits) -> None:
    for piece in result.pieces():
        limits.check(f"uploading {result.name}")
        connection.send(piece)


def _connection(access: Access) -> http.client.HTTPConnection:
    tls, verify = not access.is_plain, access.verify
    return signed.connection(_host(access), TIMEOUT_S, tls=tls, verify=verify)


def _host(access: Access) -> str:
    if access.endpoint:
        return urlsplit(access.endpoint).netloc
    suffix = ".cn" if access.region.startswith("cn-") else ""
    return f"s3.{access.region}.amazonaws.com{suffix}"


def _path(access: Access, key: str) -> str:
    return f"{urlsplit(access.endpoint).path.rstrip('/')}/{access.bucket}/{key}"
