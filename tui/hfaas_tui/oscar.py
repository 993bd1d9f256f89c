"""What commands do with `--target oscar`: plan, promote, list, read logs, invoke, destroy.

Plain parameters in, an exit code out. Everything that a cluster says is cleaned before it is printed; keys and tokens
are never printed.
"""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from hfaas_deploy import checks, fdl
from hfaas_deploy.checks import services
from hfaas_deploy.errors import FdlError
from hfaas_deploy.findings import Finding, errors
from hfaas_deploy.oscar import access, messages, procedure
from hfaas_deploy.oscar.cluster import Cluster, Found, Job
from hfaas_deploy.oscar.plan import Action, Plan
from hfaas_deploy.oscar.procedure import Doomed
from hfaas_deploy.oscar.service import MARK
from hfaas_deploy.pipeline import Pipeline
from hfaas_tui.clean import clean
from hfaas_tui.errors import CliError
from hfaas_tui.output import console, print_findings, print_json, print_news, print_text, table
from hfaas_tui.where import Where

PIPELINE = Path("pipeline.yaml")
Ask = Callable[[str], bool]


def ask(question: str) -> bool:
    """Ask on the terminal; CliError where there is none to ask."""
    if not sys.stdin.isatty():
        raise CliError("nobody can be asked here", "look at it with --dry-run, then say --yes")
    return click.confirm(clean(question), err=True)


def promote(
    file: Path,
    where: Where,
    *,
    dry_run: bool = False,
    yes: bool = False,
    adopt: bool = False,
    as_json: bool = False,
    confirm: Ask = ask,
) -> int:
    """Bring a pipeline to a cluster; exit code 1 when the user did not want to."""
    pipeline = _judged(file)
    with _connected(pipeline, where) as there:
        made = procedure.plan(pipeline, there, os.environ, _say, adopt=adopt)
        _show(made, as_json=as_json)
        if dry_run or (made.is_idle and not made.taken):
            return 1 if made.taken else 0
        if not made.taken and not yes and not confirm(f"Bring this to {there.access.host} as {there.access.user}?"):
            return 1
        procedure.promote(there, made, _say)
        if not as_json:
            print_text(f"{made.stack}: promoted to {there.access.endpoint}")
    return 0


def destroy(file: Path, where: Where, *, yes: bool = False, as_json: bool = False, confirm: Ask = ask) -> int:
    """Delete a pipeline's services; exit code 1 when the user did not want to."""
    pipeline = fdl.parse(file)
    with _connected(pipeline, where) as there:
        condemned = procedure.doomed(pipeline, there)
        if not condemned:
            print_news(f"{pipeline.stack} has nothing on {there.access.host}")
        for one in condemned:
            print_news(_sentence(one))
        if (
            condemned
            and not yes
            and not confirm(f"Delete this from {there.access.host}? It cannot be brought back.")
        ):
            return 1
        procedure.destroy(there, condemned, _say)
        if as_json:
            print_json([{"service": one.name, "buckets": list(one.buckets)} for one in condemned])
        elif condemned:
            print_text(f"{pipeline.stack}: gone from {there.access.endpoint}")
    return 0


def ls(where: Where, *, file: Path | None = None, as_json: bool = False) -> int:
    """List the services of a cluster."""
    with _connected(_near(file), where) as there:
        rows = [_row(found) for found in procedure.services(there)]
    if as_json:
        print_json(rows)
    elif rows:
        console().print(table([*rows[0]], (tuple(map(_cell, row.values())) for row in rows)))
    else:
        print_text(f"no services; bring some there with `hfaas promote{where.again}`")
    return 0


def jobs(name: str, where: Where, *, as_json: bool = False) -> int:
    """List the jobs of a service."""
    with _connected(_near(), where) as there:
        rows = [_job(one) for one in procedure.jobs(there, name)]
    if as_json:
        print_json(rows)
    elif rows:
        console().print(table([*rows[0]], (tuple(row.values()) for row in rows)))
    else:
        print_text(f"{name} has no jobs")
    return 0


def logs(
    name: str,
    where: Where,
    *,
    job: str = "",
    as_json: bool = False,
) -> int:
    """Print the log of a job of a service, or of the latest one; exit code 1 when there is none."""
    with _connected(_near(), where) as there:
        found, text = procedure.logs(there, name, job)
    if as_json:
        print_json({"service": name, "job": found.name if found else None, "log": text})
    elif found is None:
        print_news(f"no job of {name} has started yet")
    else:
        if not job:
            print_news(f"{found.name}: {found.status}, {found.started or 'not started'}")
        print_text(text.rstrip("\n"))
    return 0 if found else 1


def invoke(
    name: str,
    payload: bytes,
    where: Where,
    *,
    asynchronous: bool = False,
    as_json: bool = False,
) -> int:
    """Send a payload to a service and print what it answers, as it came where nobody reads it on a terminal."""
    with _connected(_near(), where) as there:
        answer = procedure.invoke(there, name, payload, synchronous=not asynchronous)
    if as_json:
        print_json({"service": name, "queued": asynchronous, **_answered(answer)})
    elif asynchronous:
        print_text(f"{name}: queued; `hfaas logs {name}{where.again}` shows the latest job")
    elif sys.stdout.isatty():
        print_text(answer.decode(errors="replace").rstrip("\n"))
    else:
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()
    return 0


def _judged(file: Path) -> Pipeline:
    """The pipeline of a file without errors; its warnings are told, but those that are for other targets."""
    pipeline = fdl.parse(file)
    found = checks.check(pipeline)
    if errors(found):
        raise FdlError(found)
    print_findings(_of_interest(pipeline, found))
    return pipeline


def _of_interest(pipeline: Pipeline, found: Sequence[Finding]) -> list[Finding]:
    """With services in the file, what is said about Functions is for AWS; without, OSCAR has its own words for it."""
    if not pipeline.services:
        return [finding for finding in found if finding.code == "secret"]
    places = [pipeline.spot(service.place).line for service in pipeline.services]
    functions = [pipeline.spot(function.place).line for function in pipeline.functions]
    return [
        finding
        for finding in found
        if finding.code != services.ELSEWHERE and not _in_functions(finding.spot.line, places, functions)
    ]


def _in_functions(line: int, services_at: Sequence[int], functions_at: Sequence[int]) -> bool:
    """Say whether a line is in the part of the file that is for AWS."""
    before = [(at, "oscar") for at in services_at if at <= line] + [
        (at, "aws") for at in functions_at if at <= line
    ]
    return bool(before) and max(before)[1] == "aws"


def _near(file: Path | None = None) -> Pipeline | None:
    """The pipeline that says where clusters are: of the file named, or of the one in this folder, if there is one."""
    if file is None and not PIPELINE.is_file():
        return None
    return fdl.parse(file or PIPELINE)


@contextmanager
def _connected(pipeline: Pipeline | None, where: Where) -> Iterator[Cluster]:
    chosen = access.choose(pipeline, os.environ, endpoint=where.endpoint or "", cluster=where.cluster)
    if not chosen.verify:
        print_news(f"the certificate of {chosen.host} is not looked at: ssl_verify is false")
    with Cluster(chosen) as there:
        yield there


def _say(message: messages.Message) -> None:
    match message:
        case messages.Checked(warnings):
            print_findings(warnings)
        case messages.Started(name, what):
            print_news(f"{name}: {what}")
        case messages.Created(name):
            print_news(f"{name}: created")
        case messages.Updated(name, changed):
            print_news(f"{name}: updated ({', '.join(changed)})")
        case messages.Kept(name):
            print_news(f"{name}: as it should be")
        case messages.Deleted(name):
            print_news(f"{name}: deleted")


def _show(made: Plan, *, as_json: bool) -> None:
    """Print what a promotion will do."""
    rows = [
        {"service": step.name, "action": str(step.action), "changed": list(step.changed), "reason": step.reason}
        for step in made.steps
    ]
    if as_json:
        print_json(
            {"endpoint": made.endpoint, "stack": made.stack, "services": rows, "left_over": list(made.left_over)}
        )
    else:
        marks = {Action.CREATE: "+", Action.UPDATE: "~", Action.SAME: "=", Action.TAKEN: "!"}
        shown = (
            (f"{marks[step.action]} {step.name}", step.action, ", ".join(step.changed) or step.reason)
            for step in made.steps
        )
        console().print(table(["service", "action", "because of"], shown))
    if made.left_over:
        print_news(f"no longer in the file, and left as they are: {', '.join(made.left_over)}")


def _sentence(one: Doomed) -> str:
    if not one.buckets:
        return f"{one.name} will be deleted"
    return f"{one.name} will be deleted, and the cluster deletes its buckets with all that is in them: {', '.join(one.buckets)}"


def _row(found: Found) -> dict[str, Any]:
    """What may be shown of a service: none of its keys, and not its token."""
    told = found.wire
    return {
        "service": found.name,
        "image": str(told.get("image") or ""),
        "memory": str(told.get("memory") or ""),
        "cpu": str(told.get("cpu") or ""),
        "input": _paths(told.get("input")),
        "output": _paths(told.get("output")),
        "pipeline": str(found.annotations.get(MARK) or ""),
        "owner": found.owner,
    }


def _paths(told: Any) -> list[str]:
    entries = [entry for entry in told if isinstance(entry, dict)] if isinstance(told, list) else []
    return [f"{entry.get('storage_provider', '')}:{entry.get('path', '')}" for entry in entries]


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _job(one: Job) -> dict[str, str]:
    return {
        "job": one.name,
        "status": one.status,
        "created": one.created,
        "started": one.started,
        "finished": one.finished,
    }


def _answered(answer: bytes) -> Mapping[str, Any]:
    try:
        return {"answer": answer.decode(), "base64": False}
    except UnicodeDecodeError:
        return {"answer": base64.b64encode(answer).decode(), "base64": True}
