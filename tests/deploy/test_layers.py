from __future__ import annotations

import hashlib
import json
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path

import pytest

from hfaas_deploy.building.images import FunctionSource, ImageError
from hfaas_deploy.building.layers import LayerImages
from hfaas_deploy.errors import TargetUnreachable


class Emulator:
    """Takes layers as the emulator does."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.status = 201
        emulator = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                emulator.stored[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(emulator.status)
                self.end_headers()
                self.wfile.write(b"no room")

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    emulator = Emulator()
    thread = threading.Thread(target=emulator.server.serve_forever, args=(0.01,))
    thread.start()
    yield emulator
    emulator.server.shutdown()
    thread.join()
    emulator.server.server_close()


@pytest.fixture
def function(tmp_path: Path) -> FunctionSource:
    script = tmp_path / "count.sh"
    script.write_text("#!/bin/sh\n")
    payload = tmp_path / "models"
    payload.mkdir()
    (payload / "weights").write_bytes(b"1234")
    return FunctionSource("Count", image="debian", script=script, extra_payload=payload)


def quiet(_: str) -> None:
    pass


def test_the_files_are_stored_under_their_hash(emulator: Emulator, function: FunctionSource) -> None:
    reference = LayerImages(emulator.endpoint).build(function, quiet)
    [(path, body)] = emulator.stored.items()
    digest = hashlib.sha256(body).hexdigest()
    assert (path, reference) == (f"/_hfaas/layers/{digest}", f"hfaas-layer/count:{digest}")


def test_a_layer_holds_script_image_and_payload(emulator: Emulator, function: FunctionSource) -> None:
    LayerImages(emulator.endpoint).build(function, quiet)
    [body] = emulator.stored.values()
    with tarfile.open(fileobj=BytesIO(body)) as tar:
        assert tar.getnames() == ["image.json", "script", "task", "task/weights"]
        assert tar.getmember("script").mode == 0o755
        image = tar.extractfile("image.json")
        assert image is not None
        assert json.load(image) == {"entrypoint": [], "cmd": [], "workdir": ""}


def test_equal_files_make_the_same_layer(emulator: Emulator, function: FunctionSource) -> None:
    layers = LayerImages(emulator.endpoint)
    assert layers.build(function, quiet) == layers.build(function, quiet)


def test_a_function_that_brings_its_own_supervisor_is_refused(emulator: Emulator) -> None:
    with pytest.raises(ImageError, match="runs its image as it is"):
        LayerImages(emulator.endpoint).build(FunctionSource("f", image="x", create_image=False), quiet)


def test_a_missing_script_is_told(emulator: Emulator, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"gone.sh, script of f: No such file"):
        LayerImages(emulator.endpoint).build(FunctionSource("f", script=tmp_path / "gone.sh"), quiet)


def test_a_missing_payload_is_told(emulator: Emulator, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="extra_payload of f: no such file or folder"):
        LayerImages(emulator.endpoint).build(FunctionSource("f", extra_payload=tmp_path / "gone"), quiet)


def test_a_refusal_is_passed_on(emulator: Emulator, function: FunctionSource) -> None:
    emulator.status = 507
    with pytest.raises(ImageError, match="507 no room"):
        LayerImages(emulator.endpoint).build(function, quiet)


def test_no_emulator_is_told(function: FunctionSource) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as closed:
        endpoint = f"http://127.0.0.1:{closed.server_port}"
    with pytest.raises(TargetUnreachable, match="no emulator answers"):
        LayerImages(endpoint).build(function, quiet)


def test_what_would_be_stored_is_known_before(emulator: Emulator, function: FunctionSource) -> None:
    images = LayerImages(emulator.endpoint)
    foreseen = images.foresee(function)
    assert emulator.stored == {}
    assert images.build(function, quiet) == foreseen
