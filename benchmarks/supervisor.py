"""Our supervisor beside faas-supervisor 1.5.8, in the same container, against the same S3.

    uv run python -m benchmarks supervisor --upstream FOLDER

FOLDER is upstream frozen, as it ships: in an environment with faas-supervisor==1.5.8 (installed with --no-deps),
awslambdaric==2.0.12, boto3, pyyaml, requests, setuptools, webdavclient3 and pyinstaller, a main.py that says
`import runpy; runpy.run_module("faassupervisor.supervisor", run_name="__main__")`, and

    pyinstaller --onedir --name supervisor --collect-submodules faassupervisor --collect-all awslambdaric \\
        --collect-all simplejson --hidden-import runtime_client --hidden-import distutils.util main.py
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
from benchmarks.figures import Row, table

from hfaas_deploy.building.images import DockerImages, FunctionSource
from hfaas_supervisor.job import Input, Job, Output
from hfaas_tui import transfer
from hfaas_tui.rehearsal import Options, rehearsal

BUCKET = "bench"
COPY = '#!/bin/sh\n[ -z "$STORAGE_OBJECT_KEY" ] || cp "$INPUT_FILE_PATH" "$TMP_OUTPUT_DIR/copy"\n'
HERE = Path(__file__).parent
CLIENT = b"""\
import sys
sys.path += ["/opt/hfaas/lib/site", "/bench"]
from awslambdaric.__main__ import main
if __name__ == "__main__":
    main(["awslambdaric", "client.handler"])
def handler(event, context):
    return {}
"""


def run(arguments: list[str]) -> None:
    """Measure both and print the table."""
    parser = argparse.ArgumentParser("benchmarks supervisor", description=__doc__)
    parser.add_argument("--base", default="hfaas/base:bookworm", help="base image, with Python")
    parser.add_argument("--upstream", type=Path, help="folder with the frozen faas-supervisor 1.5.8")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place, rehearsal(Options(Path(place), engine="process")) as emulator:
        client = transfer.s3(emulator.endpoint)
        client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key="in/file", Body=b"x" * 65536)
        with image(chosen, Path(place)) as name:
            ours = measure(name, emulator.endpoint, ours_task())
            theirs = measure(name, emulator.endpoint, upstream_task()) if chosen.upstream else None
    print(table(("figure", "hfaas", "faas-supervisor 1.5.8", "ratio", "aim"), rows(ours, theirs)))


def rows(ours: dict[str, Any], theirs: dict[str, Any] | None) -> Iterator[Row]:
    """Yield the figures beside each other."""
    other = theirs
    for name, key, aim in (
        ("start to first /next, ms", "start_ms", "<= 0.2x"),
        ("idle RSS, MiB", "idle_mib", "<= 0.4x"),
        ("warm event, ms", "warm_ms", ""),
        ("warm S3 64 KiB in + out, ms", "s3_ms", "<= 0.3x"),
    ):
        ratio = f"{ours[key] / other[key]:.2f}" if other else ""
        yield name, f"{ours[key]:.1f}", f"{other[key]:.1f}" if other else "", ratio, aim
    yield "warm event over script and Runtime API client, ms", _over(ours), _over(other), "", "<= 1 ms"
    yield "the bare script, ms", f"{ours['script_ms']:.2f}", f"{other['script_ms']:.2f}" if other else "", "", ""
    yield "awslambdaric 4.2.2 alone, ms", f"{ours['client_ms']:.2f}", "", "", ""


def _over(figures: dict[str, Any] | None) -> str:
    return f"{figures['warm_ms'] - figures['script_ms'] - figures['client_ms']:.2f}" if figures else ""


def ours_task() -> dict[str, Any]:
    """Say how our supervisor is started."""
    job = Job(name="bench", inputs=(Input("s3", f"{BUCKET}/in"),), outputs=(Output("s3", f"{BUCKET}/out"),))
    return {"command": ["/opt/hfaas/bin/hfaas-supervisor"], "environment": {"FUNCTION_CONFIG": job.encode()}}


def upstream_task() -> dict[str, Any]:
    """Say how upstream's is started."""
    document = {
        "name": "bench",
        "init_script": "/bench/script.sh",
        "input": [{"storage_provider": "s3", "path": f"{BUCKET}/in"}],
        "output": [{"storage_provider": "s3", "path": f"{BUCKET}/out"}],
        "container": {"timeout_threshold": 10, "environment": {"Variables": {}}},
        "storage_providers": {},
        "log_level": "INFO",
    }
    environment = {
        "FDL": base64.b64encode(json.dumps(document).encode()).decode(),
        "AWS_EXECUTION_ENV": "AWS_Lambda_Image",
    }
    return {"command": ["/upstream/supervisor"], "environment": environment}


def measure(name: str, endpoint: str, task: dict[str, Any]) -> dict[str, Any]:
    """Run the driver in a container of the image, on the host's network."""
    record = {"s3": {"bucket": {"name": BUCKET, "arn": f"arn:aws:s3:::{BUCKET}"}, "object": {"key": "in/file"}}}
    stamp = {"eventSource": "aws:s3", "eventTime": "2026-01-01T00:00:00.000Z", "eventName": "ObjectCreated:Put"}
    order = {
        **task,
        "script": "/bench/script.sh",
        "floor_script": "/bench/true.sh",
        "client": ["/opt/hfaas/bin/python3.11", "-ISB", "/bench/client.py"],
        "starts": 15,
        "warm": 200,
        "s3": 60,
        "s3_event": {"Records": [{**stamp, **record}]},
    }
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
        "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
        "_HANDLER": "",
    }
    said = docker.from_env().containers.run(
        name,
        ["/bench/driver.py", json.dumps(order)],
        entrypoint="/usr/bin/python3",
        environment=environment,
        network_mode="host",
        remove=True,
    )
    figures: dict[str, Any] = json.loads(said.splitlines()[-1])
    if '"statusCode": 200' not in figures["answer"].replace('":2', '": 2'):
        raise SystemExit(f"the last answer was no success: {figures['answer']}")
    return figures


@contextlib.contextmanager
def image(chosen: argparse.Namespace, place: Path) -> Iterator[str]:
    """Build an image that holds both supervisors and the driver."""
    script = place / "script.sh"
    script.write_text(COPY)
    with DockerImages() as images:
        derived = images.build(FunctionSource("bench", image=chosen.base, script=script), print)
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        add(tar, "Dockerfile", f"FROM {derived}\nADD bench /bench\nADD upstream /upstream\n".encode())
        add(tar, "bench/driver.py", (HERE / "driver.py").read_bytes())
        add(tar, "bench/script.sh", COPY.encode())
        add(tar, "bench/true.sh", b"true\n")
        add(tar, "bench/client.py", CLIENT)
        add(tar, "upstream/.keep", b"")
        if chosen.upstream:
            tar.add(chosen.upstream, "upstream")
    context.seek(0)
    client = docker.from_env()
    built, _ = client.images.build(fileobj=context, custom_context=True, rm=True)
    try:
        yield str(built.id)
    finally:
        client.images.remove(str(built.id), force=True)


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Put one file into an archive."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o755
    tar.addfile(entry, io.BytesIO(content))
