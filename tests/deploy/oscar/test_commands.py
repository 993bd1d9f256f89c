"""What commands do with a cluster: what they print, what they ask, and what they never show."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hfaas_deploy.errors import FdlError
from hfaas_deploy.oscar.errors import NameTaken
from hfaas_tui import oscar as commands
from hfaas_tui.cli import execute
from hfaas_tui.errors import CliError
from hfaas_tui.where import Where

Write = Callable[[str], Path]
Capture = pytest.CaptureFixture[str]

TEXT = """
    functions:
      oscar:
      - edge:
          name: faces
          image: faces-image
          script: a.sh
          memory: 1Gi
          environment: {secrets: {API_KEY: "${API_KEY}"}}
          input: [{storage_provider: minio, path: films/in}]
          output: [{storage_provider: onedata.hub, path: done}]
    storage_providers:
      onedata: {hub: {oneprovider_host: one.example.org, token: "${HUB_TOKEN}", space: blurry}}
"""
SECRETS = {"API_KEY": "key-nobody-sees", "HUB_TOKEN": "token-nobody-sees"}


@pytest.fixture
def file(write: Write, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return write(TEXT)


@pytest.fixture
def where(oscar: Any) -> Where:
    return Where("oscar", oscar.endpoint)


def yes(_: str) -> bool:
    return True


def test_a_pipeline_is_planned_confirmed_and_promoted(
    file: Path, where: Where, oscar: Any, capsys: Capture
) -> None:
    asked: list[str] = []

    def agree(question: str) -> bool:
        asked.append(question)
        return True

    code = commands.promote(file, where, confirm=agree)

    shown = capsys.readouterr()
    assert code == 0
    assert "+ faces" in shown.out
    assert "films: promoted to http://127.0.0.1" in shown.out
    assert len(asked) == 1
    assert "as admin" in asked[0]
    assert list(oscar.services) == ["faces"]


def test_nothing_secret_is_ever_printed(file: Path, where: Where, oscar: Any, capsys: Capture) -> None:
    oscar.jobs["faces"] = {"faces-1": {"status": "Running", "start_time": "2026-11-01T10:00:02Z"}}
    oscar.logs["faces", "faces-1"] = "going on\n"
    for as_json in (False, True):
        commands.promote(file, where, yes=True, as_json=as_json)
        commands.ls(where, as_json=as_json)
        commands.jobs("faces", where, as_json=as_json)
        commands.logs("faces", where, as_json=as_json)
        commands.invoke("faces", b"{}", where, as_json=as_json)
        commands.destroy(file, where, yes=True, as_json=as_json)

    shown = capsys.readouterr()
    hidden = [*SECRETS.values(), "geh€im", "t" * 64]
    assert "going on" in shown.out
    assert [secret for secret in hidden if secret in shown.out + shown.err] == []


def test_who_does_not_want_to_changes_nothing(file: Path, where: Where, oscar: Any) -> None:
    assert commands.promote(file, where, confirm=lambda _: False) == 1
    assert oscar.writes == []


def test_a_dry_run_shows_the_plan_and_changes_nothing(
    file: Path, where: Where, oscar: Any, capsys: Capture
) -> None:
    assert commands.promote(file, where, dry_run=True, as_json=True) == 0

    assert json.loads(capsys.readouterr().out)["services"] == [
        {"service": "faces", "action": "create", "changed": [], "reason": ""}
    ]
    assert oscar.writes == []


def test_where_nobody_can_be_asked_nothing_is_done(
    file: Path, where: Where, oscar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)

    with pytest.raises(CliError, match="nobody can be asked"):
        commands.promote(file, where)

    assert oscar.writes == []


def test_a_name_that_is_taken_is_shown_and_not_asked_about(
    file: Path, where: Where, oscar: Any, capsys: Capture
) -> None:
    oscar.add("faces", owner="someone@egi.eu")

    with pytest.raises(NameTaken):
        commands.promote(file, where, confirm=pytest.fail)

    assert "! faces" in capsys.readouterr().out


def test_a_file_with_errors_asks_no_cluster(write: Write, where: Where, oscar: Any) -> None:
    with pytest.raises(FdlError, match="no quantity"):
        commands.promote(write(TEXT.replace("1Gi", "lots")), where, yes=True)

    assert oscar.asked == []


def test_warnings_about_functions_that_stay_with_aws_are_not_a_clusters(
    write: Write, where: Where, capsys: Capture, file: Path
) -> None:
    mixed = """
        functions:
          aws:
          - lambda: {name: masks, container: {image: mask-detector}}
          oscar:
          - edge: {name: faces, image: i, script: a.sh, environment: {secrets: {KEY: plain}}}
    """
    commands.promote(write(mixed), where, dry_run=True)

    shown = capsys.readouterr().err
    assert "KEY stands in the file" in shown
    assert "masks stay with AWS" in shown
    assert "nothing triggers" not in shown
    assert "functions.oscar is for" not in shown


def test_before_deleting_the_buckets_are_named_that_go_with_a_service(
    file: Path, where: Where, oscar: Any, capsys: Capture
) -> None:
    commands.promote(file, where, yes=True)

    assert commands.destroy(file, where, confirm=lambda _: False) == 1
    assert list(oscar.services) == ["faces"]
    assert commands.destroy(file, where, confirm=yes) == 0

    assert "deletes its buckets with all that is in them: films" in capsys.readouterr().err
    assert oscar.services == {}


def test_services_are_listed_without_their_secrets(file: Path, where: Where, oscar: Any, capsys: Capture) -> None:
    commands.promote(file, where, yes=True)
    capsys.readouterr()

    assert commands.ls(where, as_json=True) == 0

    assert json.loads(capsys.readouterr().out) == [
        {
            "service": "faces",
            "image": "faces-image",
            "memory": "1Gi",
            "cpu": "0.2",
            "input": ["minio.default:films/in"],
            "output": ["onedata.hub:done"],
            "pipeline": "films",
            "owner": "cluster_admin",
        }
    ]


def test_what_a_cluster_says_cannot_steer_the_terminal(where: Where, oscar: Any, capsys: Capture) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e"
    oscar.add("faces", image=evil, owner=evil, annotations={"hfaas/stack": evil})
    oscar.jobs["faces"] = {f"job{evil}": {"status": evil, "start_time": evil}}
    oscar.logs["faces", f"job{evil}"] = evil
    oscar.answer = evil.encode()
    commands.ls(where)
    commands.ls(where, as_json=True)
    commands.jobs("faces", where)
    commands.logs("faces", where)
    commands.logs("faces", where, as_json=True)

    shown = capsys.readouterr()
    assert not {"\x1b", "\x07", "\u202e"} & set(shown.out + shown.err)


def test_a_log_is_printed_and_that_there_is_none_is_said(where: Where, oscar: Any, capsys: Capture) -> None:
    oscar.add("faces")
    assert commands.logs("faces", where) == 1
    oscar.logs["faces", "faces-7"] = "line one\nline two\n"
    assert commands.logs("faces", where, job="faces-7") == 0

    shown = capsys.readouterr()
    assert "no job of faces has started yet" in shown.err
    assert shown.out == "line one\nline two\n"


def test_an_answer_goes_into_a_pipe_byte_for_byte(
    where: Where, oscar: Any, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    oscar.add("faces")
    oscar.answer = b"/9ggaW1hZ2U="

    assert commands.invoke("faces", b"\xff\xd8", where) == 0

    assert capsysbinary.readouterr().out == b"\xff\xd8 image"


def test_an_event_that_is_queued_says_where_its_log_will_be(where: Where, oscar: Any, capsys: Capture) -> None:
    oscar.add("faces")

    assert commands.invoke("faces", b"{}", where, asynchronous=True) == 0

    assert capsys.readouterr().out.startswith("faces: queued; `hfaas logs faces --target oscar")
    assert oscar.asked[-1] == ("POST", "/job/faces")


def test_the_command_line_goes_to_a_cluster_and_back(file: Path, where: Where, oscar: Any, capsys: Capture) -> None:
    to = ["--target", "oscar", "--endpoint", oscar.endpoint]
    oscar.jobs["faces"] = {"faces-1": {"status": "Running", "start_time": "2026-11-01T10:00:02Z"}}
    oscar.logs["faces", "faces-1"] = "going on\n"

    assert execute(["plan", *to]) == 0
    assert oscar.writes == []
    assert execute(["promote", "--yes", *to]) == 0
    assert list(oscar.services) == ["faces"]
    assert execute(["ls", *to]) == 0
    assert execute(["logs", "faces", *to]) == 0
    assert execute(["invoke", "faces", "--async", *to]) == 0

    assert "going on" in capsys.readouterr().out


def test_one_of_several_clusters_is_named(write: Write, where: Where, oscar: Any, capsys: Capture) -> None:
    text = f"""
        functions: {{oscar: [{{edge: {{name: near, image: i, script: a.sh}}}}, {{cloud: {{name: far, image: i, script: a.sh}}}}]}}
        clusters: {{edge: {{endpoint: "{oscar.endpoint}"}}, cloud: {{endpoint: "https://cloud.example.org"}}}}
    """
    write(text)

    assert execute(["promote", "--target", "oscar", "--yes"]) == 1
    assert execute(["promote", "--target", "oscar", "--yes", "--cluster", "edge"]) == 0
    assert execute(["ls", "--cluster", "edge"]) == 2

    assert "name one with --cluster: edge, cloud" in capsys.readouterr().err
    assert list(oscar.services) == ["near"]


def test_a_wrong_password_ends_in_words(
    file: Path, oscar: Any, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("OSCAR_PASSWORD", "wrong-word")

    assert execute(["ls", "--target", "oscar", "--endpoint", oscar.endpoint]) == 1

    shown = capsys.readouterr().err
    assert "does not know the user 'admin' with this password" in shown
    assert "wrong-word" not in shown
