"""What a promotion to AWS would take there, and what is known of its rehearsal. Nothing here calls AWS.

First the pipeline file makes the template, whose SHA-256 is what "the thing you tested" means, and names the images.
Then the emulator is asked what it has of that.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from hfaas_tui.errors import CliError, NoEmulator
from hfaas_tui.ui.model import Problem, Target
from hfaas_tui.ui.project import project

if TYPE_CHECKING:
    from hfaas_deploy.building.images import FunctionSource
    from hfaas_deploy.pipeline import Pipeline
    from hfaas_tui.ui.backend import Backend
    from hfaas_tui.ui.settings import Settings
    from hfaas_tui.watch import Emulator

START = "S starts one"
GO_BACK = "^p Target: go to the local emulator"
LAYER = "hfaas-layer/"
"""How references begin of functions that run as plain processes: no image is made of them."""

SIGNS = (
    "aws_access_key_id",
    "sso_session",
    "sso_start_url",
    "role_arn",
    "credential_process",
    "login_session",
    "web_identity_token_file",
)
"""What a profile has one of when it can sign requests."""

ROLES = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


@dataclass(frozen=True, slots=True)
class Image:
    """The image of one function: what its files make now, and what is deployed; references, empty for unknown."""

    function: str
    wanted: str = ""
    deployed: str = ""
    size: int = 0

    @property
    def is_same(self) -> bool:
        """Tell whether exactly this is deployed."""
        return bool(self.wanted) and self.wanted == self.deployed

    @property
    def is_process(self) -> bool:
        return (self.deployed or self.wanted).startswith(LAYER)


@dataclass(frozen=True, slots=True)
class Seen:
    """What an emulator has of a Stack: its state, the template's SHA-256, images by function; no state: no Stack."""

    status: str = ""
    sha256: str = ""
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Secret:
    """A storage provider whose keys go into a secret once the Stack is up; `missing` names what nobody has set."""

    provider: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be promoted; `trouble` says why nothing is known of its rehearsal."""

    file: Path
    stack: str
    region: str
    sha256: str
    body: str = field(repr=False)
    document: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    functions: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    seen: Seen = Seen()
    trouble: Problem | None = None
    warnings: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    profile: str = "default"
    credentials: str = ""
    pipeline: Pipeline | None = field(default=None, repr=False)


class Witness(Protocol):
    """Knows what was rehearsed."""

    def look(self, pipeline: Pipeline) -> Seen:
        """Return what there is of a pipeline's Stack; CliError when nobody answers."""


class Holder(Protocol):
    """Whoever has a backend, now this one and later another."""

    backend: Backend
    settings: Settings


def of(holder: Holder) -> Witness:
    """Return who knows what was rehearsed; a backend may bring its own."""
    own: Witness | None = getattr(holder.backend, "witness", None)
    return own or EmulatorWitness(lambda: holder.backend.target, holder.settings.build_args)


def propose(file: Path, witness: Witness) -> Proposal:
    """Return what would be promoted now; CliError when the pipeline cannot be."""
    from hfaas_deploy import checks, fdl, steps, template
    from hfaas_deploy.aws import secret_values

    with told():
        pipeline = fdl.read(file)
        ready = steps.checked(pipeline, lambda _: None)
        rendered = template.render(ready)
        secrets = [Secret(one.provider.name, one.missing) for one in secret_values.values(ready, os.environ)]
        warnings = [f"{one.spot.line}: {one.message}" for one in checks.check(pipeline) if not one.is_error]
    seen, trouble = Seen(), None
    try:
        seen = witness.look(ready)
    except CliError as error:
        trouble = Problem(error.message, error.hint)
    profile = os.environ.get("AWS_PROFILE") or next((one.boto_profile for one in ready.functions), "default")
    return Proposal(
        file,
        ready.stack,
        region(ready),
        rendered.sha256,
        rendered.body,
        template.document(ready),
        tuple(one.name for one in ready.functions),
        rendered.parameters,
        seen,
        trouble,
        tuple(warnings),
        tuple(secrets),
        profile,
        credentials(profile, os.environ),
        ready,
    )


def region(pipeline: Pipeline) -> str:
    """Return the region that a promotion would go to; empty where none is named."""
    from hfaas_deploy.errors import DeployError
    from hfaas_tui.where import Where

    with suppress(CliError, DeployError):
        return Where("aws").target_of(pipeline).region
    return ""


# --- the rehearsal


@dataclass
class EmulatorWitness:
    """Asks the emulator that runs now, wherever it listens."""

    target: Callable[[], Target]
    build_args: Mapping[str, str] = field(default_factory=dict)

    def look(self, pipeline: Pipeline) -> Seen:
        """Compare what is deployed with what the pipeline's files make."""
        from hfaas_deploy import names, steps
        from hfaas_deploy.aws.target import Target as Place
        from hfaas_tui import local
        from hfaas_tui.watch import Emulator

        target = self.target()
        if target.is_live:
            raise CliError("the emulator tells that, and this is AWS", GO_BACK)
        if not target.place:
            raise CliError("no emulator is attached", START)
        with told():
            emulator = Emulator(f"http://{target.place}")
            client = Place.local(emulator.endpoint).client("cloudformation")
            stack = _stack(client, pipeline.stack)
            tags = {one["Key"]: one["Value"] for one in stack.get("Tags", ())}
            has = {one["ParameterKey"]: one.get("ParameterValue", "") for one in stack.get("Parameters", ())}
            wanted = local.with_build_args(pipeline, self.build_args)
            sources = {one.name: steps.source(one) for one in wanted.functions}
            images = [
                Image(name, wanted, has.get(names.image_parameter(name), ""))
                for name, wanted in _foreseen(emulator, sources)
            ]
        return Seen(str(stack.get("StackStatus", "")), tags.get("hfaas:template", ""), tuple(_sized(images)))


def _stack(client: Any, name: str) -> Mapping[str, Any]:
    from botocore.exceptions import ClientError

    try:
        found: Mapping[str, Any] = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return {}
        raise
    return {} if found["StackStatus"] in {"DELETE_COMPLETE", "REVIEW_IN_PROGRESS"} else found


def _foreseen(emulator: Emulator, sources: Mapping[str, FunctionSource]) -> Iterator[tuple[str, str]]:
    """Yield what each function's files make; an engine that cannot tell makes none of the others unknown."""
    from hfaas_deploy.errors import DeployError
    from hfaas_tui import local

    images = local.images(emulator)
    with images if isinstance(images, AbstractContextManager) else nullcontext():
        for name, source in sources.items():
            wanted = ""
            with suppress(DeployError):
                wanted = images.foresee(source)
            yield name, wanted


def _sized(images: list[Image]) -> Iterator[Image]:
    """Add how large images are where Docker has them."""
    from dataclasses import replace

    engine = _docker() if any(not each.is_process for each in images) else None
    for each in images:
        size = 0
        with suppress(Exception):  # whatever Docker has against it: the size stays unknown
            size = int(engine.images.get(each.wanted or each.deployed).attrs["Size"]) if engine else 0
        yield replace(each, size=size)


def _docker() -> Any:
    with suppress(Exception):
        import docker

        return docker.from_env(timeout=5)
    return None


# --- AWS, from afar


def credentials(profile: str, environ: Mapping[str, str]) -> str:
    """Return where credentials are configured, empty for nowhere; their values are not read out, nor tried."""
    if environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY"):
        return "in the environment"
    if any(environ.get(name) for name in ROLES):
        return "a role, named in the environment"
    home = Path(environ.get("HOME") or "~").expanduser() / ".aws"
    places = (
        (environ.get("AWS_SHARED_CREDENTIALS_FILE"), "credentials", profile),
        (environ.get("AWS_CONFIG_FILE"), "config", profile if profile == "default" else f"profile {profile}"),
    )
    for named, usual, section in places:
        if _signs(Path(named).expanduser() if named else home / usual, section):
            return f"profile {profile} in {named or f'~/.aws/{usual}'}"
    return ""


def _signs(file: Path, section: str) -> bool:
    read = configparser.RawConfigParser(strict=False)
    try:
        read.read(file, encoding="utf-8")
    except (OSError, configparser.Error, UnicodeDecodeError):
        return False
    return read.has_section(section) and any(read.has_option(section, sign) for sign in SIGNS)


@contextmanager
def told() -> Iterator[None]:
    """Turn failures of the deploy package into ours, the first cause as the message."""
    from botocore.exceptions import BotoCoreError, ClientError

    from hfaas_deploy.errors import DeployError, FdlError

    try:
        yield
    except FdlError as error:
        first = next((one for one in error.findings if one.is_error), None)
        where = f"line {first.spot.line}: " if first else ""
        raise CliError(where + (first.message if first else error.message), "6 shows and mends it") from error
    except DeployError as error:
        raise CliError(error.message, error.hint) from error
    except NoEmulator as error:
        raise NoEmulator(error.message, START) from error
    except OSError as error:
        raise CliError(f"{error.filename or 'a file'}: {(error.strerror or str(error)).lower()}") from error
    except (BotoCoreError, ClientError) as error:
        raise CliError(f"the emulator does not tell: {error}") from error


# --- the template


def file_name(proposal: Proposal) -> str:
    """Return how the template's file is called."""
    return f"{proposal.stack}.template.json"


def command(proposal: Proposal) -> str:
    """Return the line that brings the template up with AWS's own command line."""
    values = " ".join(f"{name}={_placeholder(name)}" for name in proposal.parameters)
    return (
        f"aws cloudformation deploy --region {proposal.region or 'REGION'} --stack-name {proposal.stack} "
        f"--template-file {file_name(proposal)} --capabilities CAPABILITY_IAM"
        + (f" --parameter-overrides {values}" if values else "")
    )


def _placeholder(parameter: str) -> str:
    known = {"Subnets": "SUBNET_IDS", "SecurityGroups": "SECURITY_GROUP_IDS"}
    return known.get(parameter, "REPOSITORY@sha256:DIGEST")


def save(proposal: Proposal, folder: Path) -> Path:
    """Write the template, byte for byte what its SHA-256 is of, or nothing; CliError when that is not possible."""
    path = folder / file_name(proposal)
    try:
        if path.exists() and path.read_bytes() != proposal.body.encode() and not _is_template(path):
            raise CliError(f"{path} is another file", "move it away first")
        project.put(path, proposal.body.encode())
    except OSError as error:
        raise CliError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
    return path


def _is_template(path: Path) -> bool:
    return b"AWSTemplateFormatVersion" in path.read_bytes()[:200]
