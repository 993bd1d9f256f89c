"""What a deploy or a promotion tells whoever wants to see it: one message for each thing that happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hfaas_deploy.aws.changes import Plan
from hfaas_deploy.aws.events import Event
from hfaas_deploy.findings import Finding
from hfaas_deploy.template import Template
from hfaas_deploy.template.http import Url


@dataclass(frozen=True, slots=True)
class Checked:
    """The pipeline has no errors; these are its warnings."""

    warnings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Looking:
    """What AWS is asked at the moment, in words; nothing is touched."""

    at: str


@dataclass(frozen=True, slots=True)
class BucketReady:
    """The bucket for events that are too large for a job, and for OneTrigger's state, is there."""

    bucket: str


@dataclass(frozen=True, slots=True)
class ImageStarted:
    """The image of a Function is being made; it is number `number` of `total`."""

    function: str
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class ImageSaid:
    """A line of the image builder."""

    function: str
    text: str


@dataclass(frozen=True, slots=True)
class ImageReady:
    """The image of a Function can be used under this reference."""

    function: str
    reference: str


@dataclass(frozen=True, slots=True)
class Recovering:
    """An earlier operation left the Stack in a state that is cleared first."""

    stack: str
    status: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What will be done to the Stack; nothing when the plan is None."""

    stack: str
    plan: Plan | None


@dataclass(frozen=True, slots=True)
class Happened:
    """A resource of the Stack changed its state."""

    event: Event


@dataclass(frozen=True, slots=True)
class SpaceReady:
    """The emulator plays the Oneprovider: it has the Space, and Functions reach it at `host`."""

    provider: str
    space: str
    host: str


@dataclass(frozen=True, slots=True)
class FolderReady:
    """A folder of the emulator's machine stands in for the file system behind an access point of EFS."""

    access_point: str
    folder: str


@dataclass(frozen=True, slots=True)
class SecretStored:
    """The keys of a storage provider, which are new or have changed, are in its secret."""

    provider: str


@dataclass(frozen=True, slots=True)
class SecretMissing:
    """The secret of a storage provider was left as it is, because these keys or variables are not set."""

    provider: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listening:
    """The notifications of a bucket that is not the pipeline's have changed; what others have in it stays."""

    bucket: str


@dataclass(frozen=True, slots=True)
class StillListening:
    """A bucket that the pipeline does not listen to any more could not be told, so it may still call Functions."""

    bucket: str
    reason: str


@dataclass(frozen=True, slots=True)
class Watching:
    """OneTrigger has looked into the folder for the first time: what comes from now on is an event."""

    function: str
    space: str
    folder: str


class LayerState(StrEnum):
    """What becomes of one layer of an image that is pushed."""

    WAITING = "waiting"
    PUSHING = "pushing"
    RETRYING = "retrying"
    THERE = "there already"
    PUSHED = "pushed"


@dataclass(frozen=True, slots=True)
class PushStarted:
    """The image of a Function goes into its repository: so many bytes, uncompressed, in so many layers."""

    function: str
    reference: str
    size: int
    layers: int


@dataclass(frozen=True, slots=True)
class LayerMoved:
    """How far a layer is: bytes, uncompressed; `total` is 0 as long as nobody knows it."""

    function: str
    layer: str
    done: int
    total: int
    state: LayerState


@dataclass(frozen=True, slots=True)
class PushCut:
    """A push was cut off; it is tried again in so many seconds. Layers that arrived are not sent again."""

    function: str
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ImagePushed:
    """The image of a Function is in its repository and is the one that was rehearsed; `sent` is false if it was before."""

    function: str
    reference: str
    sent: bool


@dataclass(frozen=True, slots=True)
class Unheard:
    """CloudFormation is not heard of at the moment; it goes on with the Stack by itself, and is asked again."""

    stack: str
    reason: str


@dataclass(frozen=True, slots=True)
class StillAt:
    """There was no event of a Stack for so many seconds; CloudFormation is at these resources."""

    stack: str
    resources: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class GoesOn:
    """Watching was broken off while an operation is under way, which AWS brings to its end by itself."""

    stack: str


@dataclass(frozen=True, slots=True)
class SmokeStarted:
    """A Function is called with an Event that its supervisor answers without running the script."""

    function: str


@dataclass(frozen=True, slots=True)
class Smoked:
    """What came of that call; `ok` is None for a Function that was left in peace, `text` says why or how."""

    function: str
    ok: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was promoted is written down where the account keeps it."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class JobsUnderWay:
    """Jobs of a queue that ends with its Stack: Batch stops them."""

    queue: str
    jobs: int


@dataclass(frozen=True, slots=True)
class Emptying:
    """So many versions, delete markers and begun uploads of a bucket are gone for good, so many bytes."""

    bucket: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Purged:
    """A bucket is gone, with everything that was in it."""

    bucket: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SecretsLeaving:
    """Secrets went with their Stack; `until` says in words how long their values can be had back."""

    secrets: tuple[str, ...]
    until: str


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A Stack is gone; these of its buckets and image repositories stay."""

    stack: str
    buckets: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deployed:
    """The Stack is up; `changed` is false when it already was as asked for."""

    stack: str
    template: Template
    images: Mapping[str, str]
    outputs: Mapping[str, str]
    changed: bool
    urls: tuple[Url, ...] = ()


Message = (
    Checked
    | Looking
    | BucketReady
    | ImageStarted
    | ImageSaid
    | ImageReady
    | Recovering
    | Planned
    | Happened
    | SpaceReady
    | FolderReady
    | SecretStored
    | SecretMissing
    | Listening
    | StillListening
    | Watching
    | PushStarted
    | LayerMoved
    | PushCut
    | ImagePushed
    | Unheard
    | StillAt
    | GoesOn
    | SmokeStarted
    | Smoked
    | Recorded
    | JobsUnderWay
    | Emptying
    | Purged
    | SecretsLeaving
    | Destroyed
    | Deployed
)
Progress = Callable[[Message], None]
