"""What pages of other origins on this machine may do."""

from __future__ import annotations

import pytest

from hfaas_emulator.endpoints.answers import Reply
from hfaas_emulator.endpoints.call import Call
from hfaas_emulator.endpoints.cors import decorated, preflight
from hfaas_emulator.endpoints.records import Cors

PAGE = "http://localhost:3000"
ALL = Cors(("*",), ("GET", "POST"), ("x-a", "x-b"), ("x-c",), 300)
ONE = Cors((PAGE,), ("*",), (), ("x-c",), None, credentials=True)


def call(method: str = "OPTIONS", origin: str = PAGE, wanted: str = "POST") -> Call:
    sent = {"origin": origin, "access-control-request-method": wanted}
    headers = tuple((name, value) for name, value in sent.items() if value)
    return Call(method, "/", "", headers, b"", "a", "127.0.0.1")


@pytest.mark.parametrize(
    ("rules", "origin", "headers"),
    [
        (
            ALL,
            PAGE,
            {
                "access-control-allow-origin": "*",
                "access-control-allow-methods": "GET,POST",
                "access-control-allow-headers": "x-a,x-b",
                "access-control-max-age": "300",
            },
        ),
        (
            ONE,
            PAGE,
            {
                "access-control-allow-origin": PAGE,
                "vary": "Origin",
                "access-control-allow-credentials": "true",
                "access-control-allow-methods": "*",
            },
        ),
        (ONE, "http://localhost:3001", {}),
        (Cors(("http://*",)), PAGE, {"access-control-allow-origin": PAGE, "vary": "Origin"}),
        (Cors(("https://*",)), PAGE, {}),
    ],
)
def test_a_page_that_asks_is_told(rules: Cors, origin: str, headers: dict[str, str]) -> None:
    reply = preflight(rules, call(origin=origin), 204)
    assert reply is not None
    assert (reply.status, dict(reply.headers), reply.body) == (204, headers, b"")


@pytest.mark.parametrize(
    ("rules", "asked"),
    [(None, call()), (ALL, call("GET")), (ALL, call(origin="")), (ALL, call(wanted=""))],
)
def test_other_requests_are_no_question(rules: Cors | None, asked: Call) -> None:
    assert preflight(rules, asked, 204) is None


def test_an_answer_carries_the_rules_and_not_what_the_function_says_of_them() -> None:
    reply = Reply(200, (("x-own", "1"), ("access-control-allow-origin", "http://evil")))
    assert dict(decorated(ALL, call("GET"), reply).headers) == {
        "x-own": "1",
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "x-c",
    }


def test_a_page_that_is_not_allowed_is_not_told_so() -> None:
    assert decorated(ONE, call("GET", "http://localhost:1"), Reply(200, (("x-own", "1"),))).headers == (
        ("x-own", "1"),
    )


def test_without_rules_the_function_speaks_for_itself() -> None:
    reply = Reply(200, (("access-control-allow-origin", "*"),))
    assert decorated(None, call("GET"), reply) is reply
