"""The Batch way in: rows B01 to B05 of the contract's table, events, exit codes, signals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from hfaas_supervisor.job import Input, Job, Output

if TYPE_CHECKING:
    from tests.supervisor.conftest import S3, Batch, Box

COPY = 'cp "$INPUT_FILE_PATH" "$TMP_OUTPUT_DIR/"\n'
JOB = {"AWS_BATCH_JOB_ID": "job-1", "AWS_BATCH_JOB_ATTEMPT": "2"}


def both(box: Box, s3: S3, **keys: Any) -> None:
    box.job = Job(
        "shrink", inputs=(Input("s3", f"{s3.bucket}/in"),), outputs=(Output("s3", f"{s3.bucket}/out"),), **keys
    )


def test_b01_an_object_comes_in_and_a_result_goes_out(box: Box, s3: S3) -> None:
    both(box, s3)
    box.script(COPY)
    s3.put("in/a b", b"hello")
    answer = box.batch(s3.event("in/a b"), AWS_LAMBDA_REQUEST_ID="r-1", **JOB)
    assert answer.code == 0
    assert answer.log.startswith("JOB RequestId: r-1 JobId: job-1 Attempt: 2\n")
    assert s3.get("out/a b") == b"hello"
    assert s3.metadata("out/a b")["hfaas-request-id"] == "r-1"
    assert box.clean()


def test_every_item_of_a_delegated_event_is_processed(box: Box, s3: S3) -> None:
    both(box, s3)
    box.script(COPY)
    s3.put("in/b")
    s3.put("in/c")
    answer = box.batch(s3.event("in/b", "in/missing", "in/c"))
    assert (answer.code, s3.keys()) == (242, ["in/b", "in/c", "out/b", "out/c"])


def test_b02_the_exit_code_is_the_scripts_and_nothing_is_uploaded(box: Box, s3: S3) -> None:
    both(box, s3)
    box.script("echo half > $TMP_OUTPUT_DIR/half; exit 9\n")
    assert (box.batch().code, s3.keys()) == (9, [])


def test_on_failure_keep_holds_in_a_job_too(box: Box, s3: S3) -> None:
    both(box, s3, on_failure="keep")
    box.script("echo half > $TMP_OUTPUT_DIR/half; exit 9\n")
    assert box.batch(AWS_LAMBDA_REQUEST_ID="r-1").code == 9
    assert s3.keys() == ["out.failed/r-1/half"]


def test_b03_the_event_arrives_as_it_was_sent(box: Box) -> None:
    box.script('cat "$EVENT_FILE"\n')
    event = {"text": 'a\nb  c * "quoted" $HOME é'}
    assert json.dumps(event) in box.batch(event).log


def test_b04_a_missing_input_is_242_and_named(box: Box, s3: S3) -> None:
    both(box, s3)
    box.script("true\n")
    answer = box.batch(s3.event("in/missing"))
    assert answer.code == 242
    assert f"s3://{s3.bucket}/in/missing" in answer.log


def test_b05_the_log_is_live_and_the_end_of_a_job_is_orderly(box: Box, s3: S3) -> None:
    """SIGTERM reaches the script, nothing is uploaded, 143."""
    both(box, s3)
    box.script(
        "trap 'echo asked; kill $!; exit 0' TERM; echo half > $TMP_OUTPUT_DIR/half\necho begun; sleep 60 & wait\n"
    )
    with box.start("batch") as process:
        assert process.stdout is not None
        while process.stdout.readline() != b"begun\n":
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=60)
    assert (process.returncode, s3.keys()) == (143, [])
    assert b"asked\n" in rest
    assert box.clean()


def test_a_script_that_ignores_sigterm_is_killed_before_we_are(box: Box, s3: S3) -> None:
    both(box, s3)
    box.script("trap '' TERM; echo half > $TMP_OUTPUT_DIR/half; kill -TERM $PPID; sleep 60\n")
    code = "from hfaas_supervisor import batch_job, limits; limits.STOP_GRACE_S = 0.1; raise SystemExit(batch_job.run())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"FUNCTION_CONFIG": box.job.encode(), **box.environment},
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert (done.returncode, s3.keys()) == (143, [])
    assert b"Exit: 137" in done.stdout


def test_a_job_without_an_event_gets_an_empty_one_and_reads_no_stdin(box: Box) -> None:
    box.script('test "$EVENT" = "{}" && test "$HFAAS_LEG" = batch && test "$AWS_BATCH_JOB_ATTEMPT" = 2\n')
    assert box.batch(**JOB).code == 0


def test_its_id_is_the_request_id_where_nobody_delegated(box: Box) -> None:
    box.script('test "$REQUEST_ID" = "job-1:7" && case $TMPDIR in *:*) exit 1;; esac\n')
    answer = box.batch(**{**JOB, "AWS_BATCH_JOB_ID": "job-1:7"})
    assert answer.code == 0
    assert answer.log.startswith("JOB RequestId: job-1:7 JobId: job-1:7 Attempt: 2\n")


def test_batch_is_recognised_without_an_argument(box: Box) -> None:
    box.script("exit 9\n")
    assert box.run(b"{}", **JOB).code == 9


def test_an_event_that_was_put_aside_is_read_back(box: Box, s3: S3) -> None:
    both(box, s3)
    box.script(COPY)
    s3.put("in/a")
    s3.put("events/r-1.json", json.dumps(s3.event("in/a")).encode())
    assert box.batch(HFAAS_EVENT_URL=f"s3://{s3.bucket}/events/r-1.json").code == 0
    assert s3.keys() == ["events/r-1.json", "in/a", "out/a"]
    assert box.clean()


@pytest.mark.parametrize("url", ["https://example.org/x", "s3://no-such-bucket/x"])
def test_an_event_that_cannot_be_fetched_is_241(box: Box, url: str) -> None:
    box.script("true\n")
    answer = box.batch(HFAAS_EVENT_URL=url)
    assert answer.code == 241
    assert url.partition("://")[2] in answer.log


def test_configuration_that_cannot_be_used_is_240(box: Box) -> None:
    answer = box.batch(LOG_LEVEL="loud")
    assert answer.code == 240
    assert "'loud' is none of" in answer.log
    assert "Traceback" not in answer.log


def test_the_time_limit_is_245(box: Box) -> None:
    box.script("sleep 60\n")
    assert box.batch(HFAAS_JOB_TIMEOUT="0.4").code == 245


def test_a_failure_of_an_http_event_fails_the_job(box: Box) -> None:
    box.script("exit 3\n")
    assert box.batch({"httpMethod": "GET"}).code == 3


def test_a_job_delegates_to_nobody(box: Box, batch: Batch) -> None:
    box.job = Job("shrink", execution_mode="batch", wants_gpu=True)
    box.script("exit 75\n")
    assert box.batch(AWS_ENDPOINT_URL_BATCH=batch.url).code == 75
    assert batch.requests == []


def test_the_script_sees_its_place_among_the_nodes_but_not_our_settings(box: Box) -> None:
    box.script("env\n")
    log = box.batch(AWS_BATCH_JOB_NODE_INDEX="1", HFAAS_ORIGIN="{}", HFAAS_JOB_QUEUE="q", **JOB).log
    assert "AWS_BATCH_JOB_NODE_INDEX=1\n" in log
    assert "HFAAS_ORIGIN" not in log
    assert "HFAAS_JOB_QUEUE" not in log


EARLY = """
import os, subprocess
from hfaas_supervisor import script
early = subprocess.Popen(["true"])
os.waitid(os.P_PID, early.pid, os.WEXITED | os.WNOWAIT)
with script._collecting(0):
    try:
        os.waitpid(early.pid, os.WNOHANG)
    except ChildProcessError:
        print("collected")
"""


def test_an_orphan_that_ended_before_we_listened_is_collected_too() -> None:
    done = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "collected\n"


def test_orphans_are_collected_while_the_script_runs(box: Box) -> None:
    box.script(
        "for i in 1 2 3; do (true &); done\n"
        "for i in $(seq 1000); do\n"
        '  dead=$(cat /proc/[0-9]*/stat 2>/dev/null | grep -c ") Z $PPID "); test $dead = 0 && exit 0; sleep 0.01\n'
        "done; exit 1\n"
    )
    assert box.batch(AWS_LAMBDA_REQUEST_ID=str(uuid.uuid4())).code == 0
