from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import tarfile
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.requests import Request

from hfaas_emulator.admin import Admin, Status
from hfaas_emulator.containers.layers import LayerStore
from hfaas_emulator.idle import Idle
from hfaas_emulator.trace import Trace, What


def ask(emulator: Any, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(emulator.endpoint).netloc, timeout=60)
    connection.request(method, path, body or None, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def layer() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("script")
        member.size = 2
        archive.addfile(member, io.BytesIO(b"#!"))
    return packed.getvalue()


def test_the_status_names_process_engine_account_and_what_jobs_get(emulator: Any) -> None:
    status = json.loads(ask(emulator, "GET", "/_hfaas/status")[1])
    assert status["pid"] == os.getpid()
    assert status["endpoint"] == emulator.endpoint
    assert status["engine"]["name"] == "fake"
    assert status["account"] == "000000000000"
    assert status["machine"] == {"vcpus": 4, "memory_mb": 8192 - 512}
    assert status["gpus"] == {"mode": "exclusive", "names": [], "detail": "the test has no GPU"}
    assert (status["scale_down"], status["jobs"]) == (False, 0)


def test_localstacks_tools_find_what_they_probe_for(emulator: Any) -> None:
    health = json.loads(ask(emulator, "GET", "/_localstack/health")[1])
    assert health["services"]["s3"] == "available"
    assert ask(emulator, "GET", "/_localstack/info")[0] == 200


def test_an_emulator_at_rest_is_idle(emulator: Any) -> None:
    answer = json.loads(ask(emulator, "GET", "/_hfaas/idle?wait=5")[1])
    assert answer == {"idle": True, "pending": []}


def test_a_number_that_is_none_is_refused(emulator: Any) -> None:
    assert ask(emulator, "GET", "/_hfaas/idle?wait=long")[0] == 400


def test_an_unknown_path_says_so(emulator: Any) -> None:
    status, content = ask(emulator, "GET", "/_hfaas/nothing")
    assert (status, json.loads(content)["message"]) == (404, "there is no GET /_hfaas/nothing")


def test_a_layer_is_taken_when_its_digest_is_right(emulator: Any) -> None:
    content = layer()
    digest = hashlib.sha256(content).hexdigest()
    assert ask(emulator, "PUT", f"/_hfaas/layers/{digest}", content)[0] == 204


def test_a_damaged_layer_is_refused(emulator: Any) -> None:
    assert ask(emulator, "PUT", f"/_hfaas/layers/{'0' * 64}", layer())[0] == 400


def test_web_pages_are_turned_away(emulator: Any) -> None:
    assert ask(emulator, "POST", "/_hfaas/stop", Origin="http://evil.example")[0] == 403


def _request(path: str, server: str) -> Request:
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [],
        "server": (server, 4566),
    }
    return Request(scope)


@pytest.fixture
def trace() -> Trace:
    return Trace()


@pytest.fixture
def idle() -> Idle:
    return Idle()


@pytest.fixture
def admin(trace: Trace, idle: Idle, tmp_path: Any) -> Admin:
    return Admin(Status("http://127.0.0.1:1", "state", 4), idle, trace, lambda: None, LayerStore(tmp_path))


async def test_functions_cannot_reach_the_admin_paths(admin: Admin) -> None:
    assert (await admin(_request("/_hfaas/status", "172.17.0.1"))).status_code == 403


async def test_pending_things_are_named(admin: Admin, idle: Idle) -> None:
    idle.begin("event", "1", "f: waits for its turn")
    answer = await admin(_request("/_hfaas/idle", "127.0.0.1"))
    assert json.loads(bytes(answer.body)) == {
        "idle": False,
        "pending": [{"kind": "event", "id": "1", "what": "f: waits for its turn"}],
    }


async def test_the_trace_is_lines_of_hops_above_a_number(admin: Admin, trace: Trace) -> None:
    for index in range(3):
        trace.hop("s3", What.OBJECT_CREATED, key=str(index))
    answer = await admin(_request("/_hfaas/trace?since=1", "127.0.0.1"))
    hops = [json.loads(line) for line in bytes(answer.body).splitlines()]
    assert [hop["detail"]["key"] for hop in hops] == ["1", "2"]


async def test_the_trace_can_be_followed(admin: Admin, trace: Trace) -> None:
    answer: Any = await admin(_request("/_hfaas/trace?follow=1", "127.0.0.1"))
    trace.hop("s3", What.OBJECT_CREATED, key="now")
    line = await anext(answer.body_iterator)
    assert json.loads(line)["detail"] == {"key": "now"}
    await answer.body_iterator.aclose()
