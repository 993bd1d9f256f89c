"""Where a command goes: to an emulator, to AWS, or to an OSCAR cluster.

Commands ask for clients of AWS's standard APIs and do not care which of the first two answers. What only an emulator
has (the trace, spaces, what it runs on) is asked of `emulator()`, which says so where there is none.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hfaas_tui import watch
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.watch import Emulator

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from hfaas_deploy.aws.target import Target
    from hfaas_deploy.pipeline import Pipeline

Kind = Literal["local", "aws", "oscar"]

STAND_IN = "HFAAS_AWS_STAND_IN"
"""The variable that names a server of this machine which plays AWS, so that a promotion can be tried out."""

QUICK_S = 60
ANSWER_S = 930
"""Seconds: as long as a function may run, and a little."""
CONNECTIONS = 16


@dataclass(frozen=True)
class Where:
    """What the options of a command say about where it goes; `endpoint` is an emulator's or a cluster's."""

    kind: Kind = "local"
    endpoint: str | None = None
    state: Path | None = None
    profile: str = ""
    region: str = ""
    cluster: str = ""

    @property
    def is_local(self) -> bool:
        return self.kind == "local"

    def emulator(self) -> Emulator:
        """Return the emulator; CliError on AWS and OSCAR, which have none."""
        if not self.is_local:
            raise CliError(
                f"only an emulator can tell that, and --target is {self.kind}", "leave out --target, or use `local`"
            )
        return watch.find(self.endpoint, self.state)

    @cached_property
    def target(self) -> Target:
        """Return the account and region that is talked to; UsageError for AWS when no region is known."""
        from hfaas_deploy.aws.target import Target

        if self.is_local:
            return Target.local(self.emulator().endpoint)
        if self.kind == "oscar":
            raise CliError("an OSCAR cluster has none of AWS's services", "use --target aws, or local")
        return Target.aws(self.aws_region(), self.profile, stand_in())

    def target_of(self, pipeline: Pipeline) -> Target:
        """Return where a pipeline is promoted to: what the options leave open, its file says."""
        from hfaas_deploy.aws.target import Target
        from hfaas_deploy.promote.guard import profile_of

        named = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_ACCESS_KEY_ID")
        profile = self.profile or ("" if named else profile_of(pipeline))
        region = replace(self, profile=profile).aws_region(pipeline.written_region)
        return Target.aws(region, profile, stand_in())

    def aws_region(self, otherwise: str = "") -> str:
        """Return the region of AWS: the option's, the pipeline's, or what the user's AWS set-up says."""
        from hfaas_deploy.aws.target import configured_region

        found = self.region or otherwise or configured_region(self.profile)
        if not found:
            raise UsageError("no region is known", "name one with --region, as eu-west-1")
        return found

    def client(self, service: str, answer_within: float = QUICK_S) -> Any:
        """Return a boto3 client of a service; `answer_within` are the seconds that one answer may take."""
        return self.target.client(service, answer_within, CONNECTIONS)

    def s3(self) -> S3Client:
        """Return a client of S3; an emulator may need long to put the parts of a large object together."""
        made: S3Client = self.client("s3", ANSWER_S if self.is_local else QUICK_S)
        return made

    @property
    def again(self) -> str:
        """Return the options that lead there once more, for hints; empty for the emulator."""
        words = [f" --target {self.kind}"] if not self.is_local else []
        words += [f" --profile {self.profile}"] if self.profile else []
        words += [f" --region {self.region}"] if self.region else []
        words += [f" --cluster {self.cluster}"] if self.cluster else []
        words += [f" --endpoint {self.endpoint}"] if self.endpoint and self.kind == "oscar" else []
        return "".join(words)


def stand_in() -> str:
    """Return what stands in for AWS; empty for nothing."""
    return os.environ.get(STAND_IN, "")
