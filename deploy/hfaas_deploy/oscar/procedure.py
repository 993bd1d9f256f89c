"""Bringing a pipeline to an OSCAR cluster, and taking it away.

    define (file -> JSON) -> plan (beside what is there) -> create or update, one service after the other

Run it again, and nothing happens to what is as it should be. A cluster knows no transaction: when it refuses one
service, those before it stay, and the error names them. What is not marked as this pipeline's is not touched.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass

from hfaas_deploy.oscar import messages, service
from hfaas_deploy.oscar import plan as plans
from hfaas_deploy.oscar.cluster import Cluster, Found, Job
from hfaas_deploy.oscar.errors import NameTaken, NoCluster, NoService, NotFinished, OscarError
from hfaas_deploy.oscar.messages import Progress
from hfaas_deploy.oscar.plan import Action, Plan, Step
from hfaas_deploy.pipeline import Pipeline


def nobody(_: messages.Message) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True, slots=True)
class Doomed:
    """A service that would be deleted, with the buckets that the cluster deletes with it, full or not."""

    name: str
    buckets: tuple[str, ...]


def plan(
    pipeline: Pipeline,
    cluster: Cluster,
    environ: Mapping[str, str],
    progress: Progress = nobody,
    *,
    adopt: bool = False,
) -> Plan:
    """What a promotion would do; nothing is changed. FdlError, MissingVariable and OscarError say why not."""
    ids = sorted({one.cluster.id for one in pipeline.services})
    if not cluster.access.cluster and len(ids) > 1:
        raise NoCluster("the file has services of several clusters", f"name one with --cluster: {', '.join(ids)}")
    defined = service.define(pipeline, cluster.access.cluster, environ)
    progress(messages.Checked(defined.warnings))
    made = plans.make(cluster, pipeline.stack, defined.services, adopt=adopt)
    progress(messages.Planned(made))
    return made


def promote(cluster: Cluster, made: Plan, progress: Progress = nobody) -> None:
    """Do what was planned; NameTaken before anything is done, NotFinished when the cluster refuses a service."""
    if made.taken:
        told = "; ".join(f"{step.name}: {step.reason}" for step in made.taken)
        hint = "give the service another name; --adopt takes over what nobody has marked"
        raise NameTaken(f"a name is taken on {cluster.access.host}: {told}", hint)
    done: list[str] = []
    for index, step in enumerate(made.steps):
        try:
            done += _do(cluster, step, progress)
        except OscarError as fault:
            raise _unfinished(fault, done, [one.name for one in made.steps[index + 1 :]], step.name) from None


def _do(cluster: Cluster, step: Step, progress: Progress) -> list[str]:
    """Do one step, and say what has become of it."""
    match step.action:
        case Action.CREATE:
            progress(messages.Started(step.name, "create"))
            cluster.create(step.definition.wire)
            progress(messages.Created(step.name))
            return [f"{step.name} created"]
        case Action.UPDATE:
            progress(messages.Started(step.name, "update"))
            # A cluster forgets whose a service is when an administrator changes it (OSCAR 4.1.2).
            owner = {"owner": step.found.owner} if step.found and step.found.owner else {}
            cluster.update({**step.definition.wire, **owner})
            progress(messages.Updated(step.name, step.changed))
            return [f"{step.name} updated"]
        case _:
            progress(messages.Kept(step.name))
            return []


def _unfinished(fault: OscarError, done: list[str], rest: list[str], name: str) -> OscarError:
    if not done and not rest:
        return fault
    what = f"done: {', '.join(done) or 'nothing'}; not done: {', '.join([name, *rest])}"
    hint = (
        f"{fault.hint}; then promote again: what is done stays as it is"
        if fault.hint
        else "promote again afterwards"
    )
    return NotFinished(f"{fault.message} ({what})", hint)


def doomed(pipeline: Pipeline, cluster: Cluster) -> tuple[Doomed, ...]:
    """The services of this pipeline on the cluster, also those that the file no longer has."""
    ours = (found for found in cluster.services() if found.annotations.get(service.MARK) == pipeline.stack)
    return tuple(Doomed(found.name, service.own_buckets(found.wire)) for found in ours)


def destroy(cluster: Cluster, condemned: tuple[Doomed, ...], progress: Progress = nobody) -> None:
    """Delete services and, as clusters do, their buckets with everything in them; one that is gone is no fault."""
    done: list[str] = []
    for index, one in enumerate(condemned):
        progress(messages.Started(one.name, "delete"))
        try:
            cluster.delete(one.name)
        except NoService:
            continue
        except OscarError as fault:
            raise _unfinished(fault, done, [each.name for each in condemned[index + 1 :]], one.name) from None
        done.append(f"{one.name} deleted")
        progress(messages.Deleted(one.name, one.buckets))


def services(cluster: Cluster) -> list[Found]:
    """All services that the user of the cluster may see, by name."""
    return cluster.services()


def jobs(cluster: Cluster, name: str) -> list[Job]:
    """The jobs of a service, the latest first; NoService when there is no such service."""
    return cluster.jobs(name)


def logs(cluster: Cluster, name: str, job: str = "") -> tuple[Job | None, str]:
    """What a job has written; without `job` the latest one that has started, which comes along. None: there is none."""
    if job:
        return Job(job, ""), cluster.log(name, job)
    started = [
        one for one in cluster.jobs(name) if one.started or one.status.lower() not in ("suspended", "pending")
    ]
    if not started:
        return None, ""
    return started[0], cluster.log(name, started[0].name)


def invoke(cluster: Cluster, name: str, payload: bytes, *, synchronous: bool = True) -> bytes:
    """Send a payload to a service; with `synchronous` what it answers, else nothing: a job has been made of it."""
    found = cluster.service(name)
    if found is None:
        raise NoService(
            f"{cluster.access.host} has no service {name!r}", "hfaas ls --target oscar lists its services"
        )
    answer = cluster.call(found, _event(payload), wait=synchronous)
    return _opened(answer) if synchronous else b""


def _event(payload: bytes) -> bytes:
    """A payload as the supervisor in the container takes it: JSON as it is, everything else as base64."""
    try:
        is_event = isinstance(json.loads(payload), dict)
    except (ValueError, RecursionError):
        is_event = False
    return payload if is_event else base64.b64encode(payload)


def _opened(answer: bytes) -> bytes:
    """What is in an answer: files come as base64, and what the script has said as it is."""
    text = b"".join(answer.split())
    if not text or len(text) % 4 or (len(text) < len(answer.strip()) and b" " in answer.strip()):
        return answer
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return answer
