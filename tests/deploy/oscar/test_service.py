"""What a cluster is told of: services as they are written, Functions translated, secrets at the last moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hfaas_deploy import checks, fdl
from hfaas_deploy.errors import FdlError, MissingVariable
from hfaas_deploy.findings import errors
from hfaas_deploy.oscar.service import Definitions, define

Write = Callable[[str], Path]
Define = Callable[..., Definitions]

WRITTEN = """
    functions:
      oscar:
      - edge:
          name: anon-split
          memory: 2Gi
          cpu: 1
          image: blurry-faces
          script: a.sh
          log_level: debug
          enable_gpu: true
          alpine: yes
          endpoint: https://oscar.example.org
          auth_user: admin
          auth_password: ${OSCAR_PASSWORD}
          visibility: restricted
          allowed_users: [one, two]
          synchronous: {min_scale: 1}
          expose: {api_port: 8080, nodePort: [30500], set_auth: true}
          environment:
            variables: {CONF: 0.10}
            secrets: {API_KEY: "${API_KEY}"}
          input: [{storage_provider: minio, path: /anon/in/, suffix: [.avi]}]
          output:
          - {storage_provider: s3.mine, path: masks/mid, prefix: a, suffix: [.jpg, .png]}
          - {storage_provider: onedata.hub, path: done}
    storage_providers:
      s3: {mine: {access_key: "${S3_KEY}", secret_key: "${S3_SECRET}"}}
      onedata: {hub: {oneprovider_host: one.example.org, token: "${HUB_TOKEN}", space: blurry}}
      webdav: {unused: {hostname: dav.example.org, login: l, password: p}}
"""
ENVIRON = {"API_KEY": "a-key", "S3_KEY": "s3-key", "S3_SECRET": "s3-secret", "HUB_TOKEN": "hub-token"}

FUNCTION = """
    functions:
      aws:
      - lambda:
          name: faces
          memory: 1024
          init_script: a.sh
          container:
            image: registry.example.org/opencv:4
            environment: {Variables: {CONF: "0.5", DB_PASSWORD: "${DB}", CSRF_TOKEN: harmless}}
          input: [{storage_provider: s3, path: films/in}]
          output: [{storage_provider: s3, path: films/out, suffix: [.jpg]}, {storage_provider: onedata.hub, path: x}]
        hfaas: {plain: [CSRF_TOKEN]}
    storage_providers:
      onedata: {hub: {oneprovider_host: one.example.org, token: "${HUB_TOKEN}", space: blurry}}
"""


@pytest.fixture
def definition(write: Write) -> Define:
    def definition(text: str, cluster: str = "edge", environ: dict[str, str] | None = None) -> Definitions:
        pipeline = fdl.parse(write(text))
        assert errors(checks.check(pipeline)) == []
        return define(pipeline, cluster, ENVIRON if environ is None else environ)

    return definition


def wire(definitions: Definitions) -> Any:
    (one,) = definitions.services
    return one.wire


def refused(definition: Define, text: str) -> list[str]:
    with pytest.raises(FdlError) as caught:
        definition(text)
    return [finding.message for finding in caught.value.findings if finding.is_error]


def test_a_service_goes_as_it_is_written(definition: Define) -> None:
    told = wire(definition(WRITTEN))

    assert told == {
        "name": "anon-split",
        "cluster_id": "edge",
        "image": "blurry-faces",
        "script": "#!/bin/sh\necho ä\n",
        "memory": "2Gi",
        "cpu": "1",
        "log_level": "DEBUG",
        "alpine": True,
        "file_stage_in": False,
        "enable_gpu": True,
        "environment": {"variables": {"CONF": "0.10"}, "secrets": {"API_KEY": "a-key"}},
        "input": [{"storage_provider": "minio.default", "path": "anon/in", "suffix": [".avi"]}],
        "output": [
            {"storage_provider": "s3.mine", "path": "masks/mid", "prefix": ["a"], "suffix": [".jpg", ".png"]},
            {"storage_provider": "onedata.hub", "path": "done"},
        ],
        "storage_providers": {
            "s3": {"mine": {"access_key": "s3-key", "secret_key": "s3-secret", "region": "us-east-1"}},
            "onedata": {"hub": {"oneprovider_host": "one.example.org", "token": "hub-token", "space": "blurry"}},
        },
        "visibility": "restricted",
        "allowed_users": ["one", "two"],
        "synchronous": {"min_scale": 1},
        "expose": {"api_port": [8080], "nodePort": [30500], "set_auth": True},
        "annotations": {"hfaas/stack": "films"},
    }


def test_no_secret_shows_when_a_definition_is_printed(definition: Define) -> None:
    definitions = definition(WRITTEN)

    assert not any(secret in repr(definitions) for secret in ENVIRON.values())


def test_every_variable_that_is_not_set_is_named_before_anything_is_sent(definition: Define) -> None:
    with pytest.raises(MissingVariable, match="not set in the environment: API_KEY, HUB_TOKEN, S3_SECRET"):
        definition(WRITTEN, environ={"S3_KEY": "x"})


def test_services_of_another_cluster_are_not_for_this_one(definition: Define) -> None:
    with pytest.raises(FdlError, match="nothing in this file is for the cluster cloud"):
        definition(WRITTEN, "cloud")


def test_a_function_becomes_a_service(definition: Define) -> None:
    told = wire(definition(FUNCTION, environ={**ENVIRON, "DB": "db-word"}))

    assert told == {
        "name": "faces",
        "cluster_id": "edge",
        "image": "registry.example.org/opencv:4",
        "script": "#!/bin/sh\necho ä\n",
        "memory": "1024Mi",
        "cpu": "1",
        "log_level": "INFO",
        "alpine": False,
        "file_stage_in": False,
        "enable_gpu": False,
        "environment": {
            "variables": {"CONF": "0.5", "CSRF_TOKEN": "harmless"},
            "secrets": {"DB_PASSWORD": "db-word"},
        },
        "input": [{"storage_provider": "minio.default", "path": "films/in"}],
        "output": [
            {"storage_provider": "minio.default", "path": "films/out", "suffix": [".jpg"]},
            {"storage_provider": "onedata.hub", "path": "x"},
        ],
        "storage_providers": {
            "onedata": {"hub": {"oneprovider_host": "one.example.org", "token": "hub-token", "space": "blurry"}}
        },
        "annotations": {"hfaas/stack": "films"},
    }


def test_what_a_job_gets_in_batch_it_gets_on_a_cluster(definition: Define) -> None:
    text = """
        functions:
          aws:
          - lambda: {name: f, init_script: a.sh, execution_mode: batch, container: {image: "r.example.org/x"}}
            batch: {vcpus: 4, memory: 12288, enable_gpu: true, compute_resources: {max_v_cpus: 8}}
    """
    definitions = definition(text)

    assert {key: wire(definitions)[key] for key in ("memory", "cpu", "enable_gpu")} == {
        "memory": "12288Mi",
        "cpu": "4",
        "enable_gpu": True,
    }
    assert [finding.message for finding in definitions.warnings] == [
        "batch.compute_resources has no effect on a cluster: the cluster's nodes are what jobs run on"
    ]


@pytest.mark.parametrize(
    ("container", "more", "words"),
    [
        ("{image: opencv}", "", "names no registry of others"),
        ("{image: someone/opencv}", "", "names no registry of others"),
        ("{image: 'localhost:5000/opencv'}", "", "names no registry of others"),
        ("{image: '127.0.0.1:5000/opencv'}", "", "names no registry of others"),
        ("{image_file: a.sh}", "", "cannot have the image of f from here"),
        ("{}", ", hfaas: {build: .}", "cannot have the image of f from here"),
    ],
)
def test_an_image_that_a_cluster_cannot_pull_is_refused_and_says_to_push_it(
    definition: Define, container: str, more: str, words: str, write: Write
) -> None:
    write("")
    Path("Dockerfile").write_text("FROM scratch\n")
    text = f"functions: {{aws: [{{lambda: {{name: f, init_script: a.sh, container: {container}}}{more}}}]}}"

    (message,) = refused(definition, text)

    assert words in message
    assert "push it to a registry" in message


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ("name: Faces, init_script: a.sh", "'Faces' cannot name a service"),
        (f"name: {'f' * 40}, init_script: a.sh", "has 40 characters; a service has at most 39"),
        ("name: f", "f has no init_script, and a service needs one"),
        ("name: f, init_script: a.sh, input: [{storage_provider: s3, path: films}]", "write bucket/folder"),
    ],
)
def test_what_cannot_be_a_service_is_refused(definition: Define, own: str, words: str) -> None:
    text = f"functions: {{aws: [{{lambda: {{{own}, container: {{image: 'r.example.org/x'}}}}}}]}}"

    (message,) = refused(definition, text)

    assert words in message


def test_what_has_no_meaning_on_a_cluster_is_said_with_its_place(definition: Define) -> None:
    text = """
        functions:
          aws:
          - lambda:
              name: f
              init_script: a.sh
              timeout: 30
              container: {image: "r.example.org/x"}
              input: [{storage_provider: onedata.hub, path: raw}]
              output: [{storage_provider: s3, path: bbb/out, layout: mirror}]
            api_gateway: {name: f}
            hfaas: {url: iam, retries: 1}
        storage_providers:
          onedata: {hub: {oneprovider_host: one.example.org, token: "${HUB_TOKEN}", space: blurry}}
    """
    definitions = definition(text)

    assert wire(definitions)["input"] == []
    assert [(finding.spot.line, finding.message.partition(":")[0]) for finding in definitions.warnings] == [
        (6, "timeout has no effect on a cluster".replace("timeout", "lambda.timeout")),
        (8, "left out"),
        (9, "layout"),
        (10, "api_gateway has no effect on a cluster"),
        (11, "hfaas.url has no effect on a cluster"),
        (11, "hfaas.retries has no effect on a cluster"),
    ]


def test_functions_stay_with_aws_where_services_are_written(definition: Define) -> None:
    text = """
        functions:
          oscar: [{edge: {name: s, image: i, script: a.sh}}]
          aws: [{lambda: {name: masks, container: {image: x}}}]
    """
    definitions = definition(text)

    assert [one.name for one in definitions.services] == ["s"]
    assert [finding.message for finding in definitions.warnings] == [
        "masks stay with AWS: functions.oscar says what goes to a cluster"
    ]


def test_two_functions_that_share_a_bucket_are_told_what_clusters_do(definition: Define) -> None:
    text = """
        functions:
          aws:
          - lambda: {name: one, init_script: a.sh, container: {image: "r.example.org/x"}, output: [{storage_provider: s3, path: bbb/mid}]}
          - lambda: {name: two, init_script: a.sh, container: {image: "r.example.org/x"}, input: [{storage_provider: s3, path: bbb/mid}]}
    """
    (finding,) = definition(text).warnings

    assert finding.message.startswith("the bucket 'bbb' belongs to one, too")


def test_a_storage_without_keys_is_refused_before_the_cluster_gets_anything(definition: Define) -> None:
    text = """
        functions:
          oscar: [{edge: {name: s, image: i, script: a.sh, output: [{storage_provider: rucio.r, path: x}]}}]
        storage_providers: {rucio: {r: {host: h, auth_host: a, account: me, rse: R}}}
    """
    assert refused(definition, text) == ["rucio.r has no refresh_token, which s needs on a cluster"]


def test_a_script_of_windows_goes_with_the_lines_of_unix(definition: Define) -> None:
    text = "functions: {oscar: [{edge: {name: s, image: i, script: b.sh}}]}"
    Path("b.sh").write_bytes(b"#!/bin/sh\r\necho\r\n")

    assert wire(definition(text))["script"] == "#!/bin/sh\necho\n"
