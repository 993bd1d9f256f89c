"""Puts an image of the engine into its repository, and looks whether what arrived is what was rehearsed.

The engine sends the layers, five at a time, and tries each of them five times. What it gives up for the network's sake is
tried again here a few times; layers that arrived are never sent twice, so a push that failed goes on where it was.
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hfaas_deploy.building.images import MACHINES
from hfaas_deploy.errors import RegistryError
from hfaas_deploy.messages import ImagePushed, LayerMoved, LayerState, Progress, PushCut, PushStarted
from hfaas_deploy.promote.promotion import ImagePlan
from hfaas_deploy.promote.repositories import Login, Repositories, Stored

if TYPE_CHECKING:
    from docker import DockerClient

PAUSES = (1.0, 4.0, 10.0)
"""Seconds before a push that was cut off is tried again; the engine itself tries each layer five times before that."""

BETWEEN = 0.1
"""Seconds between two messages about one layer that only moves on."""

LAYER_ID = 12
"""Characters by which the engine names a layer."""

AGAIN = "run it again: layers that arrived are not sent again"
STATES = (
    ("Pushing", LayerState.PUSHING),
    ("Pushed", LayerState.PUSHED),
    ("Layer already exists", LayerState.THERE),
    ("Mounted from", LayerState.THERE),
    ("Retrying", LayerState.RETRYING),
    ("Preparing", LayerState.WAITING),
    ("Waiting", LayerState.WAITING),
)
ARRIVED = (LayerState.PUSHED, LayerState.THERE)
NETWORK = re.compile(
    r"EOF|connection (?:reset|refused|timed out)|broken pipe|time-?out|no such host|network is|no route to host"
    r"|closed network connection|server misbehaving|authorization token has expired|too ?many ?requests"
    r"|\b(?:429|500|502|503|504)\b",
    re.IGNORECASE,
)
"""What engines say when it may go better a moment later."""

TAKEN = re.compile(r"immutable|cannot be overwritten", re.IGNORECASE)
DISK = re.compile(r"no space left|disk quota", re.IGNORECASE)


class _Cut(Exception):
    """The push ended in a way that may not come again; `is_final` when the engine itself has tried often enough."""

    is_final = False


@dataclass(frozen=True, slots=True)
class _Local:
    """The engine's image: its id, bytes, and the bytes of each layer by the engine's name for it, 0 for unknown."""

    id: str
    size: int
    layers: Mapping[str, int]


def push(
    engine: DockerClient,
    image: ImagePlan,
    architecture: str,
    repositories: Repositories,
    progress: Progress,
    pauses: Sequence[float] = PAUSES,
) -> str:
    """Return the digest of the image's manifest in `image.repository` (a name); sent only when it is not there.

    `architecture` is AWS's word. RegistryError when it does not get there, or is not the image that was rehearsed.
    """
    uri = repositories.uri(image.repository)
    there = repositories.stored(image.repository, image.tag)
    if there is not None:
        _same(image, uri, image.id or _id_of(engine, image), there)
        progress(ImagePushed(image.function, f"{uri}@{there.digest}", sent=False))
        return there.digest
    with _engine_errors(image.function):
        local = _local(engine, image, architecture)
    progress(PushStarted(image.function, f"{uri}:{image.tag}", local.size, len(local.layers)))
    with _tagged(engine, image.function, local.id, uri, image.tag):
        said = _insist(engine, image, local, repositories, progress, pauses)
    stored = _verified(image, uri, local.id, said, repositories.stored(image.repository, image.tag))
    progress(ImagePushed(image.function, f"{uri}@{stored.digest}", sent=True))
    return stored.digest


def _insist(
    engine: DockerClient,
    image: ImagePlan,
    local: _Local,
    repositories: Repositories,
    progress: Progress,
    pauses: Sequence[float],
) -> str:
    """Push until it is done; the digest that the engine tells, empty when somebody else was faster."""
    for pause in (*pauses, None):
        try:
            return _once(engine, image, local, repositories, progress)
        except _Cut as cut:
            if pause is None or cut.is_final:
                raise RegistryError(f"the image of {image.function} did not get through: {cut}", AGAIN) from None
            progress(PushCut(image.function, str(cut), pause))
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _once(
    engine: DockerClient, image: ImagePlan, local: _Local, repositories: Repositories, progress: Progress
) -> str:
    """One push, with a login of its own: an old one may have expired while layers were sent."""
    layers = _Layers(image.function, local.layers, progress)
    digest = failure = ""
    with closing(_news(engine, image, repositories.uri(image.repository), repositories.login())) as news:
        for item in news:
            failure = failure or _plain(item.get("error", ""))
            digest = (item.get("aux") or {}).get("Digest", digest)
            layers.tell(item)
    if TAKEN.search(failure):
        return ""  # somebody else was faster: what is there now decides
    if failure:
        fault = _failed(image, failure)
        if isinstance(fault, _Cut):
            fault.is_final = layers.were_given_up
        raise fault
    if not digest:
        raise _Cut("the engine ended the push without a word")
    return digest


def _news(engine: DockerClient, image: ImagePlan, uri: str, login: Login) -> Generator[dict[str, Any]]:
    """What the engine says while it pushes; it stops when nobody listens any more. _Cut where it fell silent."""
    from docker.errors import APIError
    from requests.exceptions import ReadTimeout
    from urllib3.exceptions import ReadTimeoutError

    with _engine_errors(image.function):
        try:
            news = engine.api.push(uri, image.tag, stream=True, decode=True, auth_config=login.auth_config)
            with closing(news):
                yield from news
        except (ReadTimeout, ReadTimeoutError):
            raise _Cut("nothing was heard of it for a minute") from None
        except APIError as error:
            raise _failed(image, _reason(error)) from error


def _failed(image: ImagePlan, said: str) -> Exception:
    if DISK.search(said):
        return RegistryError(
            f"the image of {image.function} does not fit: {said}", f"make room on that disk, then {AGAIN}"
        )
    if NETWORK.search(said):
        return _Cut(said)
    return RegistryError(f"the registry does not take the image of {image.function}: {said}")


class _Layers:
    """Tells of layers, not more often than a person can see."""

    def __init__(self, function: str, sizes: Mapping[str, int], progress: Progress) -> None:
        self._function = function
        self._sizes = sizes
        self._progress = progress
        self._told: dict[str, tuple[LayerState, int, float]] = {}
        self._retried: set[str] = set()

    @property
    def were_given_up(self) -> bool:
        """Tell whether the engine tried a layer more than once, and it never arrived."""
        return any(self._told[layer][0] not in ARRIVED for layer in self._retried)

    def tell(self, item: Mapping[str, Any]) -> None:
        """Pass on one line of the engine, if it is about a layer and is news."""
        layer, state = str(item.get("id") or ""), _state(str(item.get("status") or ""))
        if not layer or state is None:
            return
        detail = item.get("progressDetail") or {}
        total = int(detail.get("total") or self._sizes.get(layer, 0))
        last, done, at = self._told.get(layer, (None, 0, 0.0))
        now = time.monotonic()
        done = self._done(state, int(detail.get("current") or 0), done, total)
        if state is last and (now - at < BETWEEN or state is not LayerState.PUSHING):
            return
        self._told[layer] = (state, done, now)
        if state is LayerState.RETRYING:
            self._retried.add(layer)
        self._progress(LayerMoved(self._function, layer, done, total, state))

    @staticmethod
    def _done(state: LayerState, current: int, before: int, total: int) -> int:
        if state in ARRIVED:
            return total
        if state is LayerState.PUSHING:
            return min(current, total) if total else current
        return before if state is LayerState.WAITING else 0


def _state(status: str) -> LayerState | None:
    return next((state for start, state in STATES if status.startswith(start)), None)


def _local(engine: DockerClient, image: ImagePlan, architecture: str) -> _Local:
    """The image as the engine has it; RegistryError when it is not the rehearsed one, or not for Linux on `architecture`."""
    found = engine.images.get(image.id or image.reference)
    kind, wanted = f"{found.attrs['Os']}/{found.attrs['Architecture']}", f"linux/{MACHINES[architecture]}"
    if kind != wanted:
        raise RegistryError(
            f"image {image.reference} of {image.function} is for {kind}, but AWS would run it on {wanted}",
            f"build it for {wanted}, or set architectures in the pipeline file",
        )
    return _Local(str(found.id), int(found.attrs["Size"]), _sizes(found.attrs["RootFS"]["Layers"], found.history()))


def _sizes(layers: Sequence[str], history: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The bytes of each layer, where the image's history tells without doubt which step made which."""
    steps = [int(step["Size"]) for step in reversed(history) if step["Size"]]
    known = steps if len(steps) == len(layers) else [0] * len(layers)
    return {layer.removeprefix("sha256:")[:LAYER_ID]: size for layer, size in zip(layers, known, strict=True)}


def _id_of(engine: DockerClient, image: ImagePlan) -> str:
    with _engine_errors(image.function):
        return str(engine.images.get(image.reference).id)


@contextmanager
def _tagged(engine: DockerClient, function: str, image: str, uri: str, tag: str) -> Iterator[None]:
    """Give the image the name under which it is pushed, as long as that takes."""
    name = f"{uri}:{tag}"
    with _engine_errors(function):
        had = engine.images.get(image).tags
        engine.api.tag(image, uri, tag)
    try:
        yield
    finally:
        if had and name not in had:  # an image goes with its last name
            with suppress(Exception):  # the engine may be what failed
                engine.api.remove_image(name, noprune=True)


def _same(image: ImagePlan, uri: str, engines: str, there: Stored) -> None:
    """RegistryError unless the image that has the tag already is ours: tags cannot be moved."""
    if there.is_image(engines):
        return
    name = f"{uri}:{image.tag}"
    raise RegistryError(
        f"{name} is another image ({there.config[:19]}) than the one rehearsed here ({engines[:19]}):"
        " equal inputs built twice are two images, and a tag cannot be moved",
        f"pull that one with `docker pull {name}`, `docker tag {name} {image.reference}`, and rehearse it;"
        f" or delete the tag with `aws ecr batch-delete-image --repository-name {image.repository}"
        f" --image-ids imageTag={image.tag}` if nothing runs it, and promote again",
    )


def _verified(image: ImagePlan, uri: str, engines: str, said: str, stored: Stored | None) -> Stored:
    """What the registry has; RegistryError unless it is what the engine says it sent."""
    if stored is None:
        raise RegistryError(f"{uri}:{image.tag} was pushed, but the registry does not have it", AGAIN)
    _same(image, uri, engines, stored)
    if said and said != stored.digest:
        raise RegistryError(
            f"{uri}:{image.tag} was pushed as {said}, but the registry has {stored.digest}",
            "something between here and the registry changes images; push from another network",
        )
    return stored


def _plain(said: object) -> str:
    """What a registry or an engine says, without anything that moves a terminal's cursor."""
    return " ".join("".join(one if one.isprintable() else " " for one in str(said)).split())


@contextmanager
def _engine_errors(function: str) -> Iterator[None]:
    """What the engine's client raises becomes ours."""
    from docker.errors import DockerException, ImageNotFound
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ImageNotFound as error:
        raise RegistryError(
            f"the container engine has the image of {function} no more: {_reason(error)}",
            "deploy it to the emulator again, which builds it, then promote",
        ) from error
    except (DockerException, RequestException, HTTPError, OSError, ValueError) as error:
        raise RegistryError(
            f"the container engine did not push the image of {function}: {_reason(error)}",
            f"look whether the engine runs (`docker info`), then {AGAIN}",
        ) from error


def _reason(error: BaseException) -> str:
    return _plain(getattr(error, "explanation", None) or error)
