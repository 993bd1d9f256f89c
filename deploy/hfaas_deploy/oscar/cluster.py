"""The REST API of an OSCAR cluster (4.1.2), as far as it is needed: services, their jobs and logs, and calls.

A cluster is somebody else's machine: its answers are bounded in size, its texts are quoted and never obeyed, no
redirect is followed, and passwords and tokens go to its own host only.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote, urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import InsecureRequestWarning

from hfaas_deploy.language.keys import SECRETS
from hfaas_deploy.oscar.access import Access
from hfaas_deploy.oscar.errors import NoService, NotAllowed, OscarError, Refused, Unreachable

SERVICES, LOGS = "/system/services", "/system/logs"
CONNECT = 10.0
ANSWER = 180.0
"""Seconds; a cluster starts its MinIO anew when a service is made."""

LARGEST = 64 * 1024 * 1024
PIECE = 64 * 1024
QUOTED = 600
"""Characters of a refusal that are worth showing."""

LONGEST_LISTING = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A service as the cluster tells it; its JSON holds keys of storages and the token that may call it."""

    name: str
    wire: Mapping[str, Any] = field(repr=False)

    @property
    def token(self) -> str:
        return str(self.wire.get("token") or "")

    @property
    def owner(self) -> str:
        return str(self.wire.get("owner") or "")

    @property
    def annotations(self) -> Mapping[str, Any]:
        return _mapping(self.wire.get("annotations"))


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a service; times are as the cluster writes them, empty when there is none yet."""

    name: str
    status: str
    created: str = ""
    started: str = ""
    finished: str = ""


class _Bearer(AuthBase):
    """The token of a service; as an object, so that no .netrc of the user takes its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Cluster:
    """A connection to one cluster as one user; close it, or use it in a `with`."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._session = requests.Session()
        # A proxy must not get what is for this machine.
        self._proxies = {"no_proxy": urlsplit(access.endpoint).hostname or ""} if access.is_here else None
        self._hidden = {access.password}
        self._basic = HTTPBasicAuth(access.user.encode(), access.password.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def services(self) -> list[Found]:
        """All services that this user may see, by name."""
        try:
            told = self._json("GET", SERVICES)
        except NoService:
            raise self._stranger() from None
        found = (
            [_found(one) for one in told or () if isinstance(one, dict)] if isinstance(told, list | None) else None
        )
        if found is None:
            raise self._stranger()
        return sorted(found, key=lambda one: one.name)

    def service(self, name: str) -> Found | None:
        """The service of that name; None when there is none."""
        try:
            told = self._json("GET", f"{SERVICES}/{_segment(name)}")
        except NoService:
            return None
        if not isinstance(told, dict):
            raise self._stranger()
        return _found(told)

    def create(self, wire: Mapping[str, Any]) -> None:
        """Make a service; Refused when the name is taken or the cluster does not like it."""
        self._put("POST", wire)

    def update(self, wire: Mapping[str, Any]) -> None:
        """Change the service of that name; NoService when there is none."""
        self._put("PUT", wire)

    def delete(self, name: str) -> None:
        """Delete a service with the buckets of the cluster's storage that it names, and all that is in them."""
        self._ask("DELETE", f"{SERVICES}/{_segment(name)}", about=name)

    def jobs(self, name: str) -> list[Job]:
        """The jobs of a service, the latest first."""
        jobs: list[Job] = []
        page = ""
        for _ in range(LONGEST_LISTING):
            told = self._json("GET", f"{LOGS}/{_segment(name)}", about=name, query={"page": page} if page else None)
            if not isinstance(told, dict):
                raise self._stranger()
            # Before 4.0 the answer is the map of jobs itself.
            listed = told["jobs"] if isinstance(told.get("jobs"), dict) else told if "next_page" not in told else {}
            jobs += [_job(key, value) for key, value in listed.items() if isinstance(value, dict)]
            page = str(told.get("next_page") or "") if isinstance(told.get("jobs"), dict) else ""
            if not page:
                break
        return sorted(jobs, key=lambda job: (job.created or "~", job.name), reverse=True)

    def log(self, name: str, job: str) -> str:
        """What a job of a service has written; NoService when there is no such job."""
        path = f"{LOGS}/{_segment(name)}/{_segment(job)}"
        return self._ask("GET", path, about=f"{name}/{job}").decode(errors="replace")

    def call(self, found: Found, body: bytes, *, wait: bool) -> bytes:
        """Send an event to a service; with `wait` its answer, else nothing: a job has been made of it."""
        if not found.token:
            raise NotAllowed(f"{self.access.host} does not tell the token of {found.name}", "its owner can call it")
        path = f"/{'run' if wait else 'job'}/{_segment(found.name)}"
        return self._ask("POST", path, body=body, about=found.name, auth=_Bearer(found.token))

    def _put(self, method: str, wire: Mapping[str, Any]) -> None:
        self._hidden |= set(_secrets(wire))
        self._ask(method, SERVICES, body=_document(wire), about=str(wire.get("name", "")))

    def _json(self, method: str, path: str, *, about: str = "", query: Mapping[str, str] | None = None) -> Any:
        answer = self._ask(method, path, about=about, query=query)
        try:
            return json.loads(answer)
        except (ValueError, RecursionError):
            raise self._stranger() from None

    def _ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        about: str = "",
        query: Mapping[str, str] | None = None,
        auth: AuthBase | None = None,
    ) -> bytes:
        """The body of a good answer; everything else becomes an error in words."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InsecureRequestWarning)  # ssl_verify: false was said on purpose
                response = self._session.request(
                    method,
                    self.access.endpoint + path,
                    data=body,
                    params=query,
                    headers={"Content-Type": "application/json"} if body is not None else None,
                    auth=auth or self._basic,
                    timeout=(CONNECT, ANSWER),
                    verify=self.access.verify,
                    proxies=self._proxies,
                    allow_redirects=False,
                    stream=True,
                )
            with response:
                answer = self._read(response)
        except requests.RequestException as fault:
            raise self._unreachable(fault) from None
        if 300 <= response.status_code < 400:
            raise Unreachable(
                f"{self.access.host} sends us elsewhere instead of answering",
                "name the cluster's own https:// endpoint",
            )
        if response.status_code >= 400:
            raise self._refusal(response.status_code, answer, about, is_call=auth is not None)
        return answer

    def _read(self, response: requests.Response) -> bytes:
        pieces = bytearray()
        for piece in response.iter_content(PIECE):
            pieces += piece
            if len(pieces) > LARGEST:
                raise Refused(f"{self.access.host} answers with more than {LARGEST >> 20} MiB, which is not read")
        return bytes(pieces)

    def _stranger(self) -> OscarError:
        message = f"what answers at {self.access.endpoint} is not OSCAR"
        return Unreachable(
            message, "the endpoint is that of the API, as `curl ENDPOINT/health` or its dashboard knows it"
        )

    def _unreachable(self, fault: Exception) -> OscarError:
        host = self.access.host
        said = str(fault).lower()
        if isinstance(fault, requests.exceptions.SSLError):
            reason = "its certificate is not trusted" if "certificate_verify" in said else "TLS fails"
            reason = "its certificate is another host's" if "mismatch" in said else reason
            hint = "name its authority with REQUESTS_CA_BUNDLE=FILE, or write ssl_verify: false at its cluster"
            return Unreachable(f"{host} cannot be trusted: {reason}", hint)
        if isinstance(fault, requests.exceptions.ReadTimeout):
            message = f"{host} has not answered within {ANSWER:.0f} s"
            return Unreachable(message, "ask again; it may still be at it")
        if "aborted" in said or "broken" in said:
            return Unreachable(f"{host} broke off in the middle of it", "ask again, and see what has become of it")
        if isinstance(fault, requests.exceptions.ConnectionError):
            hint = "is the endpoint right, and is the cluster up and to be reached from here?"
            return Unreachable(f"nothing answers at {self.access.endpoint}", hint)
        return Unreachable(f"{host} cannot be asked: {type(fault).__name__}")

    def _refusal(self, status: int, answer: bytes, about: str, *, is_call: bool) -> OscarError:
        said = answer[: 4 * QUOTED].decode(errors="replace")
        for secret in sorted(filter(None, self._hidden), key=len, reverse=True):
            said = said.replace(secret, "***")
        said = " ".join(said.split())[:QUOTED]
        host, what = self.access.host, about or "this"
        if status == 401 and is_call:
            return NotAllowed(
                f"{host} does not take the token of {what} any more", "ask again: it has just changed"
            )
        if status == 401:
            message = f"{host} does not know the user {self.access.user!r} with this password"
            return NotAllowed(
                message, "look at auth_user and auth_password of the cluster, or OSCAR_USER and OSCAR_PASSWORD"
            )
        if status == 403:
            return NotAllowed(f"{host} does not let {self.access.user!r} do that{_quoted(said)}")
        if status == 404:
            return NoService(f"{host} has no {what}", "hfaas ls --target oscar lists its services")
        if status in (502, 503, 504):
            return Unreachable(
                f"{host} is there, but OSCAR is not: {status}{_quoted(said)}", "try again in a minute"
            )
        return Refused(f"{host} refuses {what}: {said or f'status {status}, without a word'}", _advice(said))


def _quoted(said: str) -> str:
    return f": {said}" if said else ""


def _advice(said: str) -> str:
    """What to do about a refusal, by what clusters say."""
    lower = said.lower()
    if "bucket" in lower and "already exists" in lower:
        return "OSCAR makes the buckets of a service with it; name other buckets, or remove what has them"
    if "secret" in lower and "already exists" in lower:
        return "an earlier attempt has left its secret on the cluster; its administrator can delete it"
    if "already exists" in lower:
        return "the name is taken on this cluster; give the service another one"
    if any(word in lower for word in ("memory", "cpu", "quantit", "quota", "exceed", "admitted")):
        return "ask for less memory and cpu, or have the administrator allow more"
    if "not defined" in lower or "unrecognized input" in lower:
        return "OSCAR takes inputs from its own minio, webdav and rucio"
    return ""


def _segment(name: str) -> str:
    """A name as one part of a path; dots alone would be taken for a step."""
    if not name or name.strip(".") == "":
        raise NoService(f"{name!r} is no name of a service or a job")
    return quote(name, safe="")


def _secrets(wire: Mapping[str, Any]) -> Iterator[str]:
    """The values that are in a service's JSON and must not be shown, should the cluster quote them."""
    yield from map(str, _mapping(_mapping(wire.get("environment")).get("secrets")).values())
    for ids in _mapping(wire.get("storage_providers")).values():
        for settings in _mapping(ids).values():
            yield from (str(value) for key, value in _mapping(settings).items() if key in SECRETS)


def _document(wire: Mapping[str, Any]) -> bytes:
    return json.dumps(wire, ensure_ascii=False).encode()


def _found(told: Mapping[str, Any]) -> Found:
    return Found(str(told.get("name") or ""), told)


def _job(name: str, told: Mapping[str, Any]) -> Job:
    times = (str(told.get(key) or "") for key in ("creation_time", "start_time", "finish_time"))
    return Job(str(name), str(told.get("status") or ""), *times)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
