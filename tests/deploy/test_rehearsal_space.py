"""Spaces of the emulator, asked for over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hfaas_deploy import rehearsal_space
from hfaas_deploy.errors import TargetUnreachable
from hfaas_deploy.rehearsal_space import Space, SpaceError


class Answers:
    """An emulator that answers what it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self.body = b""
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                answers.asked.append(self.path)
                self.send_response(answers.status)
                self.end_headers()
                self.wfile.write(answers.body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def answers() -> Iterator[Answers]:
    answers = Answers()
    thread = threading.Thread(target=answers.server.serve_forever, args=(0.01,))
    thread.start()
    yield answers
    answers.server.shutdown()
    thread.join()
    answers.server.server_close()


def test_the_id_behind_a_spaces_name_is_left_out(answers: Answers) -> None:
    answers.body = json.dumps({"name": "a b", "internalHost": "h:1", "token": "t"}).encode()

    assert rehearsal_space.ensure(answers.endpoint, "a b@0a1b") == Space("a b", "h:1", "t")
    assert answers.asked == ["/_hfaas/spaces/a%20b"]


def test_a_refusal_is_told_with_its_reason(answers: Answers) -> None:
    answers.status, answers.body = 400, b"no room"

    with pytest.raises(SpaceError, match="refused the Space 'films': 400 no room"):
        rehearsal_space.ensure(answers.endpoint, "films")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}"])
def test_an_answer_that_means_nothing_is_an_error_that_repeats_none_of_it(answers: Answers, body: bytes) -> None:
    answers.body = body

    with pytest.raises(SpaceError, match="cannot be understood"):
        rehearsal_space.ensure(answers.endpoint, "films")


def test_where_no_emulator_answers_the_target_is_unreachable() -> None:
    with pytest.raises(TargetUnreachable, match="no emulator answers"):
        rehearsal_space.ensure("http://127.0.0.1:1", "films")


def test_a_token_is_in_no_text_about_a_space() -> None:
    assert "geheim" not in repr(Space("films", "h", "geheim"))
