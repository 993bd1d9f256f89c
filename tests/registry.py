"""A registry of images on a free port of this machine: what ECR is in tests. Debian's docker-registry, as it is.

Tests that name the fixture `registry` share one; `running(folder)` starts one of the test's own.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urljoin
from urllib.request import ProxyHandler, Request, build_opener

import pytest

PROGRAM = "docker-registry"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
KINDS = {
    DOCKER: (
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ),
    OCI: ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"),
}
"""What the configuration and the layers are called in each kind of manifest."""

STOP_S = 60
ANSWERS_S = 60
LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")
OPENER = build_opener(ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry that runs: `address` is HOST:PORT, as it stands before a repository's name."""

    address: str

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def push(self, repository: str, tag: str, kind: str = DOCKER, *, text: str = "hello") -> str:
        """Upload an image of one file that says `text`, without a Docker engine; return its manifest's digest."""
        layer, difference = _layer(text)
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [difference]},
            }
        ).encode()
        manifest = json.dumps(_manifest(kind, config, layer)).encode()
        for blob in (config, layer):
            self._upload(repository, blob)
        self._ask("PUT", f"/v2/{repository}/manifests/{tag}", manifest, {"Content-Type": kind})
        return digest(manifest)

    def manifest(self, repository: str, reference: str) -> tuple[str, str] | None:
        """Return a manifest's text and its media type, by tag or by digest; None when there is none."""
        try:
            with OPENER.open(
                Request(
                    f"{self.url}/v2/{repository}/manifests/{reference}", headers={"Accept": f"{DOCKER}, {OCI}"}
                ),
                timeout=ANSWERS_S,
            ) as answer:
                return answer.read().decode(), answer.headers["Content-Type"]
        except HTTPError as error:
            with error:
                if error.code != 404:
                    raise
            return None

    def tags(self, repository: str) -> list[str]:
        """Return a repository's tags, in order; none when it is unknown."""
        try:
            with OPENER.open(f"{self.url}/v2/{repository}/tags/list", timeout=ANSWERS_S) as answer:
                return sorted(json.load(answer)["tags"] or [])
        except HTTPError as error:
            with error:
                if error.code != 404:
                    raise
            return []

    def _upload(self, repository: str, blob: bytes) -> None:
        begun = self._ask("POST", f"/v2/{repository}/blobs/uploads/", b"", {})
        place = urljoin(self.url, begun["Location"])
        mark = "&" if "?" in place else "?"
        headers = {"Content-Type": "application/octet-stream"}
        self._ask("PUT", f"{place}{mark}digest={digest(blob)}".removeprefix(self.url), blob, headers)

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> dict[str, str]:
        request = Request(f"{self.url}{path}", body, headers, method=method)
        with OPENER.open(request, timeout=ANSWERS_S) as answer:
            return dict(answer.headers)


def digest(content: bytes) -> str:
    """Return what names some bytes in a registry."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _layer(text: str) -> tuple[bytes, str]:
    """Return a compressed layer with one file, and the digest of what is in it."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        entry = tarfile.TarInfo("said")
        entry.size = len(text.encode())
        archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(whole.getvalue(), mtime=0), digest(whole.getvalue())


def _manifest(kind: str, config: bytes, layer: bytes) -> dict[str, object]:
    of_config, of_layer = KINDS[kind]
    return {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": {"mediaType": of_config, "size": len(config), "digest": digest(config)},
        "layers": [{"mediaType": of_layer, "size": len(layer), "digest": digest(layer)}],
    }


@contextmanager
def running(folder: Path, port: int = 0) -> Iterator[Registry]:
    """Run a registry whose images and log are in `folder`, until the block ends; port 0 takes a free one."""
    settings = {
        "version": "0.1",
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "of no worth"},
    }
    file = folder / "registry.yml"
    file.write_text(json.dumps(settings))  # JSON is YAML, too
    plain = {key: value for key, value in os.environ.items() if not key.startswith("REGISTRY_")}
    server = subprocess.Popen([PROGRAM, "serve", str(file)], stderr=subprocess.PIPE, text=True, env=plain)
    assert server.stderr is not None
    rest = threading.Thread(target=_keep, args=(server.stderr, folder / "registry.log"), daemon=True)
    try:
        address = _listening(server.stderr)
        rest.start()
        yield Registry(address)
    finally:
        server.terminate()
        server.wait(STOP_S)
        if rest.is_alive():
            rest.join(STOP_S)
        server.stderr.close()


def _listening(lines: Iterable[str]) -> str:
    said = []
    for line in lines:
        said.append(line)
        if found := LISTENING.search(line):
            return found[1]
    raise AssertionError(f"{PROGRAM} ended at once: {''.join(said)}")


def _keep(lines: Iterable[str], log: Path) -> None:
    """Take what it goes on to say, so that it need not wait for a reader."""
    with log.open("a") as file:
        file.writelines(lines)


def missing() -> None:
    """Skip, or fail where HFAAS_REQUIRE_REGISTRY says that a registry must be there."""
    if os.environ.get("HFAAS_REQUIRE_REGISTRY") == "1":
        pytest.fail(f"HFAAS_REQUIRE_REGISTRY=1, but there is no {PROGRAM}; install Debian's package")
    pytest.skip(f"there is no {PROGRAM}")


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that the tests of one process share: name repositories after the test."""
    if shutil.which(PROGRAM) is None:
        missing()
    with running(tmp_path_factory.mktemp("registry")) as found:
        yield found
