"""A stand-in for an OSCAR cluster: its REST API as 4.1.2 has it, strict where the real one is, and stricter.

It refuses keys that the API does not have, takes Basic auth for /system and a service's token for /job and /run, and
keeps buckets as the real one does: made with a service, refused when they are there, deleted with it.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from hfaas_deploy import quantities
from hfaas_deploy.oscar.access import Access
from hfaas_deploy.oscar.cluster import Cluster

USER, PASSWORD = "admin", "geh€im: wort"
KEYS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("name", "cluster_id", "memory", "cpu", "total_memory", "total_cpu"), str),
    **dict.fromkeys(("ephemeral_storage_request", "log_level", "image", "token", "script", "vo", "owner"), str),
    **dict.fromkeys(("interlink_node_name", "visibility", "isolation_level"), str),
    **dict.fromkeys(("enable_gpu", "enable_sgx", "image_prefetch", "alpine", "file_stage_in"), bool),
    **dict.fromkeys(("synchronous", "federation", "expose", "environment", "annotations", "labels", "mount"), dict),
    **dict.fromkeys(("storage_providers", "volume", "kserve"), dict),
    **dict.fromkeys(("input", "output", "image_pull_secrets", "allowed_users"), list),
}
PROVIDERS = {
    "s3": {"access_key", "secret_key", "region"},
    "minio": {"endpoint", "verify", "access_key", "secret_key", "region"},
    "onedata": {"oneprovider_host", "token", "space"},
    "webdav": {"hostname", "login", "password"},
    "rucio": {"host", "account", "rse", "refresh_token", "auth_host", "oidc_audience", "token_endpoint"},
}
ZERO = {
    **dict.fromkeys(("total_memory", "total_cpu", "ephemeral_storage_request", "vo", "interlink_node_name"), ""),
    **dict.fromkeys(("isolation_level", "cluster_id"), ""),
    **dict.fromkeys(("enable_gpu", "enable_sgx", "image_prefetch", "alpine", "file_stage_in"), False),
    **dict.fromkeys(("input", "output", "bucket_list", "allowed_users"), None),
    "synchronous": {"min_scale": 0, "max_scale": 0},
    "expose": {"min_scale": 0, "max_scale": 0, "cpu_threshold": 0, "rewrite_target": False, "health_path": ""},
    "mount": {"storage_provider": "", "path": ""},
}


class No(Exception):
    """A refusal: status and words."""

    def __init__(self, status: int, words: str = "") -> None:
        super().__init__(words)
        self.status, self.words = status, words


@dataclass
class OscarCluster:
    """What the stand-in has, and what it was asked."""

    endpoint: str = ""
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    buckets: set[str] = field(default_factory=set)
    jobs: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    logs: dict[tuple[str, str], str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answers: dict[tuple[str, str], tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    answer: bytes = b""
    most_memory: str = "4Gi"
    shares_buckets: bool = False
    closes: bool = False

    @property
    def writes(self) -> list[tuple[str, str]]:
        """What it was asked to change, in order."""
        return [(method, path) for method, path in self.asked if method != "GET"]

    def add(self, name: str, **more: Any) -> None:
        """Have a service that somebody made."""
        told = {
            "name": name,
            "image": "registry.example.org/x:1",
            "script": "#!/bin/sh\n",
            "memory": "1Gi",
            "cpu": "1",
        }
        self.services[name] = self._complete({**told, **more})

    def handle(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        at = [unquote(part) for part in urlsplit(path).path.strip("/").split("/")]
        if at[0] == "system" and headers.get("authorization") != _basic():
            raise No(401)
        match method, at:
            case "GET", ["system", "services"]:
                return 200, json.dumps(list(self.services.values()) or None).encode()
            case "GET", ["system", "services", name]:
                return 200, json.dumps(self._known(name)).encode()
            case "POST", ["system", "services"]:
                return self._create(body)
            case "PUT", ["system", "services"]:
                return self._update(body)
            case "DELETE", ["system", "services", name]:
                self.buckets -= self._buckets(self._known(name))
                del self.services[name]
                self.secrets.pop(name, None)
                return 204, b""
            case "GET", ["system", "logs", name]:
                self._known(name)
                return 200, json.dumps({"jobs": self.jobs.get(name, {})}).encode()
            case "GET", ["system", "logs", name, job]:
                if (name, job) not in self.logs:
                    raise No(404)
                return 200, self.logs[name, job].encode()
            case "POST", ["job" | "run" as way, name]:
                if headers.get("authorization") != f"Bearer {self._known(name)['token']}":
                    raise No(401)
                return (201, b"") if way == "job" else (200, self.answer)
            case _:
                raise No(404, "404 page not found")

    def _known(self, name: str) -> dict[str, Any]:
        if name not in self.services:
            raise No(404)
        return self.services[name]

    def _create(self, body: bytes) -> tuple[int, bytes]:
        told = self._read(body)
        name = told["name"]
        if secrets := told["environment"]["secrets"]:
            if name in self.secrets:
                raise No(409, "A secret with the given name already exists")
            self.secrets[name] = dict(secrets)
        if name in self.services:
            raise No(400, "A service with the provided name already exists")
        if there := self._buckets(told) & self.buckets and not self.shares_buckets:
            raise No(500, f'the bucket "{there}" already exists\n')
        self.buckets |= self._buckets(told)
        self.services[name] = self._complete({**told, "owner": "cluster_admin"})
        return 201, b""

    def _update(self, body: bytes) -> tuple[int, bytes]:
        told = self._read(body)
        old = self._known(told["name"])
        if secrets := told["environment"]["secrets"]:
            self.secrets.setdefault(told["name"], {}).update(secrets)
        self.buckets |= self._buckets(told)
        self.services[told["name"]] = self._complete(
            {**told, "owner": told.get("owner", ""), "token": old["token"]}
        )
        return 204, b""

    def _read(self, body: bytes) -> dict[str, Any]:
        told = json.loads(body)
        for key, value in told.items():
            if key not in KEYS:
                raise No(400, f"The service specification is not valid: unknown key {key}")
            if not isinstance(value, KEYS[key]):
                raise No(400, f"The service specification is not valid: cannot unmarshal {key}")
        for key in ("name", "image", "script"):
            if not told.get(key):
                raise No(400, f"Field validation for '{key}' failed on the 'required' tag")
        if len(told["name"]) > 39:
            raise No(400, "Field validation for 'Name' failed on the 'max' tag")
        if not told["script"].startswith("#!"):
            raise No(400, "the script is no script")
        self._judge_stores(told)
        asked, most = quantities.amount(told["memory"]), quantities.amount(self.most_memory)
        if asked is None or most is None:
            raise No(500, "Error creating the service: quantities must match the regular expression")
        if asked > most:
            raise No(500, f"Error creating the service: exceeded quota: requested memory {told['memory']}")
        return dict(told)

    def _judge_stores(self, told: dict[str, Any]) -> None:
        defined = told.get("storage_providers", {})
        for kind, ids in defined.items():
            for settings in ids.values():
                if set(settings) - PROVIDERS[kind]:
                    raise No(400, f"unknown keys of {kind}")
        for way in ("input", "output"):
            for entry in told.get(way, []):
                kind, _, name = entry["storage_provider"].partition(".")
                if set(entry) - {"storage_provider", "path", "prefix", "suffix"}:
                    raise No(400, f"unknown keys in {way}")
                if way == "input" and kind not in ("minio", "webdav", "rucio"):
                    raise No(400, "unrecognized input (valid inputs are MinIO and dCache)")
                if (kind, name or "default") != ("minio", "default") and name not in defined.get(kind, {}):
                    raise No(500, f'the StorageProvider "{kind}.{name}" is not defined')

    def _buckets(self, told: dict[str, Any]) -> set[str]:
        entries = [*(told.get("input") or []), *(told.get("output") or [])]
        return {
            entry["path"].strip("/").partition("/")[0]
            for entry in entries
            if entry["storage_provider"] in ("minio", "minio.default")
        }

    def _complete(self, told: dict[str, Any]) -> dict[str, Any]:
        """A service as the cluster tells it again: with all that Go's zero values and OSCAR add."""
        own = {"endpoint": "http://minio", "verify": False, "access_key": "hidden", "secret_key": "hidden"}
        stores = {kind: dict(ids) for kind, ids in told.get("storage_providers", {}).items()}
        stores["minio"] = {**stores.get("minio", {}), "default": {**own, "region": "us-east-1"}}
        environment = told.get("environment", {})
        whole = {
            **ZERO,
            "owner": "cluster_admin",
            "visibility": "private",
            "token": "t" * 64,
            **told,
            "storage_providers": stores,
            "environment": {
                "variables": environment.get("variables") or None,
                "secrets": dict.fromkeys(environment.get("secrets") or {}, "") or None,
            },
            "labels": {**told.get("labels", {}), "oscar_service": told["name"]},
            "annotations": dict(told.get("annotations", {})),
        }
        for way in ("input", "output"):
            whole[way] = [self._normal(entry, told["name"]) for entry in told.get(way) or []]
        return whole

    @staticmethod
    def _normal(entry: dict[str, Any], name: str) -> dict[str, Any]:
        path = entry["path"].strip("/")
        bare = entry["storage_provider"].partition(".")[0] in ("minio", "s3") and "/" not in path
        return {**entry, "path": f"{name}/{path}" if bare else path}


def _basic() -> str:
    return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def _handler(cluster: OscarCluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            cluster.asked.append((self.command, self.path))
            cluster.headers.append(headers)
            cluster.bodies.append(body)
            more: dict[str, str] = {}
            try:
                if planned := cluster.answers.get((self.command, self.path)):
                    status, more, answer = planned
                else:
                    status, answer = cluster.handle(self.command, self.path, headers, body)
            except No as no:
                status, answer = no.status, no.words.encode()
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            if "Transfer-Encoding" not in more:
                self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if answer:
                self.wfile.write(answer)
            self.close_connection = cluster.closes

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - names of the standard library

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def served(cluster: OscarCluster, tls: ssl.SSLContext | None = None) -> Iterator[OscarCluster]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(cluster))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        cluster.endpoint = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        yield cluster
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def oscar(monkeypatch: pytest.MonkeyPatch) -> Iterator[OscarCluster]:
    """A cluster on this machine; the environment knows its user and password."""
    monkeypatch.setenv("OSCAR_USER", USER)
    monkeypatch.setenv("OSCAR_PASSWORD", PASSWORD)
    with served(OscarCluster()) as cluster:
        yield cluster


@pytest.fixture
def serve() -> Callable[..., Any]:
    """Serve a cluster over TLS."""
    return served


@pytest.fixture
def another() -> Iterator[OscarCluster]:
    """A second server, where nothing of the first one's should arrive."""
    with served(OscarCluster()) as cluster:
        yield cluster


@pytest.fixture
def there(oscar: OscarCluster) -> Iterator[Cluster]:
    """A connection to the cluster as its administrator."""
    with Cluster(Access(oscar.endpoint, USER, PASSWORD, "edge")) as cluster:
        yield cluster


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Writes a pipeline file beside the script a.sh, in the current folder."""
    folder = tmp_path / "films"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "a.sh").write_text("#!/bin/sh\necho ä\n", encoding="utf-8")

    def write(text: str) -> Path:
        path = Path("pipeline.yaml")
        path.write_text(dedent(text).lstrip("\n"))
        return path

    return write
