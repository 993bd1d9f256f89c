"""From Lambda to Batch: rows D05, D06, C01 and C03 of the contract's table, every cause, every mode."""

from __future__ import annotations

import base64
import json
import socket
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pytest
from tests.supervisor.conftest import in_time

from hfaas_supervisor import batch_api, causes, delegation
from hfaas_supervisor.delegation import Handover
from hfaas_supervisor.errors import DelegationFailed
from hfaas_supervisor.job import Input, Job, Output
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.stores import Stores

if TYPE_CHECKING:
    from tests.supervisor.conftest import S3, Batch, Reported, Runtime, Serve


@pytest.fixture
def hybrid(runtime: Runtime, batch: Batch) -> Runtime:
    """Return a Function in mode lambda-batch that has a Batch to go to."""
    runtime.box.job = Job("shrink", execution_mode="lambda-batch")
    runtime.box.environment |= {"AWS_ENDPOINT_URL_BATCH": batch.url, "HFAAS_JOB_QUEUE": "queue-1"}
    return runtime


def delegated(post: Reported) -> str:
    """Return the id of the Job that the answer names."""
    assert (post.path.rpartition("/")[2], post.json["statusCode"]) == ("response", 202)
    return str(post.json["headers"]["hfaas-job-id"])


def submitted(post: Reported) -> bool:
    """Tell whether the seconds were enough for a Job to be accepted."""
    return post.path.endswith("/response")


def test_d05_time_over_moves_the_invocation_and_uploads_nothing(hybrid: Runtime, batch: Batch, s3: S3) -> None:
    hybrid.box.job = hybrid.box.job._replace(outputs=(Output("s3", s3.bucket),), on_failure="upload")
    hybrid.box.script("echo half > $TMP_OUTPUT_DIR/half; echo begun; touch $HOME/begun; sleep 60\n")
    post = in_time(
        lambda seconds: hybrid.invoke({"a": 1}, seconds=seconds, id="r-1"),
        lambda post: hybrid.box.begun() and submitted(post),
    )
    assert delegated(post) == "job-1"
    assert base64.b64decode(post.json["body"]).decode() == (
        "Job delegated to batch.\nCheck batch logs with:\n  hfaas logs shrink --request r-1\n"
    )
    assert batch.event == {"a": 1}
    assert batch.variables["AWS_LAMBDA_REQUEST_ID"] == "r-1"
    assert (s3.keys(), hybrid.box.clean()) == ([], True)
    assert "begun\n" in hybrid.log
    assert "\nDELEGATED RequestId: r-1 JobId: job-1 Cause: time after " in hybrid.log


def test_the_job_is_told_where_it_comes_from(hybrid: Runtime, batch: Batch) -> None:
    hybrid.box.script("exit 75\n")
    hybrid.invoke({}, id="r-1")
    origin = json.loads(batch.variables["HFAAS_ORIGIN"])
    assert origin.pop("seconds") < 60
    assert origin == {"cause": "exit", "group": "/aws/lambda/shrink", "stream": "stream"}
    request = batch.requests[0]
    assert (request["jobName"], request["jobQueue"], request["jobDefinition"]) == (
        "shrink-r-1",
        "queue-1",
        "shrink",
    )
    assert batch.headers[0]["path"] == "/v1/submitjob"
    assert "/us-east-1/batch/aws4_request" in batch.headers[0]["authorization"]


def test_an_ordinary_failure_stays_one(hybrid: Runtime, batch: Batch) -> None:
    hybrid.box.script("exit 76\n")
    assert hybrid.invoke({}).json["errorType"] == "Hfaas.ScriptFailed"
    assert batch.requests == []


def test_a_cause_that_is_not_listed_stays_a_failure(hybrid: Runtime, batch: Batch) -> None:
    hybrid.box.job = hybrid.box.job._replace(delegate=("time",))
    hybrid.box.script("exit 75\n")
    assert hybrid.invoke({}).json["errorType"] == "Hfaas.ScriptFailed"
    assert batch.requests == []


def test_d06_in_mode_batch_the_script_never_starts_in_lambda(hybrid: Runtime, batch: Batch) -> None:
    hybrid.box.job = hybrid.box.job._replace(execution_mode="batch")
    hybrid.box.script("echo I run\n")
    assert delegated(hybrid.invoke({"a": 1})) == "job-1"
    assert batch.event == {"a": 1}
    assert "I run" not in hybrid.log
    assert "Cause: mode after " in hybrid.log


def test_an_object_that_no_job_would_process_starts_none(hybrid: Runtime, batch: Batch, s3: S3) -> None:
    hybrid.box.job = Job("shrink", execution_mode="batch", inputs=(Input("s3", f"{s3.bucket}/in"),))
    assert hybrid.invoke(s3.event("elsewhere/a")).json["errorType"] == "Hfaas.InputNotDeclared"
    assert batch.requests == []


def test_an_event_without_items_starts_no_job(hybrid: Runtime, batch: Batch, s3: S3) -> None:
    hybrid.box.job = hybrid.box.job._replace(execution_mode="batch")
    assert hybrid.invoke(s3.event("folder/")).json["statusCode"] == 200
    assert batch.requests == []


def test_work_for_a_gpu_moves_before_anything_is_fetched(hybrid: Runtime, batch: Batch, s3: S3) -> None:
    hybrid.box.job = hybrid.box.job._replace(wants_gpu=True)
    hybrid.box.script("echo I run\n")
    hybrid.box.environment["CUDA_VISIBLE_DEVICES"] = ""
    delegated(hybrid.invoke(s3.event("in/missing")))
    assert json.loads(batch.variables["HFAAS_ORIGIN"])["cause"] == "gpu"
    assert "I run" not in hybrid.log


@pytest.mark.parametrize("delegate", [("time",), ("time", "gpu")])
def test_without_the_cause_gpu_a_script_that_wants_one_tries_first(delegate: tuple[str, ...]) -> None:
    job = Job("shrink", execution_mode="lambda-batch", wants_gpu=True, delegate=delegate)
    assert (causes.at_once(job, "lambda")[0] == "gpu") is ("gpu" in delegate)


@pytest.mark.parametrize("leg", ["batch", "local"])
def test_only_lambda_hands_over(leg: str) -> None:
    assert not causes.at_once(Job("shrink", execution_mode="batch", wants_gpu=True), leg)[0]


def test_a_script_killed_for_memory_moves(hybrid: Runtime, batch: Batch) -> None:
    hybrid.box.script("kill -9 $$\n")
    hybrid.box.environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "1"  # where no kernel counts, the peak decides
    delegated(hybrid.invoke({"a": 1}))
    assert batch.event == {"a": 1}
    assert "Cause: memory after" in hybrid.log


class Huge(BaseHTTPRequestHandler):
    """Announces an Object that fits nowhere and sends none of it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(10**15))
        self.send_header("ETag", '"a"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_c01_the_size_is_looked_at_before_the_download_also_when_the_event_does_not_tell_it(
    hybrid: Runtime, batch: Batch, s3: S3, serve: Serve
) -> None:
    hybrid.box.script("true\n")
    event = s3.event("in/a")
    hybrid.box.environment["AWS_ENDPOINT_URL_S3"] = f"http://{serve(Huge)}"
    delegated(hybrid.invoke(event))
    assert batch.event == event
    assert json.loads(batch.variables["HFAAS_ORIGIN"])["cause"] == "space"


class Stuck(BaseHTTPRequestHandler):
    """Takes an Object and never says so."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.rfile.read()  # until the other side gives up

    def log_message(self, *_: object) -> None:
        pass


def test_an_upload_that_cannot_finish_moves(hybrid: Runtime, batch: Batch, serve: Serve) -> None:
    hybrid.box.job = hybrid.box.job._replace(outputs=(Output("s3", "results"),))
    hybrid.box.environment["AWS_ENDPOINT_URL_S3"] = f"http://{serve(Stuck)}"
    hybrid.box.script("echo x > $TMP_OUTPUT_DIR/x\n")
    why = "delegating: time ran out while uploading"
    post = in_time(
        lambda seconds: hybrid.invoke({}, seconds=seconds), lambda post: why in hybrid.log and submitted(post)
    )
    delegated(post)
    assert why in hybrid.log


def test_only_what_is_not_finished_moves(hybrid: Runtime, batch: Batch, s3: S3) -> None:
    hybrid.box.job = hybrid.box.job._replace(
        inputs=(Input("s3", f"{s3.bucket}/in"),), outputs=(Output("s3", f"{s3.bucket}/out"),)
    )
    hybrid.box.script('cp $INPUT_FILE_PATH $TMP_OUTPUT_DIR/; test "$HFAAS_ITEM" = 0 || exit 75\n')
    for key in ("in/a", "in/b", "in/c"):
        s3.put(key)
    event = s3.event("in/a", "in/b", "in/c")
    post = hybrid.invoke(event)
    delegated(post)
    assert post.json["headers"]["hfaas-items"] == "2"
    assert batch.event == {"Records": event["Records"][1:]}
    assert s3.keys() == ["in/a", "in/b", "in/c", "out/a"]


def test_an_item_that_failed_before_moves_too_so_that_its_failure_is_not_lost(
    hybrid: Runtime, batch: Batch, s3: S3
) -> None:
    hybrid.box.script("exit 75\n")
    s3.put("in/b")
    event = s3.event("in/missing", "in/b")
    delegated(hybrid.invoke(event))
    assert batch.event == event


def test_what_batch_says_is_in_the_error(hybrid: Runtime, batch: Batch) -> None:
    batch.answers = [(400, b'{"__type": "ClientException", "message": "JobQueue queue-1 not found."}')]
    hybrid.box.script("exit 75\n")
    post = hybrid.invoke({})
    assert post.json["errorType"] == "Hfaas.DelegationFailed"
    assert "ClientException JobQueue queue-1 not found." in post.json["errorMessage"]
    assert len(batch.requests) == 1


# -- without a process of its own: what is sent, and what becomes of the answer ---------------------------------------

LAMBDA = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "shrink",
}


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch, batch: Batch, endpoint: str) -> pytest.MonkeyPatch:
    for name, value in {**LAMBDA, "AWS_ENDPOINT_URL": endpoint, "AWS_ENDPOINT_URL_BATCH": batch.url}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def submit(event: Any = None, job: Job | None = None, request: str = "r-1", seconds: float = 10) -> str:
    job = job or Job("shrink")
    handover = Handover(request, json.dumps(event or {}), "time", 1.0)
    return delegation.submit(job, handover, Stores(job, "lambda"), Limits(seconds))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again(surroundings: pytest.MonkeyPatch, batch: Batch, status: int) -> None:
    surroundings.setattr(batch_api, "PAUSE_S", 0.01)
    batch.answers = [(status, b"{}"), (status, b"busy"), (200, b'{"jobId": "job-3"}')]
    assert submit() == "job-3"


def test_after_three_tries_it_fails_with_the_last_words(surroundings: pytest.MonkeyPatch, batch: Batch) -> None:
    surroundings.setattr(batch_api, "PAUSE_S", 0.01)
    batch.answers = [(503, b"<html>down for maintenance</html>")]
    with pytest.raises(DelegationFailed, match=r"HTTP 503.*down for maintenance"):
        submit()
    assert len(batch.requests) == 3


def test_nobody_at_the_address_is_named(surroundings: pytest.MonkeyPatch) -> None:
    surroundings.setattr(batch_api, "PAUSE_S", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    surroundings.setenv("AWS_ENDPOINT_URL_BATCH", f"http://127.0.0.1:{port}")
    with pytest.raises(DelegationFailed, match=r"cannot be reached.*refused"):
        submit()


def test_no_try_begins_that_would_outlast_the_deadline(surroundings: pytest.MonkeyPatch, batch: Batch) -> None:
    surroundings.setattr(batch_api, "PAUSE_S", 60)
    batch.answers = [(503, b"{}")]
    with pytest.raises(DelegationFailed, match="HTTP 503"):
        submit(seconds=20)
    assert len(batch.requests) == 1


def test_an_answer_without_a_job_is_a_failure(surroundings: pytest.MonkeyPatch, batch: Batch) -> None:
    batch.answers = [(200, b"[]")]
    with pytest.raises(DelegationFailed, match="without a jobId"):
        submit()


def test_all_nodes_of_a_parallel_job_get_the_event(surroundings: pytest.MonkeyPatch, batch: Batch) -> None:
    submit({"a": 1}, Job("shrink", nodes=3))
    (node,) = batch.requests[0]["nodeOverrides"]["nodePropertyOverrides"]
    assert node["targetNodes"] == "0:"
    assert batch.event == {"a": 1}
    assert "containerOverrides" not in batch.requests[0]


@pytest.mark.parametrize("function", ["shrink", "a" * 200, "_odd name"])
def test_the_name_of_the_job_is_one_that_batch_takes(
    surroundings: pytest.MonkeyPatch, batch: Batch, function: str
) -> None:
    import re

    surroundings.setenv("AWS_LAMBDA_FUNCTION_NAME", function)
    submit(request="0123456789ab")
    name = batch.requests[0]["jobName"]
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", name)
    assert name.endswith("-0123456789ab")


def test_c03_an_event_too_long_for_the_overrides_is_put_aside(
    surroundings: pytest.MonkeyPatch, batch: Batch, s3: S3
) -> None:
    surroundings.setenv("HFAAS_SPILL", f"s3://{s3.bucket}/events/")
    event = {"text": "é" * 6000}
    submit(event)
    assert batch.variables["HFAAS_EVENT_URL"] == f"s3://{s3.bucket}/events/r-1.json"
    assert "EVENT" not in batch.variables
    assert json.loads(s3.get("events/r-1.json")) == event
    assert len(json.dumps(batch.requests[0]["containerOverrides"])) < 6000


def test_an_event_just_short_enough_travels_itself(surroundings: pytest.MonkeyPatch, batch: Batch) -> None:
    submit({"text": "x" * 5500})
    assert len(batch.event["text"]) == 5500


def test_without_a_place_to_put_it_a_long_event_fails(surroundings: pytest.MonkeyPatch) -> None:
    with pytest.raises(DelegationFailed, match="HFAAS_SPILL is not set"):
        submit({"text": "x" * 6000})


def test_a_place_that_refuses_the_event_is_named(surroundings: pytest.MonkeyPatch) -> None:
    surroundings.setenv("HFAAS_SPILL", "s3://no-such-bucket/events/")
    with pytest.raises(DelegationFailed, match="no bucket no-such-bucket"):
        submit({"text": "x" * 6000})
