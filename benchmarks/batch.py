"""AWS Batch: how soon a job is done, and how well a full queue keeps its slots busy; moto in the same run.

    uv run python -m benchmarks batch [--only one,many,peer]

The floor of a job is the same image and command created, started and waited for by the Docker SDK, on the bridge.
A slot is held from STARTING until the state that ends the job, as the trace says; it works while it is RUNNING.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import docker
from benchmarks.emulator import answers, free_port, until
from benchmarks.figures import Row, median, percentile, table

from hfaas_emulator.trace import What
from hfaas_tui.rehearsal import Options, rehearsal
from hfaas_tui.watch import Emulator

ROUNDS = 20
QUEUED = 200
SLOTS = 2
NAP_S = 1
PEER_JOBS = 20
LOOK_S = 0.005
ENDED = ("SUCCEEDED", "FAILED")


@dataclass(frozen=True, slots=True)
class Site:
    """A server that speaks Batch, with one queue of two vCPUs and one definition."""

    endpoint: str
    batch: Any

    def submit(self, name: str, command: Sequence[str]) -> str:
        """Submit a job of one vCPU and return its id."""
        made = self.batch.submit_job(
            jobName=name, jobQueue="bench", jobDefinition="bench", containerOverrides={"command": list(command)}
        )
        return str(made["jobId"])

    def jobs(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Describe jobs, a hundred in a call."""
        pages = [ids[at : at + 100] for at in range(0, len(ids), 100)]
        return [job for page in pages for job in self.batch.describe_jobs(jobs=page)["jobs"]]

    def one(self) -> float:
        """Return the seconds from the submission of `true` to the look that sees it SUCCEEDED."""
        begun = time.perf_counter()
        job = self.submit("one", ["true"])
        until(lambda: self.jobs([job])[0]["status"] in ENDED, LOOK_S)
        seconds = time.perf_counter() - begun
        succeeded(self.jobs([job]))
        return seconds


def run(arguments: list[str]) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser("benchmarks batch", description=__doc__)
    parser.add_argument("--base", default="hfaas/base:bookworm")
    parser.add_argument("--only", default="one,many,peer", help="cases, separated by commas")
    chosen = parser.parse_args(arguments)
    wanted = chosen.only.split(",")
    floor = median([floor_of_one(chosen.base) for _ in range(ROUNDS)])
    rows: list[Row] = []
    if {"one", "many"} & set(wanted):
        with ours(chosen.base) as (site, emulator):
            rows += single("hfaas", site, floor) if "one" in wanted else ()
            rows += many(site, emulator) if "many" in wanted else ()
    if "peer" in wanted:
        with moto(chosen.base) as site:
            rows += single("moto", site, floor)
            rows += together(site)
    print(table(("case", "measured", "floor or ideal", "over it", "aim"), rows))


def floor_of_one(image: str) -> float:
    """Return the seconds that the engine alone takes for `true`."""
    client = docker.from_env()
    begun = time.perf_counter()
    container = client.containers.create(image, ["true"], mem_limit="128m", nano_cpus=1_000_000_000)
    container.start()
    container.wait()
    seconds = time.perf_counter() - begun
    container.remove(force=True)
    client.close()
    return seconds


def single(name: str, site: Site, floor: float) -> Iterator[Row]:
    """One `true` after the other."""
    site.one()  # imports and first connections
    taken = [site.one() for _ in range(ROUNDS)]
    p50 = median(taken)
    yield (
        f"{name}: `true`, submit to SUCCEEDED, p50 / p95",
        f"{p50 * 1000:.0f} / {percentile(taken, 0.95) * 1000:.0f} ms",
        f"{floor * 1000:.0f} ms",
        f"+{(p50 - floor) * 1000:.0f} ms ({p50 / floor:.2f}x)",
        "<= +250 ms",
    )


def many(site: Site, emulator: Emulator) -> Iterator[Row]:
    """A full queue at two slots."""
    begun = time.perf_counter()
    ids = [site.submit(f"nap-{number}", ["sleep", str(NAP_S)]) for number in range(QUEUED)]
    submitted = time.perf_counter() - begun
    until(lambda: emulator.idle(1)["idle"])
    jobs = site.jobs(ids)
    succeeded(jobs)
    wall = (max(job["stoppedAt"] for job in jobs) - min(job["startedAt"] for job in jobs)) / 1000
    running = sum(job["stoppedAt"] - job["startedAt"] for job in jobs) / 1000
    held = held_seconds(emulator, set(ids))
    yield f"{QUEUED} submissions", f"{submitted:.2f} s", "", f"{submitted / QUEUED * 1000:.1f} ms each", ""
    yield (
        f"{QUEUED} jobs of {NAP_S} s at maxvCpus {SLOTS}: wall",
        f"{wall:.1f} s",
        f"{QUEUED * NAP_S / SLOTS:.0f} s",
        f"{wall / (QUEUED * NAP_S / SLOTS):.2f}x",
        "",
    )
    yield "slots held", f"{held / (SLOTS * wall):.1%}", "100 %", "", ">= 95 %"
    yield "slots RUNNING", f"{running / (SLOTS * wall):.1%}", "", "", ""


def held_seconds(emulator: Emulator, ids: set[str]) -> float:
    """Add up how long the jobs held their slots."""
    began: dict[str, float] = {}
    held = 0.0
    for hop in emulator.hops():
        job, status = str(hop.detail.get("job")), hop.detail.get("status")
        if hop.what is not What.JOB_STATE or job not in ids:
            continue
        if status == "STARTING":
            began[job] = hop.time
        elif status in ENDED:
            held += hop.time - began.pop(job)
    return held


def together(site: Site) -> Iterator[Row]:
    """How many jobs a peer runs at once where two fit."""
    ids = [site.submit(f"nap-{number}", ["sleep", str(NAP_S)]) for number in range(PEER_JOBS)]
    most = 0

    def done() -> bool:
        nonlocal most
        states = [job["status"] for job in site.jobs(ids)]
        most = max(most, states.count("RUNNING"))
        return all(state in ENDED for state in states)

    until(done, 0.05)
    succeeded(site.jobs(ids))
    yield f"moto: {PEER_JOBS} jobs at maxvCpus {SLOTS}, most at once", str(most), str(SLOTS), "", ""


def succeeded(jobs: Sequence[dict[str, Any]]) -> None:
    """Insist on success."""
    failed = [job for job in jobs if job["status"] != "SUCCEEDED"]
    if failed:
        raise SystemExit(f"{len(failed)} jobs failed: {failed[0].get('statusReason')} {failed[0].get('container')}")


@contextmanager
def ours(base: str) -> Iterator[tuple[Site, Emulator]]:
    """Start an emulator with a queue of two vCPUs."""
    with (
        tempfile.TemporaryDirectory() as place,
        rehearsal(Options(Path(place), engine="docker", discard=True)) as emulator,
    ):
        yield prepared(emulator.endpoint, base, ["subnet-00000000"], ["sg-00000000"]), emulator


@contextmanager
def moto(base: str) -> Iterator[Site]:
    """Start moto's own server, with the network it insists on."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    program = Path(sys.executable).with_name("moto_server")
    server = subprocess.Popen([program, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(f"{endpoint}/moto-api/"), 0.05)
        ec2 = client(endpoint, "ec2")
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        yield prepared(endpoint, base, [subnet], [group])
    finally:
        server.terminate()
        server.wait()


def prepared(endpoint: str, image: str, subnets: list[str], groups: list[str]) -> Site:
    """Make role, compute environment, queue and definition."""
    role = client(endpoint, "iam").create_role(RoleName="bench", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    batch = client(endpoint, "batch")
    batch.create_compute_environment(
        computeEnvironmentName="bench",
        type="MANAGED",
        state="ENABLED",
        serviceRole=role,
        computeResources={
            "type": "FARGATE",
            "maxvCpus": SLOTS,
            "subnets": subnets,
            "securityGroupIds": groups,
        },
    )
    batch.create_job_queue(
        jobQueueName="bench",
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "bench"}],
    )
    batch.register_job_definition(
        jobDefinitionName="bench",
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties={
            "image": image,
            "command": ["true"],
            "executionRoleArn": role,
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
        },
    )
    return Site(endpoint, batch)


def client(endpoint: str, service: str) -> Any:
    """Return a client of a server on this machine."""
    make: Callable[..., Any] = boto3.client
    return make(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "bench"),
        aws_secret_access_key="bench",
    )
