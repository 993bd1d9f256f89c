"""What goes over the wire to a Oneprovider, and what its refusals become."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from tests.supervisor.onetrigger.conftest import TOKEN, Certificates, Datahub, Serve

from hfaas_supervisor.errors import ConfigError, ProviderAuth
from hfaas_supervisor.onetrigger.errors import Refused, Unreachable
from hfaas_supervisor.onetrigger.provider import Provider, Space, quoted
from hfaas_supervisor.onetrigger.wire import Trust

SPACE = Space("s1", "films", "p1")


class Scripted:
    """A provider that answers as the test says."""

    def __init__(self) -> None:
        self.host = ""
        self.answers: list[tuple[int, dict[str, str], object]] = []
        self.paths: list[str] = []
        self.tokens: list[str | None] = []
        self.pause_s = 0.0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    scripted: Scripted

    def do_GET(self) -> None:
        self._say()

    def do_POST(self) -> None:
        self._say()

    def _say(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.scripted.paths.append(self.path)
        self.scripted.tokens.append(self.headers.get("X-Auth-Token"))
        time.sleep(self.scripted.pause_s)
        status, headers, document = self.scripted.answers.pop(0)
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


MakeScripted = Callable[[], Scripted]


@pytest.fixture
def make_scripted(serve: Serve, certificates: Certificates) -> MakeScripted:
    def make() -> Scripted:
        made = Scripted()
        made.host = serve(type("Handler", (_Handler,), {"scripted": made}), certificates.context)
        return made

    return make


@pytest.fixture
def scripted(make_scripted: MakeScripted) -> Scripted:
    return make_scripted()


@pytest.fixture
def provider(scripted: Scripted, trust: Trust) -> Iterator[Provider]:
    made = Provider(scripted.host, TOKEN, trust)
    yield made
    made.close()


def error(id: str, **details: str) -> dict[str, Any]:
    return {"error": {"id": id, "description": "words", "details": details}}


@pytest.mark.parametrize(
    ("path", "wire"),
    [
        ("a b/ä", "a%20b/%C3%A4"),
        ("#?%/%41", "%23%3F%25/%2541"),
        ("a//b/", "a/b"),
        ("a+&;'\"\\", "a%2B%26%3B%27%22%5C"),
    ],
)
def test_names_are_quoted_once(path: str, wire: str) -> None:
    assert quoted(path) == wire


def test_a_path_is_looked_up_by_the_spaces_name_and_id(provider: Provider, scripted: Scripted) -> None:
    scripted.answers = [(200, {}, {"fileId": "ID"})]
    assert provider.lookup(SPACE, "in/#1") == "ID"
    assert scripted.paths == ["/api/v3/oneprovider/lookup-file-id/films@s1/in/%231"]


@pytest.mark.parametrize("wanted", ["films", "s1", "films@s1"])
def test_a_space_is_found_by_name_id_or_both(hub: Datahub, trust: Trust, wanted: str) -> None:
    provider = Provider(hub.host, TOKEN, trust)
    assert provider.space(wanted) == SPACE
    provider.close()


def test_a_space_that_is_not_there_is_named(provider: Provider, scripted: Scripted) -> None:
    scripted.answers = [(200, {}, {"providerId": "p1"}), (200, {}, [])]
    with pytest.raises(ConfigError, match="there is no space 'films' at"):
        provider.space("films")


def test_two_spaces_of_one_name_must_be_told_apart(provider: Provider, scripted: Scripted) -> None:
    two = [{"name": "films", "spaceId": "s1"}, {"name": "films", "spaceId": "s2"}]
    scripted.answers = [(200, {}, {"providerId": "p1"}), (200, {}, two)]
    with pytest.raises(ConfigError, match="films@s1, films@s2"):
        provider.space("films")


def test_a_token_that_is_not_accepted_is_said_without_showing_it(provider: Provider, scripted: Scripted) -> None:
    scripted.answers = [(401, {}, error("unauthorized"))]
    with pytest.raises(ProviderAuth, match="401 unauthorized; the Onedata token is not accepted") as caught:
        provider.spaces()
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("body", [error("posix", errno="enoent"), {"error": "enoent", "error_description": ""}])
def test_a_missing_file_is_none_in_every_generation(
    provider: Provider, scripted: Scripted, body: dict[str, Any]
) -> None:
    scripted.answers = [(400, {}, body)]
    assert provider.file("ID") is None


def test_other_refusals_say_method_path_status_and_reason(provider: Provider, scripted: Scripted) -> None:
    scripted.answers = [(403, {}, error("forbidden"))]
    with pytest.raises(Refused, match=r"GET /api/v3/oneprovider/data/ID at .*: 403 forbidden"):
        provider.file("ID")


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_pass_is_to_be_tried_again(provider: Provider, scripted: Scripted, status: int) -> None:
    scripted.answers = [(status, {}, error("temporaryFailure"))]
    with pytest.raises(Unreachable, match=f"{status} temporaryFailure"):
        provider.file("ID")


def test_a_redirect_on_the_same_host_is_followed(provider: Provider, scripted: Scripted) -> None:
    scripted.answers = [
        (302, {"Location": "/cdmi/other?completionStatus"}, ""),
        (200, {}, {"completionStatus": "x"}),
    ]
    assert not provider.uploading("ID")
    assert scripted.paths[1] == "/cdmi/other?completionStatus"


def test_the_token_goes_to_no_other_host(
    provider: Provider, scripted: Scripted, make_scripted: MakeScripted
) -> None:
    other = make_scripted()
    scripted.answers = [(302, {"Location": f"https://{other.host}/data/ID"}, "")]
    with pytest.raises(Refused, match="must not see the token"):
        provider.file("ID")
    assert other.tokens == []


def test_a_redirect_in_circles_ends(provider: Provider, scripted: Scripted) -> None:
    scripted.answers = [(302, {"Location": "/again"}, "")] * 9
    with pytest.raises(Refused, match="redirected for ever"):
        provider.file("ID")


def test_a_listing_goes_on_page_by_page(provider: Provider, scripted: Scripted) -> None:
    def page(name: str, token: str | None) -> tuple[int, dict[str, str], object]:
        file = {"fileId": name, "name": name, "path": f"x/{name}", "type": "REG", "size": 1, "mtime": 2}
        return 200, {}, {"files": [file], "nextPageToken": token}

    scripted.answers = [page("a", "t/1="), page("b", None)]
    assert [file.path for file in provider.files("ID", "/films/in")] == ["/films/in/x/a", "/films/in/x/b"]
    assert scripted.paths[1].endswith("&token=t%2F1%3D")


def test_all_requests_share_one_connection(hub: Datahub, trust: Trust) -> None:
    provider = Provider(hub.host, TOKEN, trust)
    provider.spaces()
    first = provider._line._open
    provider.space("films")
    assert provider._line._open is first
    provider.close()


def test_a_certificate_of_an_unknown_authority_is_not_believed(
    hub: Datahub, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Provider(hub.host, TOKEN, Trust())
    with pytest.raises(Unreachable, match="name its certificate authority with --ca"):
        provider.spaces()
    provider.close()


def test_the_variable_that_requests_reads_names_an_authority(
    hub: Datahub, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.ca)
    provider = Provider(hub.host, TOKEN, Trust())
    assert len(provider.spaces()) == 1
    provider.close()


def test_a_provider_that_is_not_there_is_named(trust: Trust) -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1 cannot be reached: .*refused"):
        Provider("127.0.0.1:1", TOKEN, trust).spaces()


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "ä"])
def test_a_token_that_cannot_be_one_is_refused(token: str) -> None:
    with pytest.raises(ProviderAuth, match="no token has"):
        Provider("host", token, Trust())


def test_a_read_only_token_cannot_subscribe(provider: Provider, scripted: Scripted) -> None:
    scripted.answers = [(401, {}, error("unauthorized"))]
    with pytest.raises(ProviderAuth, match="must not be read-only"):
        provider.subscribe(SPACE, 0, 1)


def test_the_stream_is_asked_for_from_a_number_on(provider: Provider, scripted: Scripted) -> None:
    scripted.answers = [(503, {}, error("temporaryFailure"))]
    with pytest.raises(Unreachable):
        provider.subscribe(SPACE, 7, 2.5)
    assert scripted.paths == ["/api/v3/oneprovider/changes/metadata/s1?timeout=2500&last_seq=7"]


def test_a_stream_is_not_dead_before_it_began(provider: Provider, scripted: Scripted) -> None:
    scripted.answers, scripted.pause_s = [(200, {}, "")], 1.2
    stream, _ = provider.subscribe(SPACE, 0, 0)
    stream.close()


@pytest.mark.parametrize("span", [5000, 10])
@pytest.mark.parametrize("changes", [0, 9, 10, 11, 333])
def test_the_newest_change_is_found_without_reading_all(
    hub: Datahub, trust: Trust, monkeypatch: pytest.MonkeyPatch, span: int, changes: int
) -> None:
    monkeypatch.setattr("hfaas_supervisor.onetrigger.provider.SPAN", span)
    for number in range(changes):
        hub.mkdir(str(number))
    provider = Provider(hub.host, TOKEN, trust)
    assert provider.latest(SPACE)[0] == changes
    assert len(hub.requests) < 16
    provider.close()
