"""Objects in and results out: rows D09, D11-D14, D31, D32, D36, M02, C01, C02 of the contract's table and their kin."""

from __future__ import annotations

import base64
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from tests.supervisor.conftest import in_time

from hfaas_supervisor.job import Input, Job, Output

if TYPE_CHECKING:
    from tests.supervisor.conftest import S3, Box, Runtime

COPY = 'cp "$INPUT_FILE_PATH" "$TMP_OUTPUT_DIR/"\n'


def test_an_object_comes_in_and_a_result_goes_out(box: Box, s3: S3) -> None:
    box.job = Job("shrink", inputs=(Input("s3", f"{s3.bucket}/in"),), outputs=(Output("s3", f"{s3.bucket}/out"),))
    box.script(COPY)
    s3.put("in/a.txt", b"hello")
    answer = box.run(s3.event("in/a.txt"), AWS_LAMBDA_REQUEST_ID="r-1")
    assert answer.code == 0
    assert s3.get("out/a.txt") == b"hello"
    assert s3.metadata("out/a.txt") == {"hfaas-function": "shrink", "hfaas-request-id": "r-1"}
    assert f"UPLOAD RequestId: r-1 Url: s3://{s3.bucket}/out/a.txt Bytes: 5\n" in answer.log
    assert box.clean()


def test_d09_every_record_is_processed_in_fresh_folders(box: Box, s3: S3) -> None:
    box.job = Job("shrink", outputs=(Output("s3", f"{s3.bucket}/out"),))
    box.script(f"ls $TMP_INPUT_DIR $TMP_OUTPUT_DIR $TMPDIR | wc -w; touch $TMPDIR/x; {COPY}")
    for key in ("in/a", "in/b", "in/c"):
        s3.put(key, key.encode())
    answer = box.run(s3.event("in/a", "in/b", "in/c"))
    assert [s3.get(f"out/{name}") for name in "abc"] == [b"in/a", b"in/b", b"in/c"]
    assert answer.json["headers"]["hfaas-items"] == "3"
    assert len(set(answer.body.split())) == 1
    assert "Item: 2 Start" in answer.log


def test_a_failed_item_does_not_stop_the_others_and_is_named(box: Box, s3: S3) -> None:
    box.job = Job("shrink", outputs=(Output("s3", f"{s3.bucket}/out"),))
    box.script(COPY)
    s3.put("in/a")
    s3.put("in/c")
    answer = box.run(s3.event("in/a", "in/missing", "in/c"))
    assert answer.error == "Hfaas.InputNotFound"
    assert "1 of 3 items failed" in answer.message
    assert f"s3://{s3.bucket}/in/missing" in answer.message
    assert s3.get("out/c") == b"data"


def test_d11_a_missing_object_is_named(box: Box, s3: S3) -> None:
    box.script("true\n")
    answer = box.run(s3.event("in/missing"))
    assert (answer.code, answer.error) == (242, "Hfaas.InputNotFound")
    assert f"s3://{s3.bucket}/in/missing" in answer.message


def test_d24_a_missing_output_bucket_is_named(box: Box) -> None:
    box.job = Job("shrink", outputs=(Output("s3", "no-such-bucket/out"),))
    box.script("echo x > $TMP_OUTPUT_DIR/x\n")
    answer = box.run({})
    assert (answer.code, answer.error) == (243, "Hfaas.OutputFailed")
    assert "no-such-bucket" in answer.message


@pytest.mark.parametrize("reached", ["http://127.0.0.1:9"])
def test_a_storage_that_cannot_be_reached_is_a_typed_error(box: Box, s3: S3, reached: str) -> None:
    box.script("true\n")
    answer = box.run(s3.event("..//a"), AWS_ENDPOINT_URL=reached)
    assert (answer.code, answer.error) == (242, "Hfaas.InputDenied")
    assert reached in answer.message


def test_d13_d14_only_files_inside_the_output_folder_are_uploaded(box: Box, s3: S3) -> None:
    box.job = Job("shrink", outputs=(Output("s3", s3.bucket),))
    box.script(
        "cd $TMP_OUTPUT_DIR; mkfifo pipe; ln -s /etc/hostname outside; ln -s nowhere dangling; mkdir sub; echo x > sub/file\n"
        "ln -s sub linked; ln -s sub/file same; ln -s .. up; ln -s . self\n"
    )
    answer = box.run({})
    assert s3.keys() == ["linked/file", "same", "sub/file"]
    for name in ("pipe", "outside", "dangling", "up", "self"):
        assert f"output {name} is skipped" in answer.log


def test_d32_d36_names_are_kept_byte_for_byte(box: Box, s3: S3) -> None:
    names = ["a b.txt", "ünï.txt", "q'\"uote", "per%20cent+", "#hash?*[x]", "日本 語"]
    box.job = Job("shrink", outputs=(Output("s3", f"{s3.bucket}/out"),))
    box.script(COPY)
    for name in names:
        s3.put(f"in/{name}", name.encode())
    assert box.run(s3.event(*(f"in/{name}" for name in names))).code == 0
    assert [s3.get(f"out/{name}").decode() for name in names] == names


@pytest.mark.parametrize("key", ["in//a.txt", "/in/a.txt", "in/./a.txt", "in/tab\there"])
def test_keys_that_obstore_would_change_are_read_and_written_as_they_are(box: Box, s3: S3, key: str) -> None:
    folder = key.rpartition("/")[0]
    s3.put(key, b"odd")
    box.job = Job("shrink", outputs=(Output("s3", s3.bucket, layout="mirror"),))
    box.script('cp "$INPUT_FILE_PATH" "$TMP_OUTPUT_DIR/tab\there"\n')
    answer = box.run(s3.event(key), AWS_LAMBDA_REQUEST_ID="r-1")
    assert answer.code == 0, answer.log
    target = f"{folder}/tab\there"
    assert s3.metadata(target)["hfaas-request-id"] == "r-1"
    assert s3.get(target) == b"odd"


def test_c02_layout_mirror_keeps_the_inputs_subfolder(box: Box, s3: S3) -> None:
    box.job = Job(
        "shrink",
        inputs=(Input("s3", f"{s3.bucket}/in"),),
        outputs=(
            Output("s3", f"{s3.bucket}/out", layout="mirror"),
            Output("s3", f"{s3.bucket}/all", layout="request"),
        ),
    )
    box.script(COPY)
    for key in ("in/one/same", "in/two/same"):
        s3.put(key)
    box.run(s3.event("in/one/same", "in/two/same"), AWS_LAMBDA_REQUEST_ID="r-1")
    assert s3.keys() == ["all/r-1/same", "in/one/same", "in/two/same", "out/one/same", "out/two/same"]


def test_c01_what_does_not_fit_is_refused_before_the_download(box: Box, s3: S3) -> None:
    box.script("true\n")
    s3.put("in/a")
    event = s3.event("in/a")
    event["Records"][0]["s3"]["object"]["size"] = 10**16
    answer = box.run(event)
    assert (answer.code, answer.error) == (242, "Hfaas.NoSpace")
    assert str(10**16) in answer.message


def test_our_own_output_is_refused_as_input(box: Box, s3: S3) -> None:
    box.script("echo ran\n")
    s3.put("in/a", metadata={"hfaas-function": "shrink", "hfaas-request-id": "r-0"})
    answer = box.run(s3.event("in/a"))
    assert answer.error == "Hfaas.Loop"
    assert "r-0" in answer.message
    s3.put("in/b", metadata={"hfaas-function": "another"})
    assert box.run(s3.event("in/b")).body == "ran\n"


def test_file_stage_in_skips_the_download_only(box: Box, s3: S3) -> None:
    box.job = Job("shrink", file_stage_in=True)
    box.script('echo "${INPUT_FILE_PATH-unset} $STORAGE_OBJECT_KEY"\n')
    assert box.run(s3.event("in/absent")).body == "unset in/absent\n"


def test_on_failure_keep_puts_results_beside_the_output_folder(box: Box, s3: S3) -> None:
    box.job = Job("shrink", outputs=(Output("s3", f"{s3.bucket}/out"),), on_failure="keep")
    box.script("echo x > $TMP_OUTPUT_DIR/x; exit 1\n")
    assert box.run({}, AWS_LAMBDA_REQUEST_ID="r-1").error == "Hfaas.ScriptFailed"
    assert s3.keys() == ["out.failed/r-1/x"]


def test_on_failure_upload_uploads_but_not_after_time_over(box: Box, s3: S3) -> None:
    box.job = Job("shrink", outputs=(Output("s3", f"{s3.bucket}/out"),), on_failure="upload")
    box.script("echo x > $TMP_OUTPUT_DIR/x; exit 1\n")
    assert box.run({}).error == "Hfaas.ScriptFailed"
    assert s3.keys() == ["out/x"]
    box.script("echo y > $TMP_OUTPUT_DIR/y; sleep 60\n")
    assert box.run({}, HFAAS_JOB_TIMEOUT="1.2").error == "Hfaas.ScriptTimeout"
    assert s3.keys() == ["out/x"]


def test_many_results_arrive_and_each_is_reported(box: Box, s3: S3) -> None:
    box.job = Job("shrink", outputs=(Output("s3", s3.bucket),))
    box.script("for i in $(seq 25); do echo $i > $TMP_OUTPUT_DIR/$i; done\n")
    answer = box.run({})
    assert len(s3.keys()) == answer.log.count("UPLOAD RequestId:") == 25


def test_a_later_failure_lists_what_is_visible(box: Box, s3: S3) -> None:
    box.job = Job("shrink", outputs=(Output("s3", s3.bucket), Output("s3", "no-such-bucket")))
    box.script("echo x > $TMP_OUTPUT_DIR/x\n")
    answer = box.run({})
    assert answer.error == "Hfaas.OutputFailed"
    assert f"already visible: s3://{s3.bucket}/x" in answer.message or s3.keys() == []


@pytest.mark.slow
def test_d31_a_large_object_passes_both_ways_in_constant_memory(runtime: Runtime, s3: S3) -> None:
    runtime.box.job = Job("shrink", outputs=(Output("s3", f"{s3.bucket}/out"),))
    runtime.box.script(COPY)
    s3.put("in/big", os.urandom(1024 * 1024) * 64)
    process = runtime.start(AWS_LAMBDA_FUNCTION_MEMORY_SIZE="128")
    assert runtime.invoke(s3.event("in/big"), seconds=30).path.endswith("/response")
    assert s3.client.head_object(Bucket=s3.bucket, Key="out/big")["ContentLength"] == 64 * 1024 * 1024
    with open(f"/proc/{process.pid}/status") as status:
        (peak,) = [int(line.split()[1]) for line in status if line.startswith("VmHWM")]
    assert peak < 56 * 1024


def test_time_over_aborts_a_running_upload(box: Box, s3: S3) -> None:
    box.job = Job("shrink", outputs=(Output("s3", s3.bucket),), timeout_threshold=1)
    box.script("truncate -s 4G $TMP_OUTPUT_DIR/big\n")
    answer = in_time(
        lambda seconds: box.run({}, HFAAS_JOB_TIMEOUT=str(seconds)), lambda answer: "Exit: 0" in answer.log
    )
    assert answer.error == "Hfaas.ScriptTimeout"
    assert "uploading" in answer.message
    assert s3.client.list_multipart_uploads(Bucket=s3.bucket).get("Uploads", []) == []
    assert s3.keys() == []


class Recorder(BaseHTTPRequestHandler):
    credentials: list[str]

    def do_GET(self) -> None:
        self.credentials.append(self.headers["Authorization"] + str(self.headers.get("x-amz-security-token")))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.send_header("ETag", '"a"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        self.wfile.write(b"hi")

    def log_message(self, *_: object) -> None:
        pass


def test_m02_a_provider_with_its_own_keys_is_asked_with_them(box: Box) -> None:
    credentials: list[str] = []
    handler = type("Handler", (Recorder,), {"credentials": credentials})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        box.job = Job(
            "shrink",
            inputs=(Input("s3.other", "theirs/in"),),
            storage_providers={
                "s3": {"other": {"access_key": "OTHERKEY", "secret_key": "s", "region": "eu-west-1"}}
            },
        )
        box.script("cat $INPUT_FILE_PATH\n")
        event = {
            "Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "theirs"}, "object": {"key": "in/a"}}}]
        }
        endpoint = f"http://127.0.0.1:{server.server_port}"
        answer = box.run(event, AWS_ENDPOINT_URL=endpoint, AWS_SESSION_TOKEN="roletoken")
        server.shutdown()
        thread.join()
    assert answer.body == "hi"
    assert "Credential=OTHERKEY/" in credentials[0]
    assert "/eu-west-1/s3/" in credentials[0]
    assert "roletoken" not in credentials[0]


def test_m02_a_providers_keys_come_from_secrets_manager(box: Box, endpoint: str, s3: S3) -> None:
    import boto3

    secrets = boto3.client(
        "secretsmanager",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    name = f"hfaas/{s3.bucket}"
    arn = secrets.create_secret(Name=name, SecretString='{"access_key": "K", "secret_key": "S"}')["ARN"]
    secrets.close()
    box.job = Job("shrink", inputs=(Input("s3.other", s3.bucket),), storage_providers={"s3": {"other": {}}})
    box.script("cat $INPUT_FILE_PATH; env\n")
    s3.put("a", b"hello ")
    answer = box.run(s3.event("a"), S3_SECRET_OTHER=arn)
    assert answer.body.startswith("hello ")
    assert arn not in answer.body


def test_a_secret_that_cannot_be_read_is_named(box: Box, s3: S3) -> None:
    box.job = Job("shrink", inputs=(Input("s3.other", s3.bucket),), storage_providers={"s3": {"other": {}}})
    box.script("true\n")
    answer = box.run(s3.event("a"), S3_SECRET_OTHER="arn:aws:secretsmanager:us-east-1:123456789012:secret:none")
    assert (answer.code, answer.error) == (242, "Hfaas.ProviderAuth")
    assert "secret:none" in answer.message


def test_the_answer_of_binary_output_is_base64(box: Box) -> None:
    box.script("printf '\\377\\376'\n")
    answer = box.run({})
    assert base64.b64decode(answer.json["body"]) == b"\xff\xfe"
    assert answer.json["headers"]["Content-Type"] == "application/octet-stream"
