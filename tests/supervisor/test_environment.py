"""What a script may rely on: rows D10, D18, D21, D22, D23 of the contract's table and every documented name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hfaas_supervisor.environment import gpus
from hfaas_supervisor.job import Input, Job, Output

if TYPE_CHECKING:
    from tests.supervisor.conftest import S3, Answer, Box, Runtime

SHOW = "env\n"


def variables(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def seen(box: Box, event: object = None, **environment: str) -> dict[str, str]:
    box.script(SHOW)
    return variables(box.run({} if event is None else event, **environment).body)


def test_every_documented_path_lies_in_the_folder_of_the_request(box: Box) -> None:
    found = seen(box, AWS_LAMBDA_REQUEST_ID="r-1")
    root = f"{box.tmp}/r-1"
    assert found["TMP_INPUT_DIR"] == f"{root}/input"
    assert found["TMP_OUTPUT_DIR"] == found["SCAR_OUTPUT_DIR"] == f"{root}/output"
    assert found["INPUT_FILE_PATH"] == found["SCAR_INPUT_FILE"] == f"{root}/input/event-file-r-1"
    assert found["TMPDIR"] == f"{root}/scratch"
    assert found["EVENT_FILE"].startswith(f"{root}/")
    assert found["REQUEST_ID"] == found["AWS_LAMBDA_REQUEST_ID"] == "r-1"


def test_the_surroundings_have_their_documented_names(box: Box) -> None:
    box.job = Job("shrink", image="me/image", extra_payload=True)
    found = seen(box)
    assert found["AWS_LAMBDA_FUNCTION_NAME"] == "shrink"
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "us-east-1"
    assert found["IMAGE_ID"] == "me/image"
    assert found["EXTRA_PAYLOAD"] == f"{box.layer}/task"
    assert found["AWS_ACCESS_KEY_ID"] == found["AWS_SECRET_ACCESS_KEY"] == "test"
    assert (found["HFAAS_LEG"], found["HFAAS_GPUS"].isdigit(), found["HFAAS_ITEM"]) == ("local", True, "0")
    assert found["EVENT"] == "{}"


def test_storage_events_bring_key_and_time(box: Box, s3: S3) -> None:
    s3.put("in/a b.txt")
    found = seen(box, s3.event("in/a b.txt"))
    assert found["STORAGE_OBJECT_KEY"] == "in/a b.txt"
    assert found["EVENT_TIME"] == "2026-01-02T03:04:05.000Z"
    assert found["INPUT_FILE_PATH"].endswith("/input/a b.txt")


def test_nothing_staged_means_no_input_path(box: Box) -> None:
    found = seen(box, {"httpMethod": "GET", "requestContext": {"apiId": "api1"}})
    assert not {"INPUT_FILE_PATH", "SCAR_INPUT_FILE"} & set(found)
    assert found["API_GATEWAY_ID"] == "api1"


def test_query_parameters_become_variables_unless_they_would_be_code(box: Box) -> None:
    event = {
        "httpMethod": "GET",
        "queryStringParameters": {
            "size": "3",
            "LD_PRELOAD": "/x.so",
            "bash_env": "/x",
            "Path": "/x",
            "a-b": "1",
            "OWN": "theirs",
        },
    }
    found = seen(box, event, OWN="ours")
    assert found["CONT_VAR_size"] == found["size"] == "3"
    assert found["CONT_VAR_LD_PRELOAD"] == "/x.so"
    assert not {"LD_PRELOAD", "bash_env", "Path", "CONT_VAR_a-b", "a-b"} & set(found)
    assert found["OWN"] == "ours"


def test_d22_variables_of_the_container_beat_those_of_lambda_and_documented_names_beat_both(box: Box) -> None:
    box.job = Job("shrink", environment={"ITER": "200", "LEVEL": "container", "REQUEST_ID": "mine"})
    found = seen(box, LEVEL="lambda", AWS_LAMBDA_REQUEST_ID="r-1")
    assert (found["ITER"], found["LEVEL"], found["REQUEST_ID"]) == ("200", "container", "r-1")


def test_d18_configuration_and_secrets_are_hidden(box: Box) -> None:
    hidden = {
        "S3_SECRET_OTHER": "arn",
        "FDL": "",
        "SCRIPT": "x",
        "CONTEXT": "x",
        "_HANDLER": "x",
        "HFAAS_JOB_TIMEOUT": "9",
    }
    found = seen(box, **hidden)
    assert not {"FUNCTION_CONFIG", "HFAAS_TMP", "HFAAS_FUNCTION_DIR", *hidden} & set(found)


def test_home_is_replaced_where_it_cannot_be_written(box: Box) -> None:
    assert seen(box, HOME="/no/such/home")["HOME"].endswith("/scratch")
    assert seen(box, HOME=str(box.folder))["HOME"] == str(box.folder)


def test_the_launchers_renaming_is_undone_for_the_script(box: Box) -> None:
    assert seen(box, HFAAS_GLIBC_TUNABLES="glibc.malloc.check=0")["GLIBC_TUNABLES"] == "glibc.malloc.check=0"


def test_d10_nothing_survives_into_the_next_invocation(runtime: Runtime, s3: S3) -> None:
    import base64

    runtime.box.script(SHOW)
    s3.put("in/a")
    runtime.invoke(s3.event("in/a"))
    runtime.invoke({"httpMethod": "GET", "queryStringParameters": {"k": "1"}})
    last = variables(base64.b64decode(runtime.invoke({}).json["body"]).decode())
    assert not {"STORAGE_OBJECT_KEY", "EVENT_TIME", "CONT_VAR_k", "k"} & set(last)


@pytest.mark.parametrize("level", ["debug", "Debug", "WARNING"])
def test_d21_the_log_level_may_be_written_in_any_case(box: Box, level: str) -> None:
    box.job = Job("shrink", log_level=level)
    box.script("true\n")
    assert box.run({}).code == 0


def devices(folder: Path, count: int) -> str:
    for name in [*(f"nvidia{number}" for number in range(count)), "nvidiactl", "null"]:
        (folder / name).touch()
    return str(folder)


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({}, 2),
        ({"NVIDIA_VISIBLE_DEVICES": "all"}, 2),
        ({"NVIDIA_VISIBLE_DEVICES": "void"}, 0),
        ({"NVIDIA_VISIBLE_DEVICES": ""}, 0),
        ({"CUDA_VISIBLE_DEVICES": ""}, 0),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, 0),
        ({"CUDA_VISIBLE_DEVICES": "1"}, 1),
        ({"CUDA_VISIBLE_DEVICES": "GPU-1,GPU-2"}, 2),
        ({"CUDA_VISIBLE_DEVICES": "0,-1,1"}, 1),
        ({"CUDA_VISIBLE_DEVICES": "0,1,2,3"}, 2),
    ],
)
def test_gpus_are_those_that_are_there_and_were_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], count: int
) -> None:
    for name in ("NVIDIA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert gpus(devices(tmp_path, 2)) == count


def refused(box: Box, **environment: str) -> Answer:
    box.script("true\n")
    answer = box.run({}, **environment)
    assert (answer.code, answer.error) == (240, "Hfaas.ConfigError")
    assert "Traceback" not in answer.log
    return answer


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"LOG_LEVEL": "loud"}, "loud"),
        ({"EXECUTION_MODE": "fargate"}, "fargate"),
        ({"TIMEOUT_THRESHOLD": "soon"}, "soon"),
        ({"HFAAS_JOB_TIMEOUT": "soon"}, "soon"),
        ({"FUNCTION_CONFIG": "bmFtZTogYQo="}, "scar writes YAML"),
    ],
)
def test_configuration_that_cannot_be_used_is_named(box: Box, environment: dict[str, str], named: str) -> None:
    assert named in refused(box, **environment).message


def _onedata(keys: dict[str, str]) -> Job:
    return Job("shrink", inputs=(Input("onedata.x", "in"),), storage_providers={"onedata": {"x": keys}})


@pytest.mark.parametrize(
    ("job", "named"),
    [
        (Job("shrink", outputs=(Output("s3.typo", "b"),)), "s3.typo is not defined"),
        (Job("shrink", inputs=(Input("minio", "b"),)), "minio is not defined"),
        (Job("shrink", inputs=(Input("ftp", "b"),)), "'ftp' is not known"),
        (_onedata({"oneprovider_host": "h", "token": "t"}), "storage_providers.onedata.x has no space"),
        (_onedata({"space": "s", "oneprovider_host": "h"}), "has no token and ONEDATA_SECRET_X names no secret"),
    ],
)
def test_d23_unknown_providers_are_refused_before_anything_runs(box: Box, job: Job, named: str) -> None:
    box.job = job
    assert named in refused(box).message


def test_a_broken_layer_is_a_configuration_error(box: Box) -> None:
    (box.layer / "image.json").write_text("{")
    assert "image.json" in refused(box).message


def test_a_request_id_that_is_no_folder_name_is_refused(box: Box) -> None:
    box.script("true\n")
    answer = box.run({}, AWS_LAMBDA_REQUEST_ID="../../etc")
    assert (answer.code, answer.error) == (241, "Hfaas.BadEvent")
    assert os.listdir(box.tmp) == []


def test_a_tmp_that_cannot_be_written_is_a_configuration_error(box: Box) -> None:
    assert "must be writable" in refused(box, HFAAS_TMP="/proc/self").message


SECRETS = (
    '{"both": {"API_TOKEN": "t"}, "lambda": {"DB_PASSWORD": "of-lambda"}, "batch": {"DB_PASSWORD": "of-jobs"}}'
)


def test_secret_variables_reach_the_script_and_where_they_lie_does_not(box: Box) -> None:
    found = seen(box, HFAAS_SECRET_VARIABLES=SECRETS, DB_PASSWORD="of-the-image")
    assert (found["API_TOKEN"], found["DB_PASSWORD"]) == ("t", "of-lambda")
    assert "HFAAS_SECRET_VARIABLES" not in found


def test_a_job_has_its_own_secret_variables(box: Box) -> None:
    box.script("env\n")
    answer = box.batch({}, HFAAS_SECRET_VARIABLES=SECRETS)
    assert "DB_PASSWORD=of-jobs" in answer.log
    assert "API_TOKEN=t" in answer.log


def test_secret_variables_that_nobody_has_put_in_fail_the_invocation(box: Box) -> None:
    box.script("env\n")
    answer = box.run({}, HFAAS_SECRET_VARIABLES='{"both": "hush')
    assert (answer.code, answer.error) == (242, "Hfaas.ProviderAuth")
    assert "hush" not in answer.log
