"""The Lambda way in, at a real Runtime API."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from tests.supervisor.conftest import in_time

from hfaas_supervisor.job import Job, Output

if TYPE_CHECKING:
    from tests.supervisor.conftest import S3, Runtime


def test_an_answer_has_upstreams_shape(runtime: Runtime) -> None:
    runtime.box.script("echo hello\n")
    post = runtime.invoke({}, id="r-1")
    assert post.path == "/2018-06-01/runtime/invocation/r-1/response"
    assert base64.b64decode(post.json.pop("body")) == b"hello\n"
    assert post.json["statusCode"] == 200
    assert post.json["isBase64Encoded"] is True
    assert post.json["headers"]["amz-lambda-request-id"] == "r-1"
    assert post.json["headers"]["amz-log-group-name"] == "/aws/lambda/shrink"
    assert post.json["headers"]["amz-log-stream-name"] == "stream"


def test_the_event_file_holds_the_event_as_it_was_received(runtime: Runtime) -> None:
    runtime.box.script("cat $EVENT_FILE\n")
    raw = b'{"b" : 1.0,  "a":"\\u00e9"}'
    assert base64.b64decode(runtime.invoke(raw).json["body"]) == raw


def test_a_failure_is_typed_has_no_trace_and_leaves_the_environment_warm(runtime: Runtime) -> None:
    runtime.box.script('echo why; test "$EVENT" = "{}"\n')
    post = runtime.invoke({"a": 1}, id="r-1")
    assert post.path == "/2018-06-01/runtime/invocation/r-1/error"
    assert post.json["errorType"] == "Hfaas.ScriptFailed"
    assert "why" in post.json["errorMessage"]
    assert post.json["stackTrace"] == []
    assert runtime.invoke({}, id="r-2").path.endswith("/r-2/response")
    assert "[ERROR] Hfaas.ScriptFailed" in runtime.log
    assert "Traceback" not in runtime.log


def test_d11_storage_errors_leave_the_environment_warm(runtime: Runtime, s3: S3) -> None:
    runtime.box.job = Job("shrink", outputs=(Output("s3", "no-such-bucket"),))
    runtime.box.script("echo x > $TMP_OUTPUT_DIR/x\n")
    assert runtime.invoke(s3.event("missing")).json["errorType"] == "Hfaas.InputNotFound"
    assert runtime.invoke({}).json["errorType"] == "Hfaas.OutputFailed"
    assert runtime.process is not None
    assert runtime.process.poll() is None


def test_d02_the_script_is_ended_before_lambdas_own_deadline(runtime: Runtime) -> None:
    runtime.box.script("echo begun; touch $HOME/begun; sleep 60\n")
    post = in_time(lambda seconds: runtime.invoke({}, seconds=seconds), runtime.box.begun)
    assert post.json["errorType"] == "Hfaas.ScriptTimeout"
    assert "begun" in post.json["errorMessage"]


def test_an_error_message_stays_below_8_kib(runtime: Runtime) -> None:
    runtime.box.script("yes $(head -c 500 /dev/zero | tr '\\0' x) | head -100; exit 1\n")
    message = runtime.invoke({}).json["errorMessage"]
    assert len(message.encode()) <= 8192


def test_d27_the_largest_answer_fits_into_lambdas_limit(runtime: Runtime) -> None:
    runtime.box.script("head -c 4600000 /dev/zero\n")
    assert len(runtime.invoke({}).body) <= 6_291_556


def test_a_missing_configuration_is_an_init_error(runtime: Runtime) -> None:
    runtime.start(FUNCTION_CONFIG="").wait(60)
    post = runtime.api.posts.get(timeout=60)
    assert post.json["errorType"] == "Hfaas.ConfigError"
    assert post.json["stackTrace"] == []


def test_without_credentials_s3_fails_at_once_and_says_so(runtime: Runtime, s3: S3) -> None:
    del runtime.box.environment["AWS_ACCESS_KEY_ID"]
    runtime.box.script("true\n")
    assert runtime.invoke(s3.event("a")).json["errorType"] == "Hfaas.ProviderAuth"


def test_d32_tmp_is_clean_after_each_invocation(runtime: Runtime, s3: S3) -> None:
    runtime.box.script("echo x > $TMPDIR/x\n")
    s3.put("a")
    runtime.invoke(s3.event("a"))
    assert runtime.box.clean()


def test_the_trace_id_is_that_of_the_invocation(runtime: Runtime) -> None:
    runtime.box.script("echo $_X_AMZN_TRACE_ID\n")
    bodies = [base64.b64decode(runtime.invoke({}, id=request).json["body"]) for request in ("11111111", "22222222")]
    assert bodies == [b"Root=1-11111111\n", b"Root=1-22222222\n"]


def test_an_http_failure_is_an_answer_and_no_function_error(runtime: Runtime) -> None:
    runtime.box.script("exit 1\n")
    post = runtime.invoke({"httpMethod": "GET"}, id="r-1")
    assert post.path.endswith("/response")
    assert json.loads(base64.b64decode(post.json["body"]))["errorType"] == "Hfaas.ScriptFailed"


def test_folders_are_fresh_whatever_a_script_made_of_them(runtime: Runtime) -> None:
    runtime.box.script(
        "cd $TMP_INPUT_DIR/..; ls -A input output scratch | wc -w; stat -c %a input output scratch\n"
        "rm -r output; ln -s /etc output; rm -r scratch; echo x > scratch; mkdir -p input/a/b; echo x > input/a/b/c\n"
        "touch stray; mkdir more; chmod 000 input/a/b input/a input\n"
    )
    bodies = [base64.b64decode(runtime.invoke({}).json["body"]) for _ in range(3)]
    assert bodies == [b"4\n755\n755\n755\n"] * 3  # three headings and the staged Event
    assert runtime.box.clean()


def test_the_address_of_the_runtime_api_may_have_a_secret_path(runtime: Runtime) -> None:
    runtime.api.address += "/_hfaas/runtime/secret"
    runtime.box.script("true\n")
    assert runtime.invoke({}, id="r-1").path == "/_hfaas/runtime/secret/2018-06-01/runtime/invocation/r-1/response"


def test_init_errors_reach_a_runtime_api_with_a_secret_path(runtime: Runtime) -> None:
    runtime.api.address += "/_hfaas/runtime/secret"
    assert runtime.start(LOG_LEVEL="loud").wait(60) == 1
    assert runtime.api.posts.get(timeout=60).path == "/_hfaas/runtime/secret/2018-06-01/runtime/init/error"
    assert "Traceback" not in runtime.log
