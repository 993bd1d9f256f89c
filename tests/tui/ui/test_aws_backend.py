"""AWS as the views see it: everything they ask is asked of an emulator of its own that plays AWS, or of moto."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import faults
from tests.standin import ACCOUNT, REGION, StandIn
from tests.tui.ui.aws_world import STACK, Watched, client, deployed
from tests.tui.ui.world import until

from hfaas_deploy.aws.target import forget_credentials
from hfaas_deploy.promote import record
from hfaas_deploy.promote.promotion import Promoted
from hfaas_tui.errors import CliError
from hfaas_tui.jobs import Job
from hfaas_tui.ui.aws import buckets
from hfaas_tui.ui.aws.aws_backend import AwsBackend
from hfaas_tui.ui.aws.buckets import PART
from hfaas_tui.ui.aws.link import AwsLink
from hfaas_tui.ui.aws.polling import BUSY_S, QUIET_S, Pacing, Polling
from hfaas_tui.ui.aws.reading import EARLY_LOOKS, Reading
from hfaas_tui.ui.aws.tails import Event, Tail
from hfaas_tui.ui.model import Condition, Run
from hfaas_tui.where import STAND_IN

GROUP, STREAM = "/aws/lambda/f", "2026/11/23/[$LATEST]0"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with deployed(tmp_path_factory.mktemp("aws")) as found:
        yield found


@pytest.fixture
def watched(there: StandIn) -> Iterator[Watched]:
    made = Watched()
    yield made
    made.close()


@pytest.fixture
def backend(watched: Watched) -> AwsBackend:
    return watched.backend


def put(there: StandIn, key: str) -> str:
    client(there, "s3").put_object(Bucket=STACK, Key=key, Body=b"hello")
    return f"s3://{STACK}/{key}"


def named(begin: str) -> str:
    return f"{begin}-{uuid.uuid4().hex[:8]}.txt"


def test_it_says_which_account_and_region_it_is_and_that_it_is_live(backend: AwsBackend, there: StandIn) -> None:
    target = backend.target
    assert (target.kind, target.place, target.region, target.is_live) == ("aws", ACCOUNT, REGION, True)
    assert target.shown == "2109-8765-4321"
    assert target.stand_in == there.url
    assert backend.machine().cpu == 0


def test_functions_are_those_that_hfaas_deployed_with_stack_address_inputs_and_outputs(
    backend: AwsBackend, there: StandIn
) -> None:
    foreign = f"f-{uuid.uuid4().hex[:8]}"
    known = client(there, "lambda").get_function(FunctionName="hello")
    client(there, "lambda").create_function(
        FunctionName=foreign,
        Role=known["Configuration"]["Role"],
        PackageType="Image",
        Code={"ImageUri": known["Code"]["ImageUri"]},
        Environment={"Variables": known["Configuration"]["Environment"]["Variables"]},
    )
    found = {each.name: each for each in backend.functions()}
    assert set(found) == {"hello", "heavy"}
    hello, heavy = found["hello"], found["heavy"]
    assert (hello.mode, heavy.mode, hello.stack) == ("lambda", "batch", STACK)
    assert (hello.inputs, hello.outputs) == ((f"s3://{STACK}/in",), (f"s3://{STACK}/out",))
    assert (len(hello.urls), len(heavy.urls)) == (1, 0)


def test_buckets_of_functions_come_first_and_nothing_in_them_is_counted(
    there: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(there, "s3").create_bucket(Bucket="another", CreateBucketConfiguration={"LocationConstraint": REGION})
    with faults.before(there.url) as proxy:
        monkeypatch.setenv(STAND_IN, proxy.url)
        backend = AwsBackend(region=REGION)
        backend.functions()
        found = backend.places()
        assert proxy.came("GET")
        assert not proxy.came("list-type=2")
        backend.listing(f"s3://{STACK}")
        assert proxy.came("list-type=2")
        backend.close()
    assert [each.name for each in found] == [STACK, "another", f"hfaas-artifacts-{ACCOUNT}-{REGION}"]
    assert all(each.objects is None and each.size is None for each in found)


def test_an_object_becomes_a_run_and_the_job_it_is_handed_over_to_its_other_leg(
    watched: Watched, there: StandIn
) -> None:
    name = named("both")
    put(there, f"in/{name}")
    made, end = f"s3://{STACK}/out/{name}", f"s3://{STACK}/done/{name}"
    job = watched.until(lambda run: run.kind == "job" and end in run.outputs and run.is_over)
    first = watched.until(lambda run: made in run.outputs and run.is_over)
    handed = watched.until(lambda run: run.job == job.id and run.is_over)
    assert (first.function, first.state, first.attempt, first.memory_mb) == ("hello", Condition.OK, 1, 256)
    assert first.billed_ms > 0
    assert (handed.function, handed.cause, handed.where) == ("heavy", "mode", "λ→batch")
    assert (job.invocation, job.cause, job.state, job.vcpus) == (handed.id, "mode", Condition.OK, 1)
    assert watched.writers[end] == ("heavy", job.id)
    until(lambda: watched.said(job, name))
    hello = f"Hello, {name}".encode()
    until(lambda: any(line.request == first.id and line.raw == hello for line in [*watched.lines]))


def test_a_run_that_failed_says_why_and_what_it_wrote(watched: Watched, there: StandIn) -> None:
    put(there, f"in/{named('bad')}")
    run = watched.until(lambda run: run.state is Condition.FAILED and run.function == "hello")
    assert (run.error_type, run.exit) == ("Hfaas.ScriptFailed", 3)
    assert run.message.startswith("the script ended with code 3")
    detail = watched.backend.detail(run)
    assert any(line.startswith("Hello, bad-") for line in detail.lines)
    assert [step.what for step in detail.steps][-1] == "invocation.failed"
    until(lambda: any(line.level == "ERROR" and line.request == run.id for line in watched.lines))


@pytest.mark.slow
def test_an_event_is_known_of_what_this_window_invoked_and_of_nothing_else(
    watched: Watched, there: StandIn
) -> None:
    name = named("again")
    put(there, f"in/{name}")
    other = watched.until(lambda run: f"s3://{STACK}/out/{name}" in run.outputs and run.is_over)
    detail = watched.backend.detail(other)
    assert detail.event == ""
    assert "AWS keeps no events" in dict(detail.story)["event"]
    with pytest.raises(CliError) as refused:
        watched.backend.again(other)
    assert "AWS keeps no events" in refused.value.message
    assert refused.value.hint
    event = {
        "Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": STACK}, "object": {"key": f"in/{name}"}}}]
    }
    done = watched.backend.invoke("hello", json.dumps(event).encode(), wait=True)
    assert not done.error
    mine = watched.until(lambda run: run.id == done.id and run.is_over and run.origin == "invoke")
    assert json.loads(watched.backend.detail(mine).event) == event
    again = watched.backend.again(mine)
    assert watched.until(lambda run: run.id == again and run.is_over).state is Condition.OK


@pytest.mark.slow
def test_a_job_is_stopped_and_is_told_as_stopped_and_can_run_again(watched: Watched, there: StandIn) -> None:
    name = named("slow")
    put(there, f"out/{name}")
    job = watched.until(lambda run: run.state is Condition.RUNNING and watched.said(run, name))
    assert watched.backend.stop(job) == "terminated while it ran"
    ended = watched.until(lambda run: run.id == job.id and run.is_over)
    assert ended.state is Condition.STOPPED
    assert dict(watched.backend.detail(ended).story)["status"] == "FAILED"
    again = watched.backend.again(ended)
    waits = watched.until(lambda run: run.id == again)
    watched.backend.stop(waits)
    watched.until(lambda run: run.id == again and run.is_over)


def test_the_story_of_an_object_tells_who_wrote_it_and_for_whom_it_is(watched: Watched, there: StandIn) -> None:
    name = named("story")
    uri = put(there, f"in/{name}")
    run = watched.until(lambda run: f"s3://{STACK}/out/{name}" in run.outputs and run.is_over)
    verdict, steps = watched.backend.story(f"s3://{STACK}/out/{name}")
    assert verdict.startswith(f"Written by hello in request {run.id}; what lies there is for heavy")
    assert "object.created" in [step.what for step in steps]
    assert "Written by no function of hfaas" in watched.backend.story(uri)[0]


def test_the_system_is_stacks_with_their_records_queues_and_dead_letters(
    backend: AwsBackend, there: StandIn
) -> None:
    place = there.target().within(ACCOUNT)
    told = Promoted(STACK, "8ab42362ac96" * 5, {}, {}, ACCOUNT, REGION, "arn:aws:iam::1:user/ana", time.time(), "1")
    record.write(place, told)
    backend.functions()
    found = backend.system()
    (stack,) = found["stacks"]
    assert (stack["name"], stack["status"], stack["functions"]) == (STACK, "CREATE_COMPLETE", 2)
    assert stack["dead_letters"] >= 0
    assert stack["promoted"]["by"] == "arn:aws:iam::1:user/ana"
    (queue,) = found["queues"]
    assert queue["state"] == "ENABLED"
    assert queue["environments"][0]["status"] == "VALID"


def test_a_function_is_not_deleted_out_of_its_stack(backend: AwsBackend, there: StandIn) -> None:
    backend.functions()
    with pytest.raises(CliError, match=f"belongs to the Stack {STACK}"):
        backend.delete_function("hello")
    assert client(there, "lambda").get_function(FunctionName="hello")


def test_a_space_is_refused_with_where_it_is(backend: AwsBackend) -> None:
    with pytest.raises(CliError, match="reached at its Oneprovider"):
        backend.listing("onedata://films")


# --- when AWS says no


def test_expired_credentials_are_a_problem_with_a_way_out_and_newer_ones_end_it(
    there: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with faults.before(there.url) as proxy:
        monkeypatch.setenv(STAND_IN, proxy.url)
        backend = AwsBackend(region=REGION)
        proxy.refuse("Action=GetCallerIdentity", code="ExpiredToken", message="it is over")
        health = backend.health()
        assert health.problem
        assert not health.is_up
        assert "expired" in health.problem.message
        assert health.problem.is_of_credentials
        assert "set them, start again" in health.problem.hint  # these keys are of the environment
        proxy.mend()
        assert backend.health().is_up
        backend.close()


def test_without_credentials_or_region_it_says_what_to_do(there: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    forget_credentials()
    problem = AwsBackend(region=REGION).health().problem
    assert problem
    assert ("no credentials" in problem.message, "aws configure" in problem.hint) == (True, True)
    monkeypatch.delenv("AWS_REGION")
    problem = AwsBackend().health().problem
    assert problem
    assert ("no region" in problem.message, "--region" in problem.hint) == (True, True)
    forget_credentials()


def test_what_does_not_answer_is_a_problem_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of no worth")
    monkeypatch.setenv(STAND_IN, "http://127.0.0.1:1")
    problem = AwsBackend(region=REGION).health().problem
    assert problem
    assert "stands in for AWS does not answer" in problem.message


@pytest.mark.slow
def test_a_look_that_is_throttled_is_no_failure_and_makes_the_next_one_later(
    there: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with faults.before(there.url) as proxy:
        monkeypatch.setenv(STAND_IN, proxy.url)
        backend = AwsBackend(region=REGION)
        assert backend.functions()
        link = AwsLink(region=REGION)
        polling = Polling(link, backend._functions.sources)
        proxy.refuse("FilterLogEvents", code="ThrottlingException", times=1_000)
        polling.look()
        assert polling.pacing.pause > BUSY_S
        assert proxy.came("FilterLogEvents")
        proxy.mend()
        polling.look()
        assert polling.pacing.pause <= QUIET_S
        link.close()
        backend.close()


@pytest.mark.slow
def test_a_failing_look_is_told_to_both_readers_and_they_can_read_on(
    there: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with faults.before(there.url) as proxy:
        monkeypatch.setenv(STAND_IN, proxy.url)
        backend = AwsBackend(region=REGION)
        backend.functions()
        proxy.refuse("FilterLogEvents", code="AccessDeniedException", message="no logs for you", times=1_000)
        for stream in (backend.news(), backend.log_lines()):
            with pytest.raises(CliError, match="no logs for you"):
                list(stream)
        proxy.mend()
        put(there, f"in/{named('on')}")
        assert next(iter(backend.news())).runs
        assert next(iter(backend.log_lines()))
        backend.close()


# --- what is read


def test_a_group_that_is_not_there_yet_has_no_events(there: StandIn) -> None:
    assert Tail("/aws/lambda/nobody", 0).read(client(there, "logs")) == []


def test_an_event_that_comes_late_is_read_once_and_none_twice(there: StandIn) -> None:
    logs, group = client(there, "logs"), f"/g/{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=group)
    now = int(time.time() * 1000)

    def write(stream: str, at: int, text: str) -> None:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        logs.put_log_events(
            logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": at, "message": text}]
        )

    tail = Tail(group, now - 3_600_000)
    write("a", now, "first")
    assert [event.message for event in tail.read(logs)] == ["first"]
    write("b", now - 10_000, "late")
    assert [event.message for event in tail.read(logs)] == ["late"]
    write("c", now - 100_000, "very late")
    assert tail.read(logs) == []
    assert [event.message for event in tail.read(logs, far=True)] == ["very late"]
    assert tail.read(logs, far=True) == []


def read(*messages: str) -> Run:
    reading = Reading()
    reading.take("f", GROUP, [Event(STREAM, 100.0 + at, text) for at, text in enumerate(messages)])
    news, _ = reading.told()
    assert news
    return news.runs[-1]


REPORT = "REPORT RequestId: r-1\tDuration: 1500.00 ms\tBilled Duration: 2000 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t"


def test_lambdas_own_lines_make_a_run() -> None:
    run = read("START RequestId: r-1 Version: $LATEST", f"{REPORT}Init Duration: 250.00 ms\t\n")
    assert (run.id, run.state, run.started, run.ended) == ("r-1", Condition.OK, 100, 101)
    assert (run.billed_ms, run.memory_mb, run.peak_mb, run.is_cold, run.init_ms) == (2000, 128, 64, True, 250)
    assert (run.log_group, run.log_stream) == (GROUP, STREAM)


def test_a_run_that_began_before_the_first_look_is_known_by_its_report() -> None:
    run = read(REPORT)
    assert (run.id, run.started, run.ended, run.state) == ("r-1", 98.5, 100, Condition.OK)


@pytest.mark.parametrize(
    ("messages", "state", "kind"),
    [
        (
            (REPORT, "2026-11-23T03:00:00.000Z r-1 Task timed out after 3.00 seconds"),
            Condition.TIMED_OUT,
            "Sandbox.Timedout",
        ),
        ((f"{REPORT}Status: timeout\t",), Condition.TIMED_OUT, ""),
        ((f"{REPORT}Status: error\tError Type: Runtime.ExitError\t",), Condition.FAILED, "Runtime.ExitError"),
        (("[ERROR] ValueError: no such frame\nTraceback", REPORT), Condition.FAILED, "ValueError"),
        (
            ("RequestId: r-1 Error: Runtime exited with error: signal: killed", REPORT),
            Condition.FAILED,
            "Runtime.ExitError",
        ),
    ],
)
def test_what_failed_is_told_apart(messages: tuple[str, ...], state: Condition, kind: str) -> None:
    run = read("START RequestId: r-1 Version: $LATEST", *messages)
    assert (run.state, run.error_type) == (state, kind)


def test_an_event_that_lambda_tries_again_is_the_same_run_and_lives_again() -> None:
    failed = ("START RequestId: r-1 Version: 1", "[ERROR] ValueError: x", REPORT)
    assert read(*failed).state is Condition.FAILED
    run = read(*failed, "START RequestId: r-1 Version: 1")
    assert (run.state, run.attempt, run.ended, run.error_type) == (Condition.RUNNING, 2, None, "")


def test_an_invocation_whose_end_nobody_logged_does_not_run_for_ever() -> None:
    reading = Reading()
    reading.take("f", GROUP, [Event(STREAM, 100.0, "START RequestId: r-1 Version: 1")])
    reading.overdue(100 + 900)
    assert reading.is_busy
    reading.overdue(100 + 1300)
    run = reading.run("r-1")
    assert run
    assert (run.state, run.ended, reading.is_busy) == (Condition.STOPPED, 1000, False)


def test_a_job_that_can_never_start_is_stuck_and_one_that_waits_is_not() -> None:
    def told(reason: str) -> Run:
        reading = Reading()
        document = {"jobId": "j", "jobName": "f-1", "jobDefinition": "f:1", "status": "RUNNABLE", "createdAt": 1000}
        reading.jobs([Job.read({**document, "statusReason": reason})])
        news, _ = reading.told()
        assert news
        return news.runs[0]

    stuck = told("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - more than any instance has")
    assert (stuck.is_stuck, stuck.state, stuck.function) == (True, Condition.QUEUED, "f")
    assert not told("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - none left").is_stuck


STREAM_OF_A_JOB = f"batch/default/{'0' * 32}"
JOB: dict[str, Any] = {
    "jobId": "j", "jobName": "f-1", "jobDefinition": "f:1", "status": "SUCCEEDED", "createdAt": 1000,
    "startedAt": 2000, "stoppedAt": 3000,
    "container": {
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": GROUP}},
        "logStreamName": STREAM_OF_A_JOB,
    },
}  # fmt: skip
OF_A_JOB = (
    "JOB RequestId: r-1 JobId: j Attempt: 1",
    "SCRIPT RequestId: r-1 Item: 0 Exit: 0 Duration: 24.81 ms",
    "UPLOAD RequestId: r-1 Url: s3://b/out/k Bytes: 166",
)


def taking_its_log(reading: Reading) -> None:
    reading.take("f", GROUP, [Event(STREAM_OF_A_JOB, 2.0, text) for text in OF_A_JOB])


@pytest.mark.parametrize("looks", [1, 3])
def test_what_a_job_logged_before_batch_told_of_it_is_not_lost(looks: int) -> None:
    """It began and ended between the two questions of one look; and Batch may tell of it later still."""
    reading = Reading()
    taking_its_log(reading)
    assert reading.told()[0] is None
    for _ in range(looks - 1):
        reading.jobs([])
    reading.jobs([Job.read(JOB)])
    news, _ = reading.told()
    assert news
    (run,) = news.runs
    assert (run.state, run.outputs, run.exit) == (Condition.OK, ("s3://b/out/k",), 0)
    assert news.writers == {"s3://b/out/k": ("f", "j")}
    reading.jobs([Job.read(JOB)])
    assert reading.told()[0] is None, "nothing is told twice"


def test_lines_of_a_job_that_batch_never_tells_of_are_kept_for_some_looks_only() -> None:
    reading = Reading()
    taking_its_log(reading)
    for _ in range(EARLY_LOOKS + 1):
        reading.jobs([])
    reading.jobs([Job.read(JOB)])
    run = reading.run("j")
    assert run
    assert run.outputs == ()


def test_looks_are_frequent_while_something_runs_and_rare_when_nothing_does() -> None:
    pacing = Pacing()
    pauses = []
    for _ in range(10):
        pacing.looked(is_busy=False)
        pauses.append(pacing.pause)
    assert pauses == sorted(pauses)
    assert pauses[-1] == QUIET_S
    pacing.throttled()
    assert pacing.pause > QUIET_S
    pacing.looked(is_busy=True)
    assert pacing.pause == BUSY_S


# --- buckets, on moto as it is


@pytest.fixture
def moto(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsBackend]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of no worth")
    monkeypatch.setenv(STAND_IN, moto_server)
    forget_credentials()
    made = AwsBackend(region=REGION)
    yield made
    made.close()
    forget_credentials()


def test_files_go_in_and_out_of_buckets_in_a_region_of_their_own(moto: AwsBackend, tmp_path: Path) -> None:
    uri = f"s3://b-{uuid.uuid4().hex[:8]}"
    moto.make_place(uri)
    large = tmp_path / "large"
    large.write_bytes(b"x" * (PART + 5))
    moved: list[int] = []
    moto.upload(large, f"{uri}/in/large", moved.append)
    assert (sum(moved), moto.head(f"{uri}/in/large")["size"]) == (PART + 5, str(PART + 5))
    moto.download(f"{uri}/in/large", tmp_path / "back", lambda _: None)
    assert (tmp_path / "back").read_bytes() == large.read_bytes()
    assert moto.read(f"{uri}/in/large", 3) == b"xxx"
    with pytest.raises(CliError):
        moto.delete(uri)  # it is not empty
    moto.delete(f"{uri}/in/")
    moto.delete(uri)
    assert uri not in [place.uri for place in moto.places()]


def test_a_listing_comes_in_pages(moto: AwsBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "PAGE", 2)
    uri = f"s3://b-{uuid.uuid4().hex[:8]}"
    moto.make_place(uri)
    (tmp_path / "f").write_bytes(b"x")
    for name in ("a", "b", "c", "d/e"):
        moto.upload(tmp_path / "f", f"{uri}/{name}", lambda _: None)
    names, after = [], ""
    while True:
        page = moto.listing(uri, after=after)
        names += [entry.name for entry in page.entries]
        after = page.next
        if not after:
            break
    assert sorted(names) == ["a", "b", "c", "d/"]
    assert [entry.name for entry in moto.listing(f"{uri}/d/").entries] == ["e"]


def test_an_object_that_is_not_there_is_said_in_words(moto: AwsBackend) -> None:
    with pytest.raises(CliError, match="s3://nobody-has-this/x: "):
        moto.read("s3://nobody-has-this/x", 1)
