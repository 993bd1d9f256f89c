"""A project whose images are one small file each, promoted in this process or, to be interrupted, in one of its own.

    python -m tests.deploy.promote.stage FOLDER ID REGISTRY [no-smoke]

tells each message on a line, and ends with 130 on Ctrl-C and with 1 on an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.registry import Registry
from tests.standin import REGION

from hfaas_deploy import fdl, steps, template
from hfaas_deploy.aws import notifications
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.images import EngineImage, FunctionSource
from hfaas_deploy.errors import DeployError
from hfaas_deploy.messages import Happened, Message
from hfaas_deploy.promote import planning, procedure
from hfaas_deploy.promote.promotion import ImagePlan, Promoted, Promotion
from hfaas_deploy.promote.rehearsals import Rehearsals
from hfaas_deploy.promote.repositories import Repositories

TOKEN = "t0k3n-for-nobodys-eyes"
VARIABLE = "STAGE_TOKEN"
ROOT = Path(__file__).parents[3]

FDL = """\
hfaas: {{stack: stage-{id}}}
functions:
  aws:
  - lambda:
      name: split-{id}
      init_script: a.sh
      memory: 256
      timeout: 30
      container: {{image: "debian:bookworm-slim", environment: {{Variables: {{API_TOKEN: "${{STAGE_TOKEN}}"}}}}}}
      input: [{{storage_provider: s3, path: stage-{id}/in}}]
      output: [{{storage_provider: s3, path: stage-{id}/mid}}]
  - lambda:
      name: join-{id}
      init_script: b.sh
      timeout: 30
      execution_mode: lambda-batch
      container: {{image: "debian:bookworm-slim"}}
      input: [{{storage_provider: s3, path: stage-{id}/mid}}]
      output: [{{storage_provider: s3, path: stage-{id}/out}}]
"""


class Engine:
    """Images that hold one text; to push one is to upload it without a container engine."""

    client: Any = None

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.pushed: list[str] = []

    def foresee(self, function: FunctionSource) -> str:
        content = function.script.read_bytes() if function.script else b""
        return f"hfaas/{function.name}:{hashlib.sha256(content).hexdigest()[:12]}"

    def build(self, function: FunctionSource, progress: Callable[[str], None]) -> str:
        return self.foresee(function)

    def identity(self, reference: str) -> EngineImage | None:
        return self.made(reference)

    def made(self, text: str) -> EngineImage:
        """What an image with this text is called: as the registry has it."""
        room = f"scratch/{uuid.uuid4().hex}"
        self.registry.push(room, "one", text=text)
        manifest, _ = self.registry.manifest(room, "one") or ("{}", "")
        return EngineImage(json.loads(manifest)["config"]["digest"], 100)

    def push(
        self, _: procedure.Engine, image: ImagePlan, architecture: str, there: Repositories, progress: object
    ) -> str:
        """Send an image that is not there, as `pushing.push` does."""
        if found := there.stored(image.repository, image.tag):
            return found.digest
        assert there.has(image.repository)
        self.pushed.append(image.function)
        return self.registry.push(image.repository, image.tag, text=image.reference)


@dataclass
class Project:
    """A pipeline of its own and the account that it goes to."""

    folder: Path
    target: Target
    registry: Registry
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    said: list[Message] = field(default_factory=list)
    asked: list[Promotion] = field(default_factory=list)
    answer: Callable[[Promotion], bool] = lambda _: True

    def __post_init__(self) -> None:
        self.engine = Engine(self.registry)
        self.file = self.folder / "pipeline.yaml"
        if not self.file.exists():
            self.file.write_text(FDL.format(id=self.id))
            for name in ("a.sh", "b.sh"):
                (self.folder / name).write_text(f"#!/bin/sh\necho {self.id} {name}\n")

    @property
    def name(self) -> str:
        """What Stack and bucket are called."""
        return f"stage-{self.id}"

    @property
    def stack(self) -> Stack:
        return Stack.at(self.target, self.name)

    @property
    def fingerprint(self) -> str:
        """By what requests about the Stack's change sets can be told from others."""
        pipeline = steps.checked(fdl.parse(self.file), lambda _: None)
        return f"hfaas-{template.render(pipeline).sha256[:12]}"

    def edit(self, old: str, new: str) -> None:
        """Change the pipeline file."""
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    def borrow(self, name: str) -> str:
        """Make a bucket that is not the pipeline's."""
        bucket = f"{name}-{self.id}"
        where: Any = {"LocationConstraint": REGION}
        self.target.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        return bucket

    def listen_to(self, bucket: str) -> None:
        """Have the first Function listen to a bucket of others instead of what it listened to."""
        text = FDL.format(id=self.id).replace(f"path: stage-{self.id}/in", f"path: {bucket}/in")
        self.file.write_text(text.replace("}\n", f", buckets: {{{bucket}: {{existing: true}}}}}}\n", 1))

    def heard(self, bucket: str) -> int:
        """How many notifications a bucket has."""
        return notifications.others(notifications.read(self.target.client("s3"), bucket, self.target.account), "")

    def plan(self, target: Target | None = None) -> Promotion:
        unknown = replace(target or self.target, account="", subnets=(), security_groups=())
        rehearsals = Rehearsals(self.folder / "rehearsals")
        return planning.plan(fdl.parse(self.file), unknown, self.engine, rehearsals, self.said.append)

    def promote(
        self, promotion: Promotion | None = None, target: Target | None = None, *, smoke: bool = False
    ) -> Promoted:
        """Promote as it is planned; who is asked in between gives the `answer`."""
        planned = promotion or self.plan(target)
        unknown = replace(target or self.target, account="", subnets=(), security_groups=())
        return procedure.promote(
            planned, unknown, self.engine, self.said.append, self._asked, smoke=smoke, push=self.engine.push
        )

    def told(self, kind: type[Message]) -> list[Any]:
        return [message for message in self.said if isinstance(message, kind)]

    def child(self, url: str, registry: str = "", *, smoke: bool = False) -> subprocess.Popen[str]:
        """A process that promotes it to what stands in for AWS at `url`."""
        command = [sys.executable, "-u", "-m", "tests.deploy.promote.stage", str(self.folder), self.id]
        command += [registry or self.registry.address, *([] if smoke else ["no-smoke"])]
        environ = {**os.environ, "HFAAS_AWS_STAND_IN": url, VARIABLE: TOKEN}
        return subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def _asked(self, promotion: Promotion) -> bool:
        self.asked.append(promotion)
        return self.answer(promotion)


def _shown(message: Message) -> str:
    if isinstance(message, Happened):
        return f"Happened {message.event.resource} {message.event.status}"
    return type(message).__name__


def main() -> int:
    """Promote, and tell what happens."""
    folder, own, registry, *rest = sys.argv[1:]
    target = Target.aws(REGION, stand_in=os.environ["HFAAS_AWS_STAND_IN"])
    project = Project(Path(folder), target, Registry(registry), own)
    try:
        planned = project.plan()
        procedure.promote(
            planned,
            target,
            project.engine,
            lambda message: print(_shown(message)),  # noqa: T201 - the test reads it
            lambda _: True,
            smoke=not rest,
            push=project.engine.push,
        )
    except KeyboardInterrupt:
        return 130
    except DeployError as error:
        print(f"{type(error).__name__}: {error.message} | {error.hint}")  # noqa: T201 - the test reads it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
