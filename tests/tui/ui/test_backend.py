"""The emulator as the views see it: everything they ask is asked of a real one."""

from __future__ import annotations

import itertools
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.tui.conftest import IMAGE, Batch
from tests.tui.ui.world import until

from hfaas_supervisor.job import Input, Job, Output
from hfaas_tui.errors import CliError
from hfaas_tui.transfer import client
from hfaas_tui.ui.aws import buckets
from hfaas_tui.ui.aws.buckets import PART
from hfaas_tui.ui.backend import Cancelled
from hfaas_tui.ui.emulator import places
from hfaas_tui.ui.emulator.local_backend import LocalBackend
from hfaas_tui.ui.model import Condition, Run

PAGE = 20


class Watched:
    """A backend whose news a thread reads."""

    def __init__(self, endpoint: str) -> None:
        self.backend = LocalBackend(None, endpoint)
        self.runs: dict[str, Run] = {}
        self.writers: dict[str, tuple[str, str]] = {}
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        for news in self.backend.news():
            self.runs |= {run.id: run for run in news.runs}
            self.writers |= news.writers or {}

    def until(self, name: str, is_it: Callable[[Run], object]) -> Run:
        until(lambda: name in self.runs and is_it(self.runs[name]))
        return self.runs[name]

    def close(self) -> None:
        self.backend.close()
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.fixture
def watched(endpoint: str) -> Iterator[Watched]:
    made = Watched(endpoint)
    yield made
    made.close()


@pytest.fixture
def backend(watched: Watched) -> LocalBackend:
    return watched.backend


@pytest.fixture
def bucket(endpoint: str) -> str:
    name = f"b-{uuid.uuid4().hex[:8]}"
    client(endpoint, "s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def function(endpoint: str) -> str:
    return make_function(endpoint)


def make_function(endpoint: str, **settings: Any) -> str:
    name = f"f-{uuid.uuid4().hex[:8]}"
    trust = {"Version": "2012-10-17", "Statement": []}
    role = client(endpoint, "iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    job = Job(
        name,
        (Input("s3", "video/in", ("mp4",)),),
        (Output("s3", "video/out"), Output("onedata.hub", "masks")),
        {"onedata": {"hub": {"space": "datahub"}}},
        "lambda-batch",
        environment={"MODEL": "lite"},
    )
    variables = {"FUNCTION_CONFIG": job.encode(), "MODEL": "lite", "ACCESS_TOKEN": "abc"}
    client(endpoint, "lambda").create_function(
        **{
            "FunctionName": name,
            "Role": role["Role"]["Arn"],
            "PackageType": "Image",
            "Code": {"ImageUri": IMAGE},
            "MemorySize": 512,
            "Timeout": 60,
            "Environment": {"Variables": variables},
            **settings,
        }
    )
    return name


def test_it_says_where_it_is_and_how_long(backend: LocalBackend, endpoint: str) -> None:
    health = backend.health()
    assert (health.is_up, health.status["endpoint"]) == (True, endpoint)
    assert (backend.target.place, backend.target.is_live) == (endpoint.partition("://")[2], False)


def test_an_emulator_that_is_not_there_is_a_problem_with_a_way_out() -> None:
    backend = LocalBackend(None, "http://127.0.0.1:1")
    health = backend.health()
    assert health.problem
    assert (health.is_up, "no emulator answers" in health.problem.message, health.problem.hint != "") == (
        False,
        True,
        True,
    )
    with pytest.raises(CliError):
        backend.functions()
    with pytest.raises(CliError):
        next(backend.news())


def test_a_function_is_told_with_what_it_reads_and_writes(backend: LocalBackend, function: str) -> None:
    found = {each.name: each for each in backend.functions()}[function]
    assert (found.mode, found.memory_mb, found.timeout_s) == ("lambda-batch", 512, 60)
    assert found.inputs == ("s3://video/in",)
    assert found.outputs == ("s3://video/out", "onedata://datahub/masks")
    assert (found.image, found.state) == (IMAGE, Condition.READY)
    assert found.modified > 0


def test_secrets_of_a_function_are_not_shown(backend: LocalBackend, function: str) -> None:
    environment = {each.name: each for each in backend.functions()}[function].environment
    assert dict(environment) == {"MODEL": "lite", "ACCESS_TOKEN": "•••"}


def test_a_function_that_differs_from_the_file_has_drifted(endpoint: str, function: str, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(
        f"functions:\n  aws:\n  - lambda:\n      name: {function}\n      memory: 1024\n      timeout: 60\n"
        "      execution_mode: lambda-batch\n      container:\n        image: works:1\n"
        "      input:\n      - storage_provider: s3\n        path: video/in\n"
        "      output:\n      - storage_provider: s3\n        path: video/out\n"
    )
    found = {each.name: each for each in LocalBackend(None, endpoint, file).functions()}[function]
    assert found.state is Condition.DRIFT
    assert "memory is 512, the file says 1024" in found.reason


def test_a_deleted_function_is_gone(backend: LocalBackend, function: str) -> None:
    backend.delete_function(function)
    assert function not in {each.name for each in backend.functions()}
    with pytest.raises(CliError, match="could not be deleted"):
        backend.delete_function(function)


def test_an_invocation_answers_and_is_a_run(watched: Watched, function: str) -> None:
    made = watched.backend.invoke(function, b'{"n": 1}', wait=True)
    assert (json.loads(made.payload), made.error) == ({"n": 1}, "")
    run = watched.until(made.id, lambda run: run.state is Condition.OK)
    assert (run.function, run.origin, run.kind) == (function, "invoke", "invocation")


def test_an_invocation_nobody_waits_for_is_a_run_too(watched: Watched, function: str) -> None:
    made = watched.backend.invoke(function, b'{"n": 2}', wait=False)
    assert watched.until(made.id, lambda run: run.state is Condition.OK).queued > 0


def test_a_function_that_does_not_exist_is_told_in_words(backend: LocalBackend) -> None:
    with pytest.raises(CliError, match="nobody could not be invoked"):
        backend.invoke("nobody", b"{}", wait=True)


def test_the_detail_of_an_invocation_has_its_steps_and_its_log(watched: Watched, function: str) -> None:
    made = watched.backend.invoke(function, b"{}", wait=True)
    run = watched.until(made.id, lambda run: run.is_over and run.log_stream)
    detail = watched.backend.detail(run)
    assert "invocation.succeeded" in [each.what for each in detail.steps]
    until(lambda: any("REPORT" in line for line in watched.backend.detail(run).lines))
    assert detail.lines[0].startswith("START RequestId")


def test_a_job_waits_runs_and_is_stopped(watched: Watched, batch: Batch) -> None:
    first = batch.submit("sleep", vcpus="2")
    second = batch.submit("sleep")
    watched.until(first, lambda run: run.state is Condition.RUNNING)
    waiting = watched.until(second, lambda run: run.message not in {"", "STARTING", "RUNNABLE"})
    assert (waiting.state, waiting.queue) == (Condition.QUEUED, batch.queue)
    assert "before it began" in watched.backend.stop(waiting)
    assert watched.until(second, lambda run: run.is_over).state is Condition.STOPPED
    assert "while it ran" in watched.backend.stop(watched.runs[first])
    assert watched.until(first, lambda run: run.is_over).state is Condition.STOPPED


def test_the_detail_of_a_job_tells_its_story_and_its_last_lines(watched: Watched, batch: Batch) -> None:
    name = batch.done("say", "hello", "there")
    detail = watched.backend.detail(watched.until(name, lambda run: run.is_over))
    assert ("queue", batch.queue) in detail.story
    assert (detail.lines, detail.run.vcpus) == (("hello there",), 1)


def test_a_job_is_submitted_again_as_it_was(watched: Watched, batch: Batch) -> None:
    name = batch.done("fail", "3")
    failed = watched.until(name, lambda run: run.is_over)
    assert (failed.state, failed.exit) == (Condition.FAILED, 3)
    again = watched.backend.again(failed)
    assert again != name
    assert watched.until(again, lambda run: run.is_over).exit == 3


def test_an_invocation_runs_again_with_the_same_event(watched: Watched, function: str) -> None:
    made = watched.backend.invoke(function, b'{"n": 3}', wait=True)
    run = watched.until(made.id, lambda run: run.is_over)
    again = watched.backend.again(run)
    assert again != made.id
    second = watched.until(again, lambda run: run.state is Condition.OK)
    assert json.loads(watched.backend.detail(second).event) == {"n": 3}
    assert watched.backend.detail(second).environment["MODEL"] == "lite"


def test_the_machine_is_told(backend: LocalBackend) -> None:
    assert backend.machine().memory_total > 0


def test_an_invocation_cannot_be_stopped_and_that_is_said(backend: LocalBackend) -> None:
    with pytest.raises(CliError, match="cannot be stopped"):
        backend.stop(Run("x", "f"))


def test_buckets_are_counted_again_when_something_came(watched: Watched, bucket: str, tmp_path: Path) -> None:
    def found() -> tuple[int | None, int | None]:
        place = {each.name: each for each in watched.backend.places()}[bucket]
        return place.objects, place.size

    assert found() == (0, 0)
    (tmp_path / "a").write_bytes(b"12345")
    watched.backend.upload(tmp_path / "a", f"s3://{bucket}/in/a", lambda _: None)
    until(lambda: found() == (1, 5))
    until(lambda: f"s3://{bucket}/in/a" in watched.writers)


def test_a_listing_has_folders_first_and_comes_by_pages(
    backend: LocalBackend, bucket: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (places, buckets):
        monkeypatch.setattr(module, "PAGE", PAGE)
    s3 = client(endpoint, "s3")
    for n in range(PAGE + 5):
        s3.put_object(Bucket=bucket, Key=f"many/{n:05}", Body=b"")
    s3.put_object(Bucket=bucket, Key="a", Body=b"12")
    top = backend.listing(f"s3://{bucket}")
    assert [(each.name, each.size) for each in top.entries] == [("many/", None), ("a", 2)]
    first = backend.listing(top.entries[0].uri)
    rest = backend.listing(top.entries[0].uri, after=first.next)
    assert (len(first.entries), len(rest.entries), rest.next) == (PAGE, 5, "")
    assert [each.name for each in backend.listing(f"s3://{bucket}/many/", prefix="0002").entries] == [
        f"{n:05}" for n in range(20, 25)
    ]


def test_an_object_is_read_in_part_and_copied_whole(backend: LocalBackend, bucket: str, tmp_path: Path) -> None:
    source, target, moved = tmp_path / "big", tmp_path / "copy", list[int]()
    source.write_bytes(bytes(range(256)) * (PART // 256) + b"end")
    uri = f"s3://{bucket}/big"
    backend.upload(source, uri, moved.append)
    assert (sum(moved), backend.head(uri)["size"]) == (PART + 3, str(PART + 3))
    assert backend.read(uri, 4) == b"\0\1\2\3"
    backend.download(uri, target, lambda _: None)
    assert target.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("size", [10, PART + 10])
def test_what_was_given_up_leaves_nothing(backend: LocalBackend, bucket: str, tmp_path: Path, size: int) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(size))
    backend.upload(source, f"s3://{bucket}/there", lambda _: None)

    def give_up(_: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        backend.download(f"s3://{bucket}/there", tmp_path / "copy", give_up)
    if size > PART:
        with pytest.raises(Cancelled):
            backend.upload(source, f"s3://{bucket}/other", give_up)
    assert [each.name for each in backend.listing(f"s3://{bucket}").entries] == ["there"]
    assert [each.name for each in tmp_path.iterdir()] == ["source"]


def test_objects_folders_and_buckets_are_removed(backend: LocalBackend, tmp_path: Path) -> None:
    place = f"s3://new-{uuid.uuid4().hex[:8]}"
    backend.make_place(place)
    (tmp_path / "x").write_bytes(b"x")
    for name in ("a", "f/1", "f/2"):
        backend.upload(tmp_path / "x", f"{place}/{name}", lambda _: None)
    with pytest.raises(CliError, match="not empty"):
        backend.delete(place)
    backend.delete(f"{place}/f/")
    assert [each.name for each in backend.listing(place).entries] == ["a"]
    backend.delete(f"{place}/a")
    backend.delete(place)
    assert place not in {each.uri for each in backend.places()}


def test_spaces_are_made_filled_listed_and_removed(backend: LocalBackend, tmp_path: Path) -> None:
    place = f"onedata://s{uuid.uuid4().hex[:8]}"
    backend.make_place(place)
    (tmp_path / "x").write_bytes(b"0123456789")
    backend.upload(tmp_path / "x", f"{place}/in/x", lambda _: None)
    assert [(each.name, each.is_folder) for each in backend.listing(place).entries] == [("in/", True)]
    assert [(each.name, each.size) for each in backend.listing(f"{place}/in/").entries] == [("x", 10)]
    assert backend.read(f"{place}/in/x", 3) == b"012"
    assert backend.head(f"{place}/in/x")["size"] == "10"
    backend.download(f"{place}/in/x", tmp_path / "copy", lambda _: None)
    assert (tmp_path / "copy").read_bytes() == b"0123456789"
    assert place in {each.uri for each in backend.places()}
    backend.delete(f"{place}/in/x")
    assert backend.listing(f"{place}/in/").entries == ()
    backend.delete(place)
    assert place not in {each.uri for each in backend.places()}


def test_what_is_not_there_is_told_in_words(backend: LocalBackend, bucket: str) -> None:
    with pytest.raises(CliError, match="NoSuchKey"):
        backend.read(f"s3://{bucket}/nothing", 10)
    with pytest.raises(CliError, match="NoSuchBucket"):
        backend.listing("s3://nobody-has-this")


def test_the_story_of_an_object_says_where_it_stopped(backend: LocalBackend, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    backend.upload(tmp_path / "x", f"s3://{bucket}/x", lambda _: None)
    verdict, steps = backend.story(f"s3://{bucket}/x")
    assert verdict
    assert steps[0].what == "object.created"


def test_the_system_has_services_and_queues(backend: LocalBackend, batch: Batch) -> None:
    batch.until(batch.submit("sleep", vcpus="2"), "RUNNING")
    told = backend.system()
    assert {"lambda", "batch", "s3"} <= set(told["services"])
    queue = {each["name"]: each for each in told["queues"]}[batch.queue]
    assert (queue["jobs"], queue["environments"][0]["max_vcpus"]) == ({"RUNNING": 1}, 2)


def test_the_news_are_the_whole_trace_whenever_one_begins_to_read(
    watched: Watched, endpoint: str, function: str
) -> None:
    made = watched.backend.invoke(function, b"{}", wait=True)
    watched.until(made.id, lambda run: run.is_over)
    late = LocalBackend(None, endpoint)
    news = late.news()
    seen = itertools.takewhile(
        lambda news: made.id not in {run.id for run in news.runs if run.is_over}, itertools.islice(news, 50)
    )
    assert len(list(seen)) < 50
    late.close()
