"""Who a job's container is: a label says it all, so that an emulator started later knows without any other record."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from hfaas_emulator.batch.runner import Work

EMULATOR = "hfaas.emulator"
KIND = "hfaas.kind"
JOB = "hfaas.job"
TASK = "hfaas.task"


@dataclass(frozen=True, slots=True)
class Identity:
    """The ECS task that a container plays and where its output goes; `started` in Unix ms.

    `function` is the definition's name, which is the function's where hfaas deployed it; `request` the invocation
    its hops belong to.
    """

    job: str
    attempt: int
    account: str
    region: str
    function: str
    request: str
    group: str
    stream: str
    arn: str
    started: int
    endpoint: str

    @classmethod
    def of(cls, work: Work, started: int, endpoint: str) -> Identity:
        """Make up the task of an attempt, with a fresh id."""
        task, name = secrets.token_hex(16), definition_name(work.definition)
        return cls(
            job=work.job,
            attempt=work.attempt,
            account=work.account,
            region=work.region,
            function=name,
            request=work.invocation,
            group=work.task.log_group,
            stream=f"{work.task.log_prefix or name}/default/{task}",
            arn=f"arn:aws:ecs:{work.region}:{work.account}:task/AWSBatch-{work.environment}/{task}",
            started=started,
            endpoint=endpoint,
        )

    @property
    def key(self) -> str:
        """Return the attempt's `Work.key`."""
        return f"{self.job}/{self.attempt}"

    @property
    def task(self) -> str:
        """Return the task's id, which is the name of its role's session, too."""
        return self.arn.rpartition("/")[2]

    @property
    def container(self) -> str:
        """Return a name for the container that people recognize."""
        return f"hfaas-job-{self.function}-{self.stream[-12:]}"

    def labels(self, emulator: str) -> dict[str, str]:
        """Return the container's labels."""
        return {EMULATOR: emulator, KIND: "job", JOB: self.key, TASK: json.dumps(asdict(self))}

    @classmethod
    def read(cls, labels: Mapping[str, str]) -> Identity | None:
        """Read a container's labels back; None when another version of hfaas wrote them."""
        try:
            return cls(**json.loads(labels.get(TASK, "")))
        except (ValueError, TypeError):
            return None


def definition_name(definition: str) -> str:
    """Return the name in a definition's ARN, in `name:revision` or in a name."""
    return definition.rpartition("/")[2].partition(":")[0]
