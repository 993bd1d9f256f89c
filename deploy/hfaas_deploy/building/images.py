"""Function images: what a function is made of, and who turns it into something an engine can run.

A function's image is the user's image and three layers: the supervisor's runtime, the supervisor, the function's own
files. Its tag is the hash of all that went in, so the tag alone answers "is it built already?". ENTRYPOINT and CMD give
way to the supervisor, which finds the user's in image.json; USER, ENV and WORKDIR stay.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import tarfile
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, Self

from hfaas_deploy.building.archive import Entry, entry_of, pack, tree
from hfaas_deploy.building.bundle import Bundle, BundleError, Bundles, Progress, default_bundles
from hfaas_deploy.building.dockerfile import base_images
from hfaas_deploy.errors import DeployError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image

RECIPE = "1"  # raised when the steps below change, for then equal inputs give another image
SUPERVISOR_LABEL = "hfaas.supervisor"
ORIGINAL_LABEL = "hfaas.image"
FUNCTION = "opt/hfaas/function"
TASK = "var/task"
MACHINES = {"x86_64": "amd64", "arm64": "arm64"}
STATE = "**/.hfaas"
"""Where an emulator of the folder keeps what it knows: it changes all the time, and holds secrets."""

SUPERVISED = """\
FROM {base}
ADD runtime.tar /
ADD app.tar /
ENTRYPOINT ["/opt/hfaas/bin/hfaas-supervisor"]
CMD []
"""

DERIVED = """\
FROM {base}
ADD function.tar /
"""


class ImageError(DeployError):
    """A function's image cannot be made."""


class NoEngine(ImageError):
    """No container engine answers."""


class ImageNotFound(ImageError):
    """The image is neither on this machine nor can it be pulled."""


class BuildFailed(ImageError):
    """The engine could not build a Dockerfile."""


@dataclass(frozen=True, slots=True)
class FunctionSource:
    """What a function is made of: one of image, image_file (a `docker save` archive) and build_dir, and what goes in.

    `architecture` is AWS's word (x86_64, arm64), empty for that of the image. `create_image` false takes the image
    as it is, without supervisor, script and payload. `mounts` are paths in containers where file systems are to be.
    """

    name: str
    image: str = ""
    image_file: Path | None = None
    build_dir: Path | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    script: Path | None = None
    extra_payload: Path | None = None
    architecture: str = ""
    create_image: bool = True
    mounts: tuple[str, ...] = ()


class ImageBuilder(Protocol):
    """Makes the image of a function."""

    def build(self, function: FunctionSource, progress: Progress) -> str:
        """Return the reference of the function's image, made now unless equal inputs made it before."""


@dataclass(frozen=True, slots=True)
class EngineImage:
    """An image that an engine has: its own id for it, and its size in bytes."""

    id: str
    size: int


class Foresight(Protocol):
    """Knows the image of a function before it is made."""

    def foresee(self, function: FunctionSource) -> str:
        """Return what `build` would, without making or fetching anything; empty when that cannot be known."""


@dataclass(frozen=True, slots=True)
class Original:
    """What the user's image would run, and where."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    workdir: str = ""

    def encode(self) -> str:
        """Return the text of image.json."""
        return json.dumps({"entrypoint": self.entrypoint, "cmd": self.cmd, "workdir": self.workdir})

    @classmethod
    def of(cls, image: Image) -> Original:
        """Return what an image would run; of one of ours, what the user's image below it would."""
        config = image.attrs["Config"] or {}
        if told := (config.get("Labels") or {}).get(ORIGINAL_LABEL):
            known = json.loads(told)
            return cls(tuple(known["entrypoint"]), tuple(known["cmd"]), known["workdir"])
        return cls(
            tuple(config.get("Entrypoint") or ()), tuple(config.get("Cmd") or ()), config.get("WorkingDir") or ""
        )


def function_entries(function: FunctionSource, original: Original, home: str, task: str) -> Iterator[Entry]:
    """Yield the function's own files: script and image.json in the folder `home`, extra_payload in `task`."""
    yield Entry(f"{home}/image.json".lstrip("/"), original.encode().encode())
    if function.script:
        try:
            yield Entry(f"{home}/script".lstrip("/"), function.script.read_bytes(), executable=True)
        except OSError as error:
            raise ImageError(f"{function.script}, script of {function.name}: {error.strerror}") from error
    if payload := function.extra_payload:
        yield from _payload(function.name, payload, task)


def _payload(name: str, payload: Path, task: str) -> Iterator[Entry]:
    if payload.is_dir():
        yield from tree(payload, task)
    elif entry := entry_of(payload, f"{task}/{payload.name}"):
        yield entry
    else:
        raise ImageError(f"{payload}, extra_payload of {name}: no such file or folder")


KNOCK_S = 10
"""Seconds an engine on another machine has to take a connection."""


def connect() -> DockerClient:
    """Return a client of the engine that `docker` would use: DOCKER_HOST, the current context, the default socket."""
    import docker
    from docker.context import ContextAPI

    try:
        if host := os.environ.get("DOCKER_HOST"):
            _knock(host)
            client = docker.from_env()
        else:
            name = os.environ.get("DOCKER_CONTEXT")
            context = ContextAPI.get_context(name)
            if context is None:
                raise FileNotFoundError(f"there is no context {name}")
            _knock(context.Host or "")
            client = docker.DockerClient(base_url=context.Host, tls=context.TLSConfig or False)
        client.ping()
    except Exception as error:  # the SDK lets requests', urllib3's and its own through, and bare Exceptions
        hint = "start Docker, or set DOCKER_HOST to where it runs; `--engine process` needs none"
        if isinstance(error.__cause__, PermissionError):
            hint = "add yourself to the group `docker` and log in again; `--engine process` needs no engine"
        raise NoEngine(f"no container engine answers: {_reason(error)}", hint) from error
    return client


def _knock(host: str) -> None:
    """Fail plainly where nobody listens: the SDK wraps the reason four times and leaves its socket open."""
    if path := re.fullmatch(r"(?:http\+)?unix://(.+)", host):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path[1])
            except OSError as error:
                raise ConnectionError(f"{path[1]}: {error.strerror}") from error
    elif address := re.fullmatch(r"(?:tcp|http|https)://([^:/]+):(\d+)/?", host):
        try:
            socket.create_connection((address[1], int(address[2])), KNOCK_S).close()
        except (OSError, OverflowError) as error:
            raise ConnectionError(f"{host}: {getattr(error, 'strerror', None) or error}") from error


class DockerImages:
    """Makes function images with a Docker engine."""

    def __init__(
        self,
        client: DockerClient | None = None,
        bundles: Bundles | None = None,
        *,
        offline: bool = False,
        bundle_base: str = "",
    ) -> None:
        self._client = client or connect()
        self._bundles = bundles or default_bundles(self._run_recipe)
        self._offline = offline
        self._bundle_base = bundle_base
        self._projects: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def client(self) -> DockerClient:
        """The engine itself, for whoever sends its images somewhere."""
        return self._client

    def close(self) -> None:
        """Close the connections to the engine."""
        self._client.close()

    def build(self, function: FunctionSource, progress: Progress) -> str:
        """Return the reference of the function's image, made now unless equal inputs made it before."""
        with _engine_errors():
            reference, image = self._users_image(function, progress)
            if not function.create_image:
                return reference
            return self._derive(function, image, progress)

    def foresee(self, function: FunctionSource) -> str:
        """Return what `build` would, without making or fetching anything; empty when that cannot be known."""
        with _engine_errors():
            known = self._known_image(function)
            if known is None or not function.create_image:
                return known[0] if known else ""
            try:
                return self._named_by_content(function, known[1], replace(self._bundles, makes=False))
            except BundleError:
                return ""

    def identity(self, reference: str) -> EngineImage | None:
        """Return what the engine has under a reference; None for nothing."""
        with _engine_errors():
            image = self._local(reference)
        return EngineImage(str(image.id), int(image.attrs.get("Size") or 0)) if image is not None else None

    def _known_image(self, function: FunctionSource) -> tuple[str, Image] | None:
        """Return the user's image where it is here already."""
        if function.image_file:
            return self._known(function.image_file)
        reference = function.image
        if function.build_dir:
            bases = base_images(
                (function.build_dir / "Dockerfile").read_text(errors="replace"), function.build_args
            )
            here = [self._local(name) for name in bases]
            with tempfile.TemporaryFile() as packed:
                pack(_context(function.build_dir), packed)
                reference, _ = _name_build(function, packed, [str(one.id) for one in here if one is not None])
            if None in here:
                return None
        image = self._local(reference)
        return (reference, image) if image is not None else None

    def _named_by_content(self, function: FunctionSource, base: Image, bundles: Bundles) -> str:
        with tempfile.TemporaryFile() as layer:
            _pack_layer(function, Original.of(base), layer)
            bundle = bundles.get(base.attrs["Architecture"], _silent)
            return _name_derived(function, base, bundle, layer)

    def _users_image(self, function: FunctionSource, progress: Progress) -> tuple[str, Image]:
        if function.build_dir:
            reference = self._built(function, function.build_dir, progress)
            return reference, self._client.images.get(reference)
        if function.image_file:
            return self._loaded(function.image_file, progress)
        return function.image, self._named(function.image, function.architecture, progress)

    # --- the user's image ---

    def _named(self, name: str, architecture: str, progress: Progress) -> Image:
        image = self._local(name)
        if image is None:
            self._pull(name, architecture, progress)
            image = self._client.images.get(name)
        wanted = MACHINES.get(architecture, "")
        if wanted and image.attrs["Architecture"] != wanted:
            raise ImageError(
                f"image {name} is for {image.attrs['Architecture']}, the function asks for {architecture}",
                f"name another image, or set architectures, or run `docker pull --platform linux/{wanted} {name}`",
            )
        return image

    def _local(self, name: str) -> Image | None:
        from docker.errors import ImageNotFound as Absent

        try:
            return self._client.images.get(name)
        except Absent:
            return None

    def _pull(self, name: str, architecture: str, progress: Progress) -> None:
        from docker.errors import APIError
        from docker.utils import parse_repository_tag

        hint = f"build or load it first (`docker build -t {name} FOLDER`, `docker load`), or name another one"
        missing = f"image {name} is neither on this machine nor can it be pulled"
        if self._offline:
            raise ImageNotFound(f"{missing} (offline)", hint)
        repository, tag = parse_repository_tag(name)
        platform = f"linux/{MACHINES[architecture]}" if architecture else None
        try:
            news = self._client.api.pull(repository, tag or "latest", stream=True, decode=True, platform=platform)
            _follow_pull(name, news, progress)
        except (APIError, _EngineSaid) as error:
            raise ImageNotFound(f"{missing}: {_reason(error)}", hint) from error

    def _loaded(self, archive: Path, progress: Progress) -> tuple[str, Image]:
        try:
            if known := self._known(archive):
                return known
            progress(f"loading {archive.name}")
            with archive.open("rb") as file:
                images = self._client.images.load(file)
        except (OSError, tarfile.TarError, ValueError, KeyError) as error:
            raise ImageError(f"{archive} is no archive of `docker save`: {error}") from error
        if len(images) != 1:
            raise ImageError(f"{archive} holds {len(images)} images", "save the one that the function runs on")
        return (images[0].tags or [str(images[0].id)])[0], images[0]

    def _known(self, archive: Path) -> tuple[str, Image] | None:
        with tarfile.open(archive) as tar:
            manifest = tar.extractfile("manifest.json")
            images = json.load(manifest) if manifest else []
        name = Path(images[0]["Config"]).name.removesuffix(".json") if len(images) == 1 else ""
        image = self._local(f"sha256:{name}") if name else None
        return ((image.tags or [f"sha256:{name}"])[0], image) if image else None

    def _built(self, function: FunctionSource, folder: Path, progress: Progress) -> str:
        content = list(_context(folder))
        bases = [
            str(self._named(name, function.architecture, progress).id)
            for name in base_images((folder / "Dockerfile").read_text(errors="replace"), function.build_args)
        ]
        with tempfile.TemporaryFile() as packed:
            pack(content, packed)
            reference, key = _name_build(function, packed, bases)
            if self._local(reference) is None and not self._shared(key, reference):
                progress(f"building {folder}")
                self._docker_build(
                    packed,
                    progress,
                    tag=reference,
                    buildargs=dict(function.build_args),
                    platform=self._foreign(function.architecture),
                    what=str(folder),
                )
        self._projects[key] = reference
        return reference

    def _shared(self, key: str, reference: str) -> bool:
        """Give what was built for another function this name too; False when equal inputs were not seen yet."""
        image = self._local(self._projects[key]) if key in self._projects else None
        return image is not None and bool(image.tag(reference))

    def _foreign(self, architecture: str) -> str | None:
        """Name the platform only where it is not the engine's own: naming it makes some engines ask a registry."""
        wanted = MACHINES.get(architecture)
        return f"linux/{wanted}" if wanted and wanted != self._client.version()["Arch"] else None

    # --- the function's image ---

    def _derive(self, function: FunctionSource, base: Image, progress: Progress) -> str:
        original = Original.of(base)
        with tempfile.NamedTemporaryFile() as layer:
            _pack_layer(function, original, layer)
            bundle = self._bundles.get(base.attrs["Architecture"], progress)
            reference = _name_derived(function, base, bundle, layer)
            if self._local(reference) is None:
                progress(f"adding the supervisor and the files of {function.name} to its image")
                parts = [
                    Entry("Dockerfile", DERIVED.format(base=self._supervised(base, bundle)).encode()),
                    Entry("function.tar", Path(layer.name)),
                ]
                labels = {SUPERVISOR_LABEL: bundle.key, ORIGINAL_LABEL: original.encode()}
                self._add_layers(parts, tag=reference, labels=labels)
        return reference

    def _supervised(self, base: Image, bundle: Bundle) -> str:
        """Return the user's image with the supervisor: what the functions on it share, and an edited script finds."""
        reference = f"hfaas/supervised:{_key(RECIPE, str(base.id), bundle.key)}"
        if self._local(reference) is None:
            parts = [
                Entry("Dockerfile", SUPERVISED.format(base=base.id).encode()),
                Entry("runtime.tar", bundle.runtime),
                Entry("app.tar", bundle.app),
            ]
            self._add_layers(parts, tag=reference, labels={SUPERVISOR_LABEL: bundle.key})
        return reference

    def _add_layers(self, parts: Iterable[Entry], *, tag: str, labels: dict[str, str]) -> None:
        with tempfile.TemporaryFile() as context:
            pack(parts, context)
            self._docker_build(context, _silent, tag=tag, labels=labels, network_mode="none", what=tag)

    def _docker_build(self, context: IO[bytes], progress: Progress, *, what: str, **options: Any) -> None:
        context.seek(0)
        news = self._client.api.build(
            fileobj=context, custom_context=True, rm=True, forcerm=True, decode=True, **options
        )
        last: deque[str] = deque(maxlen=20)
        failed = False
        for item in news:  # to its end in any case, for a stream left half read keeps its connection
            failed = failed or "error" in item
            for line in str(item.get("stream") or item.get("error") or "").splitlines():
                if line.strip():
                    last.append(re.sub(r"\x1b\[[0-9;]*m", "", line.rstrip()))
                    progress(last[-1])
        if failed:
            raise BuildFailed(f"building {what} failed", "The last lines were:\n" + "\n".join(last))

    def _run_recipe(self, recipe: Path, architecture: str, out: IO[bytes], progress: Progress) -> None:
        reference = f"hfaas/bundle:{architecture}"
        arguments = {"ARCH": architecture} | ({"BASE": self._bundle_base} if self._bundle_base else {})
        with tempfile.TemporaryFile() as context:
            # A folder of wheels helps where the container cannot reach their index as this machine can
            wheels = os.environ.get("WHEELS")
            pack([*tree(recipe), *(tree(Path(wheels), "wheels") if wheels else ())], context)
            self._docker_build(
                context,
                progress,
                tag=reference,
                buildargs=arguments,
                dockerfile="Dockerfile.bundle",
                what="the supervisor's runtime",
            )
        container = self._client.containers.create(reference)
        try:
            for chunk in container.get_archive("/opt")[0]:
                out.write(chunk)
        finally:
            container.remove()


def repository(name: str) -> str:
    """Return the image repository of a function; Docker takes fewer names than Lambda."""
    return "hfaas/" + re.sub(r"_{3,}", "__", re.sub(r"[-_]*(-_|_-)[-_]*", "-", name.lower())).strip("-_")


def _pack_layer(function: FunctionSource, original: Original, layer: IO[bytes]) -> None:
    # An engine gives what it mounts at /tmp the rights of the image's /tmp, and small images have none
    pack([Entry("tmp", shared=True), *function_entries(function, original, FUNCTION, TASK)], layer)


def _name_build(function: FunctionSource, packed: IO[bytes], bases: Sequence[str]) -> tuple[str, str]:
    """Return the name of what a Dockerfile is built to, and the key of all that goes in."""
    arguments = map("=".join, sorted(function.build_args.items()))
    key = _key(_digest(packed), *bases, *arguments, function.architecture)
    return f"{repository(function.name)}-base:{key}", key


def _name_derived(function: FunctionSource, base: Image, bundle: Bundle, layer: IO[bytes]) -> str:
    return f"{repository(function.name)}:{_key(RECIPE, str(base.id), bundle.key, _digest(layer))}"


def _context(folder: Path) -> Iterable[Entry]:
    from docker.utils import exclude_paths

    if not (folder / "Dockerfile").is_file():
        raise ImageError(f"{folder} has no Dockerfile", "hfaas.build names a folder with a Dockerfile.")
    ignore = folder / ".dockerignore"
    lines = ignore.read_text().splitlines() if ignore.is_file() else []
    named = [line for line in map(str.strip, lines) if line and line[0] != "#"]
    names = exclude_paths(str(folder), [*named, STATE])
    return filter(None, (entry_of(folder / name, Path(name).as_posix()) for name in names))


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _digest(file: IO[bytes]) -> str:
    file.seek(0)
    value = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    return value


class _EngineSaid(Exception):
    """An error inside an answer that began well."""


def _follow_pull(name: str, news: Iterable[dict[str, Any]], progress: Progress) -> None:
    layers: dict[str, tuple[int, int]] = {}
    said = 0.0
    failure = ""
    for item in news:
        failure = failure or item.get("error", "")
        if total := item.get("progressDetail", {}).get("total"):
            layers[item["id"]] = (item["progressDetail"].get("current", 0), total)
        if layers and time.monotonic() - said > 0.2:
            said = time.monotonic()
            done, size = (sum(column) / 1e6 for column in zip(*layers.values(), strict=True))
            progress(f"pulling {name}: {done:.0f} of {size:.0f} MB")
    if failure:
        raise _EngineSaid(failure)


def _silent(_: str) -> None:
    pass


@contextmanager
def _engine_errors() -> Iterator[None]:
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except (DockerException, RequestException) as error:
        raise ImageError(f"the container engine refused: {_reason(error)}") from error
    except OSError as error:
        raise ImageError(f"the image cannot be made: {error}") from error


def _reason(error: BaseException) -> str:
    return str(getattr(error, "explanation", None) or error)
