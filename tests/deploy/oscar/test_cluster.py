"""The REST API as it is spoken, and what is said when a cluster does not want to, or is none."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from hfaas_deploy.oscar import cluster as module
from hfaas_deploy.oscar import procedure
from hfaas_deploy.oscar.access import Access
from hfaas_deploy.oscar.cluster import Cluster, Found
from hfaas_deploy.oscar.errors import NoService, NotAllowed, Refused, Unreachable

WIRE = {
    "name": "faces",
    "image": "registry.example.org/x:1",
    "script": "#!/bin/sh\n",
    "memory": "1Gi",
    "cpu": "1",
    "environment": {"variables": {}, "secrets": {}},
}
SERVICES = "/system/services"


def connect(oscar: Any, **other: Any) -> Cluster:
    return Cluster(Access(**{"endpoint": oscar.endpoint, "user": "admin", "password": "geh€im: wort", **other}))


def test_a_service_is_made_changed_read_and_deleted(oscar: Any, there: Cluster) -> None:
    there.create(WIRE)
    there.update({**WIRE, "memory": "2Gi"})
    found = there.service("faces")
    there.delete("faces")

    assert found
    assert (found.name, found.wire["memory"], found.owner) == ("faces", "2Gi", "")
    assert there.service("faces") is None
    assert there.services() == []
    assert oscar.writes == [("POST", SERVICES), ("PUT", SERVICES), ("DELETE", f"{SERVICES}/faces")]


def test_a_wrong_password_is_said_and_not_shown(oscar: Any) -> None:
    with connect(oscar, password="guessed-word") as there, pytest.raises(NotAllowed) as caught:
        there.services()

    assert "does not know the user 'admin' with this password" in caught.value.message
    assert "guessed-word" not in caught.value.message + caught.value.hint + repr(there.access)


@pytest.mark.parametrize("name", ["../../health", "a/b", "a?b#c", "%2e%2e", "naïve name", "..;x"])
def test_a_name_is_one_part_of_the_url_whatever_is_in_it(oscar: Any, there: Cluster, name: str) -> None:
    assert there.service(name) is None
    with pytest.raises(NoService):
        there.log("faces", name)

    (_, service), (_, log) = oscar.asked
    assert service.startswith(f"{SERVICES}/")
    assert log.startswith("/system/logs/faces/")
    assert service.count("/") == 3
    assert log.count("/") == 4
    assert "?" not in service + log


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_is_a_step_asks_nothing(oscar: Any, there: Cluster, name: str) -> None:
    with pytest.raises(NoService):
        there.delete(name)

    assert oscar.asked == []


def test_a_redirect_is_not_followed_and_the_password_stays(oscar: Any, another: Any, there: Cluster) -> None:
    elsewhere = {"Location": another.endpoint + SERVICES}
    oscar.answers["GET", SERVICES] = (307, elsewhere, b"")

    with pytest.raises(Unreachable, match="sends us elsewhere"):
        there.services()

    assert another.asked == []


@pytest.mark.parametrize("answer", [b"<html>dashboard</html>", b'{"message": "hi"}', b"[" * 100_000, b'"x"'])
def test_what_is_no_oscar_is_told_apart(oscar: Any, there: Cluster, answer: bytes) -> None:
    oscar.answers["GET", SERVICES] = (200, {}, answer)

    with pytest.raises(Unreachable, match="is not OSCAR"):
        there.services()


def test_a_server_without_such_a_path_is_no_oscar(oscar: Any, there: Cluster) -> None:
    oscar.answers["GET", SERVICES] = (404, {}, b"")

    with pytest.raises(Unreachable, match="is not OSCAR"):
        there.services()


def test_nothing_there_is_said_in_words(oscar: Any) -> None:
    with connect(oscar, endpoint="http://127.0.0.1:1") as there, pytest.raises(Unreachable) as caught:
        there.services()

    assert caught.value.message == "nothing answers at http://127.0.0.1:1"


def test_an_answer_without_an_end_is_not_read_to_it(
    oscar: Any, there: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST", 1 << 20)
    oscar.answers["GET", SERVICES] = (200, {}, b"[" + b" " * (2 << 20) + b"]")

    with pytest.raises(Refused, match="more than 1 MiB"):
        there.services()


def test_a_refusal_that_quotes_a_secret_is_told_without_it(oscar: Any, there: Cluster) -> None:
    oscar.answers["POST", SERVICES] = (400, {}, "no: s3cr3t and geh€im: wort and t0ken".encode())
    wire = {
        **WIRE,
        "environment": {"variables": {}, "secrets": {"A": "s3cr3t"}},
        "storage_providers": {"onedata": {"hub": {"token": "t0ken", "space": "no"}}},
    }
    with pytest.raises(Refused) as caught:
        there.create(wire)

    assert caught.value.message.endswith("refuses faces: no: *** and *** and ***")


@pytest.mark.parametrize(
    ("wire", "words", "hint"),
    [
        ({"memory": "64Gi"}, "exceeded quota: requested memory 64Gi", "less memory"),
        ({"memory": "much"}, "quantities must match", "less memory"),
        ({"colour": "red"}, "unknown key colour", ""),
        ({"name": "old"}, "already exists", "the name is taken"),
        ({"input": [{"storage_provider": "minio.default", "path": "films/in"}]}, "already exists", "other buckets"),
        (
            {"input": [{"storage_provider": "onedata.x", "path": "films"}]},
            "unrecognized input",
            "takes inputs from",
        ),
    ],
)
def test_a_refusal_is_the_clusters_words_and_what_to_do(
    oscar: Any, there: Cluster, wire: dict[str, Any], words: str, hint: str
) -> None:
    oscar.add("old")
    oscar.buckets.add("films")

    with pytest.raises(Refused) as caught:
        there.create({**WIRE, **wire})

    assert words in caught.value.message
    assert hint in caught.value.hint


def test_a_proxy_does_not_get_what_is_for_this_machine(
    oscar: Any, another: Any, there: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, another.endpoint)

    assert there.services() == []
    assert another.asked == []


def test_a_call_bears_the_services_token_and_not_the_password(
    oscar: Any, there: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    oscar.add("faces")

    procedure.invoke(there, "faces", b"{}", synchronous=False)

    assert oscar.asked[-1] == ("POST", "/job/faces")
    assert oscar.headers[-1]["authorization"] == "Bearer " + "t" * 64


def test_json_goes_as_it_is_and_everything_else_as_base64(oscar: Any, there: Cluster) -> None:
    oscar.add("faces")

    for payload in (b'{"a": 1}', b"\xff\xd8 image", b"[1]"):
        procedure.invoke(there, "faces", payload)

    sent = [body for (method, path), body in zip(oscar.asked, oscar.bodies, strict=True) if path == "/run/faces"]
    assert sent == [b'{"a": 1}', b"/9ggaW1hZ2U=", b"WzFd"]


@pytest.mark.parametrize(
    ("answer", "opened"),
    [
        (b"/9ggaW1hZ2U=\n", b"\xff\xd8 image"),
        (b"2026-11-23 INFO it is done\n", b"2026-11-23 INFO it is done\n"),
        (b"", b""),
        (b"abc", b"abc"),
    ],
)
def test_files_in_an_answer_are_opened_and_words_are_left(
    oscar: Any, there: Cluster, answer: bytes, opened: bytes
) -> None:
    oscar.add("faces")
    oscar.answer = answer

    assert procedure.invoke(there, "faces", b"{}") == opened


def test_a_service_without_a_token_cannot_be_called(there: Cluster) -> None:
    with pytest.raises(NotAllowed, match="does not tell the token of faces"):
        there.call(Found("faces", {}), b"", wait=True)


def test_a_service_that_is_not_there_cannot_be_called(there: Cluster) -> None:
    with pytest.raises(NoService, match="no service 'nobody'"):
        procedure.invoke(there, "nobody", b"{}")


def test_the_latest_job_that_has_started_is_the_one_that_is_shown(oscar: Any, there: Cluster) -> None:
    oscar.add("faces")
    oscar.jobs["faces"] = {
        "faces-1": {
            "status": "Succeeded",
            "creation_time": "2026-11-01T10:00:00Z",
            "start_time": "2026-11-01T10:00:02Z",
        },
        "faces-2": {
            "status": "Failed",
            "creation_time": "2026-11-02T10:00:00Z",
            "start_time": "2026-11-02T10:00:02Z",
        },
        "faces-3": {"status": "Suspended"},
    }
    oscar.logs["faces", "faces-2"] = "it broke\n"

    found, text = procedure.logs(there, "faces")

    assert found
    assert (found.name, found.status, text) == ("faces-2", "Failed", "it broke\n")
    assert [job.name for job in procedure.jobs(there, "faces")] == ["faces-3", "faces-2", "faces-1"]


def test_a_service_without_jobs_has_no_log(oscar: Any, there: Cluster) -> None:
    oscar.add("faces")

    assert procedure.logs(there, "faces") == (None, "")


def test_jobs_come_page_by_page(oscar: Any, there: Cluster) -> None:
    first = {"jobs": {"faces-1": {"status": "Running"}}, "next_page": "two/2"}
    second = {"jobs": {"faces-2": {"status": "Running"}}}
    oscar.answers["GET", "/system/logs/faces"] = (200, {}, json.dumps(first).encode())
    oscar.answers["GET", "/system/logs/faces?page=two%2F2"] = (200, {}, json.dumps(second).encode())

    assert {job.name for job in there.jobs("faces")} == {"faces-1", "faces-2"}


def test_a_certificate_that_nobody_vouches_for_is_refused_and_taken_on_demand(
    oscar: Any, serve: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")

    with serve(type(oscar)(), tls) as secured:
        with connect(secured) as there, pytest.raises(Unreachable) as caught:
            there.services()
        with connect(secured, verify=False) as there:
            assert there.services() == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
        with connect(secured) as there:
            assert there.services() == []

    assert caught.value.message.endswith("cannot be trusted: its certificate is not trusted")
    assert "REQUESTS_CA_BUNDLE" in caught.value.hint


def test_a_certificate_of_another_host_is_told_as_such(
    oscar: Any, serve: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("oscar.example.org").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))

    with (
        serve(type(oscar)(), tls) as secured,
        connect(secured) as there,
        pytest.raises(Unreachable, match="certificate is another host's"),
    ):
        there.services()


def test_a_cluster_that_breaks_off_is_told_as_such(oscar: Any, there: Cluster) -> None:
    oscar.answers["POST", SERVICES] = (200, {"Transfer-Encoding": "chunked"}, b"5\r\nhal")
    oscar.closes = True

    with pytest.raises(Unreachable, match="broke off in the middle"):
        there.create(WIRE)
