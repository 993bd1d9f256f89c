"""One request with Signature Version 4, by the standard library: for what obstore does not reach."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import time
from collections.abc import Mapping
from contextlib import closing
from typing import NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

from hfaas_supervisor.command import HOME
from hfaas_supervisor.keys import Keys

UNSIGNED = "UNSIGNED-PAYLOAD"


class Request(NamedTuple):
    """A request before it is signed; `path` is not yet percent-encoded, `query` holds single values."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}


class Call(NamedTuple):
    """One operation of a service that speaks JSON."""

    service: str
    region: str
    path: str
    headers: Mapping[str, str]


def post(call: Call, body: bytes, keys: Keys, timeout_s: float) -> tuple[int, bytes]:
    """Call a service and return status and answer."""
    url = endpoint(call.service, call.region)
    request = Request("POST", url.netloc, call.path, call.headers)
    digest = hashlib.sha256(body).hexdigest()
    headers = sign(request, digest, (call.service, call.region), keys, time.time())
    with closing(connection(url.netloc, timeout_s, tls=url.scheme != "http")) as open_connection:
        open_connection.request("POST", encoded(call.path), body, headers)
        answer = open_connection.getresponse()
        return answer.status, answer.read()


def endpoint(service: str, region: str) -> SplitResult:
    """Return where a service is: as AWS_ENDPOINT_URL_<SERVICE> or AWS_ENDPOINT_URL say, else at AWS."""
    own = "SECRETS_MANAGER" if service == "secretsmanager" else service.upper()  # its id in the SDKs has a blank
    return urlsplit(
        os.environ.get(f"AWS_ENDPOINT_URL_{own}")
        or os.environ.get("AWS_ENDPOINT_URL")
        or f"https://{service}.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
    )


def sign(request: Request, payload: str, scope: tuple[str, str], keys: Keys, now: float) -> dict[str, str]:
    """Return all headers of a request; `payload` is its SHA-256 or UNSIGNED, `scope` is (service, region)."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    service, region = scope
    headers = {name.lower(): " ".join(value.split()) for name, value in request.headers.items()}
    headers.update({"host": request.host, "x-amz-date": stamp})
    if service == "s3":
        headers["x-amz-content-sha256"] = payload
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        [
            request.method,
            _canonical_path(request.path, service),
            canonical_query(request.query),
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            "",
            names,
            payload,
        ]
    )
    ticket = f"{stamp[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{ticket}\n{digest}"
    signature = hmac.digest(_signing_key(keys.secret, ticket), text.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys.id}/{ticket}, SignedHeaders={names}, Signature={signature}"
    )
    return headers


def encoded(path: str) -> str:
    """Return a path as it goes over the wire: percent-encoded once, slashes kept."""
    return quote(path, safe="/-_.~")


def canonical_query(query: Mapping[str, str]) -> str:
    """Return a query string in the order and form that is signed and sent."""
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def connection(host: str, timeout_s: float, *, tls: bool, verify: bool = True) -> http.client.HTTPConnection:
    """Return a connection, not yet open; the certificates we bring are enough where the image has none."""
    if not tls:
        return http.client.HTTPConnection(host, timeout=timeout_s)
    import ssl  # late: 5 ms and 3 MB that a plain endpoint does not need

    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for roots in (f"{HOME}/etc/ca-certificates.crt", os.environ.get("AWS_CA_BUNDLE")):
        if roots and os.path.isfile(roots):
            context.load_verify_locations(roots)
    return http.client.HTTPSConnection(host, timeout=timeout_s, context=context)


def _canonical_path(path: str, service: str) -> str:
    # S3 signs the path as it is sent, every other service signs it encoded once more
    return encoded(path) if service == "s3" else encoded(encoded(path))


def _signing_key(secret: str, ticket: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in ticket.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
