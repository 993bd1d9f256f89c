"""The bundle: what goes into every function image beside the user's own, in two archives.

`runtime` is an interpreter with its own C library and the supervisor's two libraries (the recipe is supervisor/bundle),
`app` the supervisor. They are apart because the second is small and changes often. Both unpack at / and give one and
the same layer on every image.

The runtime comes from the first of these that has it: HFAAS_BUNDLE (an archive, or a folder that is to be /opt/hfaas),
the installed package, the cache, a build on this machine when it is Debian bookworm, a build in a container.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import platformdirs

import hfaas_supervisor
from hfaas_deploy.building.archive import Entry, digest, pack, repack, tree
from hfaas_deploy.errors import DeployError

Progress = Callable[[str], None]
"""Gets one line for a person whenever there is news."""

ContainerBuild = Callable[[Path, str, IO[bytes], Progress], None]
"""Builds a recipe folder for an architecture in a container; writes /opt as a tar."""

HOME = "opt/hfaas"
SUPERVISOR = Path(hfaas_supervisor.__file__).parent
RECIPE = SUPERVISOR.parent / "bundle"
INGREDIENTS = ("build.sh", "launcher.c", "requirements.txt")
SHIPPED = Path(__file__).parent / "bundles"
MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

MAIN = """\
import sys

sys.path.append("/opt/hfaas/lib/site")
from hfaas_supervisor.__main__ import main

sys.exit(main())
"""


class BundleError(DeployError):
    """The supervisor's runtime is not here and cannot be made here."""


class BundleNotMade(BundleError):
    """The bundle is not in the cache, and must not be made now."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The two archives for one architecture; `key` changes with any byte of them."""

    architecture: str
    runtime: Path
    app: Path
    key: str


@dataclass(frozen=True, slots=True)
class Bundles:
    """Finds or makes bundles; `recipe` and `shipped` are where a checkout and an installed release have theirs.

    Without `makes` what is not in the cache yet is BundleNotMade.
    """

    cache: Path
    environ: Mapping[str, str]
    container: ContainerBuild | None = None
    recipe: Path = RECIPE
    shipped: Path = SHIPPED
    makes: bool = True

    def get(self, architecture: str, progress: Progress) -> Bundle:
        """Return the bundle for an architecture in Docker's words (amd64, arm64)."""
        if architecture not in MACHINES.values():
            raise BundleError(f"there is no supervisor for {architecture} images", "Use an amd64 or arm64 image.")
        runtime = self._runtime(architecture, progress)
        app = self._app(runtime, architecture)
        key = hashlib.sha256(f"{digest(runtime)} {digest(app)}".encode()).hexdigest()
        return Bundle(architecture, runtime, app, key[:12])

    def _runtime(self, architecture: str, progress: Progress) -> Path:
        if own := self.environ.get("HFAAS_BUNDLE"):
            return self._given(Path(own))
        shipped = self.shipped / f"{architecture}.tar.xz"
        if shipped.is_file():
            return self._cached(f"{architecture}-{digest(shipped)[:16]}", lambda out: _decompress(shipped, out))
        ingredients = [self.recipe / name for name in INGREDIENTS]
        if not all(path.is_file() for path in ingredients):
            raise BundleError("this installation of hfaas has no supervisor runtime in it", _ways_out())
        key = hashlib.sha256(b"\0".join(path.read_bytes() for path in ingredients)).hexdigest()[:16]
        return self._cached(f"{architecture}-{key}", lambda out: self._make(architecture, out, progress))

    def _given(self, path: Path) -> Path:
        if path.is_file() and tarfile.is_tarfile(path):
            return self._cached(f"given-{digest(path)[:16]}", lambda out: _decompress(path, out))
        if not (path / "bin/hfaas-supervisor").is_file():
            hint = "Name the archive of a bundle, or a folder that holds what /opt/hfaas shall hold."
            raise BundleError(f"HFAAS_BUNDLE names {path}, which is no bundle", hint)
        with tempfile.TemporaryFile() as packed:
            pack(_without_app(tree(path, HOME)), packed)
            packed.seek(0)
            key = hashlib.file_digest(packed, "sha256").hexdigest()[:16]
            packed.seek(0)
            return self._cached(f"given-{key}", lambda out: shutil.copyfileobj(packed, out))

    def _app(self, runtime: Path, architecture: str) -> Path:
        sources = [(path.relative_to(SUPERVISOR.parent), path) for path in sorted(SUPERVISOR.rglob("*.py"))]
        key = hashlib.sha256(MAIN.encode())
        for name, path in sources:
            key.update(f"\0{name.as_posix()}\0".encode() + path.read_bytes())
        return self._cached(
            f"app-{key.hexdigest()[:16]}", lambda out: _pack_app(sources, runtime, architecture, out)
        )

    def _make(self, architecture: str, out: IO[bytes], progress: Progress) -> None:
        progress(f"building the supervisor's runtime for {architecture} (once)")
        troubles = []
        if architecture == MACHINES.get(platform.machine()) and _is_bookworm():
            trouble = _build_here(self.recipe, architecture, out, progress)
            if not trouble:
                return None
            troubles.append(f"Building it on this machine failed: {trouble}")
        if self.container:
            try:
                return self._build_in_container(self.container, architecture, out, progress)
            except DeployError as error:
                troubles.append(f"Building it in a container failed: {error.message}\n{error.hint}".rstrip())
        raise BundleError("\n".join(["the supervisor's runtime is not here yet.", *troubles]), _ways_out())

    def _build_in_container(
        self, build: ContainerBuild, architecture: str, out: IO[bytes], progress: Progress
    ) -> None:
        with tempfile.TemporaryFile() as taken:
            build(self.recipe, architecture, taken, progress)
            taken.seek(0)
            repack(taken, out)

    def _cached(self, name: str, make: Callable[[IO[bytes]], None]) -> Path:
        path = self.cache / f"{name}.tar"
        if path.is_file():
            return path
        if not self.makes:
            raise BundleNotMade(f"{path.name} is not made yet")
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            with _lock(self.cache / f"{name}.lock"):
                if not path.is_file():
                    _write(path, make)
        except OSError as error:
            hint = "Make room there, or set XDG_CACHE_HOME to another folder."
            raise BundleError(f"the cache {self.cache} cannot be written: {error.strerror}", hint) from error
        return path


def default_bundles(container: ContainerBuild | None = None) -> Bundles:
    """Return the bundles of this user."""
    return Bundles(platformdirs.user_cache_path("hfaas") / "bundle", os.environ, container)


def _write(path: Path, make: Callable[[IO[bytes]], None]) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        try:
            make(file)
        except BaseException:
            os.unlink(file.name)
            raise
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    if sys.platform == "win32":  # two builds at once do no harm, only work twice
        yield
        return
    import fcntl

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _decompress(source: Path, out: IO[bytes]) -> None:
    with source.open("rb") as file:
        repack(file, out)


def _without_app(entries: Iterator[Entry]) -> Iterator[Entry]:
    return (entry for entry in entries if not f"{entry.name}/".startswith((f"{HOME}/app/", f"{HOME}/function/")))


def _is_bookworm() -> bool:
    try:
        release = Path("/etc/os-release").read_text()
    except OSError:
        return False
    return "VERSION_CODENAME=bookworm" in release and bool(shutil.which("apt-get") and shutil.which("dpkg-deb"))


def _build_here(recipe: Path, architecture: str, out: IO[bytes], progress: Progress) -> str:
    environ = {**os.environ, "ARCH": architecture, "PYTHON": sys.executable}
    with tempfile.TemporaryDirectory() as folder:
        command = ["bash", str(recipe / "build.sh"), f"{folder}/bundle"]
        lines: list[str] = []
        with subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as run:
            for line in run.stdout or ():
                lines.append(line.rstrip())
                progress(lines[-1])
        if run.returncode == 0:
            pack(tree(Path(folder, "bundle"), HOME), out)
            return ""
    return "\n".join(lines[-10:]) or f"exit code {run.returncode}"


def _pack_app(sources: list[tuple[Path, Path]], runtime: Path, architecture: str, out: IO[bytes]) -> None:
    """Pack the supervisor with its bytecode; without, where no CPython 3.11 can be had, each start compiles it."""
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "app")
        for name, path in sources:
            (app / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, app / name)
        (app / "__main__.py").write_text(MAIN)
        if python := _python311(runtime, architecture, Path(folder, "runtime")):
            options = ["-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
            names = ["-s", str(app), "-p", f"/{HOME}/app", str(app)]
            with suppress(PermissionError):  # a folder for temporary files from which nothing may be started
                subprocess.run([*python, *options, *names], check=True, capture_output=True)
        pack(tree(app, f"{HOME}/app"), out)


def _python311(runtime: Path, architecture: str, folder: Path) -> list[str]:
    """Return the command of a CPython 3.11: the bundle's own by its own loader, else the one we run on."""
    if sys.platform == "linux" and architecture == MACHINES.get(platform.machine()):
        _unpack_interpreter(runtime, folder)
        home = folder / HOME
        loader = next(home.glob("lib/ld-linux-*"))
        return [str(loader), "--library-path", str(home / "lib"), str(home / "bin/python3.11")]
    ours = platform.python_implementation() == "CPython" and sys.version_info[:2] == (3, 11)
    return [sys.executable] if ours else []


def _unpack_interpreter(runtime: Path, folder: Path) -> None:
    with tarfile.open(runtime) as tar:
        for member in tar:
            if (file := tar.extractfile(member)) and "/site/" not in member.name:
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.read())
                path.chmod(member.mode)


def _ways_out() -> str:
    return (
        "Any of these helps: run on Debian bookworm with uv and the package sources reachable; start a Docker engine that"
        " has or can pull debian:bookworm-slim; set HFAAS_BUNDLE to a bundle made elsewhere; --engine process, which needs none."
    )
