"""Where the jobs of Functions run: for each a compute environment, a queue and a job definition.

The job runs the Function's own image with the argument `batch`, under the same FUNCTION_CONFIG as its Lambda
function, and logs into the same group. Fargate is taken where it can do the work, since it has no machines to wait for.
Failed jobs reach the dead letters by a rule; one policy lets all rules in, because a queue holds one policy only.
"""

from __future__ import annotations

import json

from hfaas_deploy import fargate, names, secret_variables
from hfaas_deploy.pipeline import Batch, Function, Machines, Pipeline
from hfaas_deploy.template import file_systems, network
from hfaas_deploy.template.functions import DEAD_LETTERS, job, own_secret, secrets_of, tags
from hfaas_deploy.template.policies import Json, job_statements, managed, role

INSTANCES = "JobInstances"
INSTANCE_ROLE = "JobInstanceRights"
STARTER = "JobStarterRights"
GPU_INSTANCES = ("g4dn", "g5")
BEST_INSTANCES = {"x86_64": "optimal", "arm64": "default_arm64"}
HOST_LOST = "Host EC2*"
SPOT_TASK_LOST = "Your Spot Task was interrupted*"
ATTEMPTS = 3


def resources(pipeline: Pipeline) -> Json:
    """Everything that jobs need, by logical id; nothing in a pipeline without jobs."""
    functions = [function for function in pipeline.functions if function.has_jobs]
    if not functions:
        return {}
    own = {name: one for function in functions for name, one in _of(function).items()}
    return {**own, **_shared(functions), f"{DEAD_LETTERS}Policy": _dead_letters_policy(functions)}


def outputs(pipeline: Pipeline) -> Json:
    """The queues, for whoever wants to watch them."""
    queues = [names.logical(function.name, "Queue") for function in pipeline.functions if function.has_jobs]
    return {queue: {"Value": {"Ref": queue}} for queue in queues}


def definition_size(function: Function) -> int:
    """Bytes of the job definition as compact JSON; what CloudFormation fills in is short beside the rest."""
    return len(json.dumps(_definition(function)["Properties"], separators=(",", ":"), ensure_ascii=False).encode())


def memory(function: Function) -> int:
    """MiB of a job: on Fargate the least amount that is sold and suffices."""
    batch = function.batch
    sold = fargate.memory(batch.vcpus, batch.memory) if batch.compute.kind.is_fargate else None
    return sold or batch.memory


def instance_types(function: Function) -> tuple[str, ...]:
    """The instances asked for, or what fits."""
    fitting = GPU_INSTANCES if function.batch.gpu else (BEST_INSTANCES[function.architecture],)
    return function.batch.compute.instance_types or fitting


def _of(function: Function) -> Json:
    """No kind ends in another (`JobRole` would): the ids of a function `x-job` and of `x` would meet."""

    def named(kind: str) -> str:
        return names.logical(function.name, kind)

    return {
        named("Compute"): _compute_environment(function),
        named("Queue"): _queue(function),
        named("Job"): _definition(function),
        named("Worker"): _worker(function),
        named("Failures"): _failures(function),
    }


def _worker(function: Function) -> Json:
    statements = [*job_statements(function), *file_systems.statements(function)]
    return _resource("IAM::Role", role("ecs-tasks.amazonaws.com", statements))


def _shared(functions: list[Function]) -> Json:
    """What Batch itself needs to start jobs: on instances the instances' role, on Fargate one for each task."""
    shared: Json = {}
    if any(function.batch.compute.kind.is_fargate for function in functions):
        properties = managed("ecs-tasks.amazonaws.com", "AmazonECSTaskExecutionRolePolicy")
        shared[STARTER] = _resource("IAM::Role", properties)
    if not all(function.batch.compute.kind.is_fargate for function in functions):
        properties = managed("ec2.amazonaws.com", "AmazonEC2ContainerServiceforEC2Role")
        shared[INSTANCE_ROLE] = _resource("IAM::Role", properties)
        shared[INSTANCES] = _resource("IAM::InstanceProfile", {"Roles": [{"Ref": INSTANCE_ROLE}]})
    return shared


def _resource(kind: str, properties: Json) -> Json:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def _compute_environment(function: Function) -> Json:
    """Without a ServiceRole AWS takes its service-linked one, which alone can update an environment in place."""
    return _resource(
        "Batch::ComputeEnvironment",
        {
            "Type": "MANAGED",
            "State": "ENABLED" if function.batch.enabled else "DISABLED",
            "ReplaceComputeEnvironment": False,
            "ComputeResources": _compute_resources(function),
            "Tags": {"createdby": "hfaas"},
        },
    )


def _compute_resources(function: Function) -> Json:
    compute = function.batch.compute
    shared = {
        "Type": compute.kind.value,
        "MaxvCpus": compute.max_vcpus,
        **network.of_jobs(function),
    }
    if compute.kind.is_fargate:
        return shared
    spot = compute.kind is Machines.SPOT
    return {
        **shared,
        "MinvCpus": compute.min_vcpus,
        "AllocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED" if spot else "BEST_FIT_PROGRESSIVE",
        "InstanceTypes": list(instance_types(function)),
        "InstanceRole": {"Fn::GetAtt": [INSTANCES, "Arn"]},
        "Ec2Configuration": [{"ImageType": "ECS_AL2023_NVIDIA" if function.batch.gpu else "ECS_AL2023"}],
        "Tags": {"createdby": "hfaas"},
    }


def _queue(function: Function) -> Json:
    environment = {"Ref": names.logical(function.name, "Compute")}
    return _resource(
        "Batch::JobQueue",
        {
            "Priority": 1,
            "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": environment}],
            "Tags": {"createdby": "hfaas"},
        },
    )


def _definition(function: Function) -> Json:
    nodes = function.batch.multi_node
    container = _container(function)
    what: Json = {"Type": "container", "ContainerProperties": container}
    if nodes:
        every = {"TargetNodes": "0:", "Container": container}
        properties = {"NumNodes": nodes.nodes, "MainNode": nodes.main, "NodeRangeProperties": [every]}
        what = {"Type": "multinode", "NodeProperties": properties}
    return _resource(
        "Batch::JobDefinition",
        {
            **what,
            "JobDefinitionName": function.name,
            "PlatformCapabilities": ["FARGATE" if function.batch.compute.kind.is_fargate else "EC2"],
            "RetryStrategy": _retries(function.batch),
            "Timeout": {"AttemptDurationSeconds": function.job_timeout},
            "PropagateTags": True,
            "Tags": tags(function),
        },
    )


def _retries(batch: Batch) -> Json:
    """A lost machine is worth another attempt; a script that failed would fail again, and cost an instance."""
    lost = [HOST_LOST, *([SPOT_TASK_LOST] if batch.compute.kind is Machines.FARGATE_SPOT else [])]
    again = [{"OnStatusReason": reason, "Action": "RETRY"} for reason in lost]
    return {"Attempts": ATTEMPTS, "EvaluateOnExit": [*again, {"OnReason": "*", "Action": "EXIT"}]}


def _container(function: Function) -> Json:
    logs = {
        "awslogs-group": {"Ref": names.logical(function.name, "Logs")},
        "awslogs-region": {"Ref": "AWS::Region"},
        "awslogs-stream-prefix": "batch",
    }
    return {
        "Image": {"Ref": names.image_parameter(function.name)},
        "Command": ["batch"],
        "ResourceRequirements": _requirements(function),
        "Environment": [{"Name": name, "Value": text} for name, text in sorted(_environment(function).items())],
        "JobRoleArn": {"Fn::GetAtt": [names.logical(function.name, "Worker"), "Arn"]},
        "LogConfiguration": {"LogDriver": "awslogs", "Options": logs},
        **file_systems.of_jobs(function),
        **(_on_fargate(function) if function.batch.compute.kind.is_fargate else {}),
    }


def _environment(function: Function) -> Json:
    config = {"FUNCTION_CONFIG": job(function).encode()}
    told = secret_variables.told(function, function.batch.variables)
    return {**told, **secrets_of(function.providers), **own_secret(function), **config}


def _requirements(function: Function) -> list[Json]:
    needs = {"VCPU": f"{function.batch.vcpus:g}", "MEMORY": str(memory(function))}
    if function.batch.gpu:
        needs["GPU"] = "1"
    return [{"Type": kind, "Value": value} for kind, value in needs.items()]


def _on_fargate(function: Function) -> Json:
    """A public address, since the default VPC has no other way to where images are."""
    platform = {"x86_64": "X86_64", "arm64": "ARM64"}[function.architecture]
    return {
        "ExecutionRoleArn": {"Fn::GetAtt": [STARTER, "Arn"]},
        "NetworkConfiguration": {"AssignPublicIp": "ENABLED"},
        "RuntimePlatform": {"CpuArchitecture": platform, "OperatingSystemFamily": "LINUX"},
    }


def _failures(function: Function) -> Json:
    pattern = {
        "source": ["aws.batch"],
        "detail-type": ["Batch Job State Change"],
        "detail": {"jobQueue": [{"Ref": names.logical(function.name, "Queue")}], "status": ["FAILED"]},
    }
    target = {"Id": "dead-letters", "Arn": {"Fn::GetAtt": [DEAD_LETTERS, "Arn"]}}
    return _resource("Events::Rule", {"EventPattern": pattern, "Targets": [target]})


def _dead_letters_policy(functions: list[Function]) -> Json:
    rules = [{"Fn::GetAtt": [names.logical(function.name, "Failures"), "Arn"]} for function in functions]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": {"Fn::GetAtt": [DEAD_LETTERS, "Arn"]},
        "Condition": {"ArnEquals": {"aws:SourceArn": rules}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return _resource("SQS::QueuePolicy", {"Queues": [{"Ref": DEAD_LETTERS}], "PolicyDocument": document})
