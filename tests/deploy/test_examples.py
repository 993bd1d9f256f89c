"""Pipelines in the shape of the documentation's and of scar's own examples are read without an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hfaas_deploy import checks, fdl
from hfaas_deploy.findings import errors

Write = Callable[[str], Path]

DOCUMENTED = {
    "two Functions through S3": """
        functions:
          aws:
          - lambda:
              name: split
              init_script: a.sh
              memory: 1024
              container: {image: ffmpeg}
              input: [{storage_provider: s3, path: films/in, suffix: [.avi, .mp4]}]
              output: [{storage_provider: s3, path: films/frames, suffix: [.jpg]}]
          - lambda:
              name: faces
              init_script: b.sh
              container: {image: opencv}
              input: [{storage_provider: s3, path: films/frames}]
              output: [{storage_provider: s3, path: films/faces, layout: mirror}]
        """,
    "Batch with a GPU": """
        hfaas: {stack: mask-video, account: "123456789012"}
        functions:
          aws:
          - lambda:
              name: detect
              execution_mode: lambda-batch
              memory: 2048
              timeout: 900
              init_script: a.sh
              container: {image: yolo, environment: {Variables: {CONF: 0.25}}}
              input: [{storage_provider: s3, path: mask/in}]
              output: [{storage_provider: s3, path: mask/out}]
            batch:
              vcpus: 4
              memory: 12288
              enable_gpu: true
              compute_resources: {max_v_cpus: 16, instance_types: [g4dn.xlarge]}
            hfaas: {delegate: [time, memory, space, exit], on_failure: keep}
        """,
    "Onedata in and out": """
        functions:
          aws:
          - lambda:
              name: anonymise
              init_script: a.sh
              container: {image: opencv}
              input: [{storage_provider: onedata.datahub, path: raw}]
              output: [{storage_provider: onedata.datahub, path: done}, {storage_provider: s3, path: archive/done}]
        storage_providers:
          onedata:
            datahub: {oneprovider_host: provider.example.org, token: "${DATAHUB_TOKEN}", space: blurry}
        hfaas: {buckets: {archive: {existing: true}}}
        """,
    "an HTTP API": """
        functions:
          aws:
          - lambda: {name: classify, init_script: a.sh, container: {image: darknet}}
            api_gateway: {name: classify, method: {authorizationType: NONE}}
            hfaas: {url: iam}
        """,
    "OSCAR and AWS": """
        functions:
          oscar:
          - my_oscar:
              name: anon-split
              memory: 2Gi
              cpu: '1.0'
              image: blurry-faces
              script: a.sh
              input: [{storage_provider: minio, path: anon/in}]
              output: [{storage_provider: s3.mine, path: masks/mid}]
          aws:
          - lambda:
              name: masks
              init_script: b.sh
              container: {image: mask-detector}
              input: [{storage_provider: s3, path: masks/mid}]
              output: [{storage_provider: s3, path: masks/out}]
        storage_providers:
          s3: {mine: {access_key: "${S3_KEY}", secret_key: "${S3_SECRET}", region: eu-west-1}}
        clusters:
          my_oscar: {endpoint: "https://oscar.example.org", auth_user: admin, auth_password: "${OSCAR_PASSWORD}"}
        """,
}

LIKE_SCARS = {
    "an image and nothing else": """
        functions:
          aws:
          - lambda:
              name: say
              container:
                image: example/cowsay
        """,
    "an image from a registry of AWS": """
        functions:
          aws:
          - lambda:
              name: say-ecr
              container:
                image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/say:latest
                create_image: false
            ecr:
              delete_image: false
        """,
    "one script between two folders": """
        functions:
          aws:
          - lambda:
              name: grey
              init_script: a.sh
              memory: 1024
              container:
                image: example/imagemagick
              input:
              - storage_provider: s3
                path: grey/input
              output:
              - storage_provider: s3
                path: grey/output
                suffix:
                - .png
        """,
    "with all of the environment": """
        functions:
          aws:
          - lambda:
              name: words
              init_script: a.sh
              run_script: b.sh
              log_level: debug
              execution_mode: lambda
              runtime: python3.8
              supervisor: {version: latest, layer_name: faas-supervisor}
              environment:
                Variables:
                  UDOCKER_BIN: /opt/udocker/bin/
                  MODE: test
              container:
                image: example/words
                environment:
                  Variables: {LANGUAGE: en, VERBOSE: "1"}
              input:
              - storage_provider: s3
                path: words/in
            cloudwatch:
              log_retention_policy_in_days: 30
        """,
    "nodes that work together in Batch": """
        functions:
          aws:
          - lambda:
              name: mpi-run
              init_script: a.sh
              execution_mode: batch
              container: {image: example/mpi}
              input: [{storage_provider: s3, path: mpi/input}]
              output: [{storage_provider: s3, path: mpi/output}]
            batch:
              multi_node_parallel: {enabled: true, number_nodes: 3}
              compute_resources: {instance_types: [m3.medium], desired_v_cpus: 1, min_v_cpus: 0, max_v_cpus: 12}
        """,
    "a workflow of sound and pictures": """
        functions:
          aws:
          - lambda:
              name: cut
              init_script: a.sh
              execution_mode: lambda-batch
              container: {image: example/ffmpeg}
              input: [{storage_provider: s3, path: sound/start}]
              output:
              - {storage_provider: s3, path: sound/pictures, suffix: ['avi']}
              - {storage_provider: s3, path: sound/sound, suffix: ['srt']}
          - lambda:
              name: look
              init_script: b.sh
              execution_mode: batch
              container: {image: example/yolo}
              input: [{storage_provider: s3, path: sound/pictures}]
              output: [{storage_provider: s3, path: sound/result}]
            batch: {enable_gpu: true}
        """,
    "behind an API": """
        functions:
          aws:
          - lambda:
              name: plants
              init_script: a.sh
              memory: 3008
              timeout: 300
              container: {image: example/plants}
            api_gateway:
              name: plants
        """,
    "a file of SCAR 2": """
        functions:
          old-film:
            image: example/ffmpeg
            memory: 1024
            init_script: a.sh
            s3:
              input_bucket: old-films
        """,
}


@pytest.mark.parametrize("name", DOCUMENTED | LIKE_SCARS)
def test_the_example_is_read(write: Write, name: str) -> None:
    pipeline = fdl.read(write((DOCUMENTED | LIKE_SCARS)[name]))

    assert pipeline.functions


@pytest.mark.parametrize("name", DOCUMENTED | LIKE_SCARS)
def test_the_example_has_no_errors(write: Write, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAHUB_TOKEN", "t")

    assert errors(checks.check(fdl.read(write((DOCUMENTED | LIKE_SCARS)[name])))) == []


@pytest.mark.parametrize(
    "name",
    [
        "two Functions through S3",
        "an image and nothing else",
        "an image from a registry of AWS",
        "one script between two folders",
        "with all of the environment",
        "a file of SCAR 2",
        "Batch with a GPU",
        "nodes that work together in Batch",
        "a workflow of sound and pictures",
        "Onedata in and out",
        "an HTTP API",
        "behind an API",
    ],
)
def test_what_runs_in_lambda_and_batch_can_be_deployed(write: Write, name: str) -> None:
    assert errors(checks.check(fdl.read(write((DOCUMENTED | LIKE_SCARS)[name])))) == []
