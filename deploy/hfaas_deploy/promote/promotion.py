"""What a promotion would do, as frozen values: found out by `planning`, shown to a person, done by `procedure`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import Any, Literal

from hfaas_deploy.aws.changes import Change
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.preview import Action, Preview
from hfaas_deploy.template import Template

BUCKET = "AWS::S3::Bucket"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose credentials these are, as STS tells it; `alias` is empty where the account has none or hides it."""

    account: str
    arn: str
    region: str
    host: str
    alias: str = ""
    is_stand_in: bool = False

    @property
    def last_digits(self) -> str:
        """What a person types before the first promotion to an account."""
        return self.account[-4:]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """That the emulator of this machine had this template with these images: engine's ids by Function, Unix time.

    A `run` put files through it; `idle` names the Functions of which no container was started even so. A `deploy` brought
    it up, and nobody knows whether any ran.
    """

    stack: str
    template: str
    images: Mapping[str, str]
    at: float
    how: Literal["run", "deploy"] = "deploy"
    idle: tuple[str, ...] = ()


class Upload(StrEnum):
    """What has to be done so that an image is in its repository."""

    NONE = "there"
    PUSH = "push"
    BUILD = "build and push"


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """One Function's image: `reference` is the engine's, `id` the engine's id (empty until it is built).

    `digest` is that of the manifest in `repository`, empty until it is pushed; `size` in bytes, 0 for unknown.
    `deployed` is the parameter's value in the Stack as it stands.
    """

    function: str
    reference: str
    repository: str
    tag: str
    upload: Upload
    id: str = ""
    digest: str = ""
    size: int = 0
    deployed: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One permission that a role gains or loses: actions and resources are sorted.

    With a `principal` it is the other way round: what `role`, a resource, lets others do.
    """

    action: Action
    role: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: str = ""
    principal: str = ""


class Owner(StrEnum):
    """Whose bucket it is."""

    FREE = "free"
    OURS = "ours"
    FOREIGN = "somebody else's"


@dataclass(frozen=True, slots=True)
class Adoption:
    """What a bucket has that is taken over: versions of objects, bytes of them; `is_more` when not all were counted.

    `losses` are what the template puts something else in the place of, in words that the bucket's name begins.
    """

    objects: int = 0
    bytes: int = 0
    is_more: bool = False
    losses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BucketPlan:
    """One bucket: a free one is made, one of ours that no Stack has is taken over; entries are kept of an existing one.

    `fault` says why it cannot be had, and what to do; with it nothing is promoted.
    """

    name: str
    owner: Owner
    is_existing: bool = False
    is_adopted: bool = False
    note: str = ""
    fault: str = ""
    adoption: Adoption = Adoption()


@dataclass(frozen=True, slots=True)
class SecretPlan:
    """One secret: `is_new` when a value is put in; `is_first` when it had none; `missing` names what nobody has set."""

    provider: str
    is_new: bool = False
    missing: tuple[str, ...] = ()
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class Danger:
    """A step that destroys or replaces something, in words."""

    resource: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """Everything that is known before a promotion; nothing was touched to learn it."""

    pipeline: Pipeline = field(repr=False)
    template: Template = field(repr=False)
    identity: Identity
    stack_status: str
    """CloudFormation's word for the Stack as it stands; empty when there is none."""
    is_first: bool
    """Nothing of ours was ever promoted to this account and region."""
    rehearsal: Rehearsal | None
    preview: Preview
    images: tuple[ImagePlan, ...] = ()
    repositories: tuple[str, ...] = ()
    """Repositories that are missing and will be made."""
    changes: tuple[Change, ...] = ()
    """Every resource that the change set names; stack-wide tags alone are none."""
    deployed: str = ""
    """The SHA-256 of the template that the Stack was last made of."""
    statements: tuple[Statement, ...] = ()
    buckets: tuple[BucketPlan, ...] = ()
    secrets: tuple[SecretPlan, ...] = ()
    notes: tuple[str, ...] = ()
    """What else will happen, or is worth knowing, in words."""
    taken: tuple[str, ...] = ()
    """Names that it needs and that something else has, in words."""

    @property
    def dangers(self) -> tuple[Danger, ...]:
        """The steps that a person agrees to apart."""
        changed = (
            Danger(change.resource, change.kind, _danger(change)) for change in self.changes if change.destroys
        )
        taken = (Danger(bucket.name, BUCKET, loss) for bucket in self.buckets for loss in bucket.adoption.losses)
        return (*changed, *taken)

    @property
    def faults(self) -> tuple[str, ...]:
        """Why it cannot be done as it is, in words; empty where it can."""
        return (*(bucket.fault for bucket in self.buckets if bucket.fault), *self.taken)

    @property
    def is_empty(self) -> bool:
        """Tell whether AWS has everything already."""
        uploads = any(image.upload is not Upload.NONE for image in self.images)
        secrets = any(secret.is_new for secret in self.secrets)
        is_other = self.deployed != self.template.sha256
        return not (self.changes or uploads or self.repositories or secrets or is_other)

    def to_json(self) -> dict[str, Any]:
        """The same for programs; secrets are in none of it, the template by its fingerprint alone."""
        plain = {name: getattr(self, name) for name in PLAIN}
        return {
            "stack": self.pipeline.stack,
            "template": {"sha256": self.template.sha256, "bytes": self.template.size},
            **{name: _json(value) for name, value in plain.items()},
            "dangers": _json(self.dangers),
            "faults": list(self.faults),
            "is_empty": self.is_empty,
        }


@dataclass(frozen=True, slots=True)
class Promoted:
    """What was promoted: the record that AWS keeps. `images` are parameters' values, `ids` the engine's, by Function."""

    stack: str
    template: str
    images: Mapping[str, str]
    ids: Mapping[str, str]
    account: str
    region: str
    by: str
    at: float
    version: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    changed: bool = True


PLAIN = (
    "identity",
    "stack_status",
    "is_first",
    "deployed",
    "rehearsal",
    "preview",
    "images",
    "repositories",
    "changes",
    "statements",
    "buckets",
    "secrets",
    "notes",
)


def _json(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _json(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_json(one) for one in value]
    return str(value) if isinstance(value, StrEnum) else value


def _danger(change: Change) -> str:
    if change.action == "Remove":
        return "is removed"
    return "is replaced" if change.replacement == "True" else "may be replaced"
