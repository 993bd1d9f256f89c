"""Jobs made of jobs: the children of an array, the nodes of a multi-node job, and what each is given."""

from __future__ import annotations

from collections.abc import Mapping

from hfaas_emulator.batch.capacity import Lease
from hfaas_emulator.batch.job import Resources, Status, Submission
from hfaas_emulator.batch.runner import Work
from hfaas_emulator.batch.state import Job


def grow(submission: Submission, number: int) -> Job:
    """Make a job with its children or nodes, all just submitted; `number` is its place among all jobs."""
    job = Job(submission, (number, 0))
    if submission.array:
        job.children = tuple(
            Job(submission, (number, index), index=index, parent=job) for index in range(submission.array)
        )
        job.summary[Status.SUBMITTED] = submission.array
    elif submission.is_multinode:
        nodes = range(len(submission.tasks))
        job.nodes = tuple(Job(submission, (number, node), node=node, parent=job) for node in nodes)
    return job


def members(job: Job) -> tuple[Job, ...]:
    """Return a job and its nodes, which go through its states with it."""
    return (job, *job.nodes)


def need(job: Job) -> Resources:
    """Return what must be free at once for a job to start."""
    tasks = job.submission.tasks if job.submission.is_multinode else (job.task,)
    wants = [task.resources for task in tasks]
    return Resources(
        sum(each.vcpus for each in wants), sum(each.memory_mb for each in wants), sum(each.gpus for each in wants)
    )


def works(job: Job, lease: Lease) -> tuple[Work, ...]:
    """Return the containers of a job's next attempt: one, or one for each node in their order."""
    if not job.nodes:
        return (_work(job, lease, lease.vcpus, lease.memory_mb, lease.gpus, _array_variables(job)),)
    whole, gpus, made = need(job), list(lease.gpus), []
    for node in job.nodes:
        wants = node.task.resources
        mine, gpus = gpus[: wants.gpus], gpus[wants.gpus :]
        vcpus = wants.vcpus * lease.vcpus / whole.vcpus
        memory_mb = int(wants.memory_mb * lease.memory_mb / whole.memory_mb)
        made.append(_work(node, lease, vcpus, memory_mb, tuple(mine), _node_variables(node)))
    return tuple(made)


def _work(
    job: Job, lease: Lease, vcpus: float, memory_mb: int, gpus: tuple[str, ...], variables: Mapping[str, str]
) -> Work:
    submission = job.submission
    return Work(
        job.id,
        job.attempt,
        submission.account,
        submission.region,
        submission.definition_name,
        submission.queue.rpartition("/")[2],
        lease.environment.rpartition("/")[2],
        job.task,
        vcpus,
        memory_mb,
        gpus,
        variables,
        own_network=job.node is not None,
        invocation=submission.invocation,
    )


def _array_variables(job: Job) -> dict[str, str]:
    if job.index is None:
        return {}
    return {
        "AWS_BATCH_JOB_ARRAY_INDEX": str(job.index),
        "AWS_BATCH_JOB_ARRAY_SIZE": str(job.submission.array),
    }


def _node_variables(node: Job) -> dict[str, str]:
    return {
        "AWS_BATCH_JOB_NODE_INDEX": str(node.node),
        "AWS_BATCH_JOB_NUM_NODES": str(len(node.submission.tasks)),
        "AWS_BATCH_JOB_MAIN_NODE_INDEX": str(node.submission.main_node),
    }
