"""The files of a pipeline: where they are, how they are read, and how they are saved so that nothing is ever half."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hfaas_tui.errors import CliError

if TYPE_CHECKING:
    from hfaas_deploy.pipeline import Pipeline

USUAL = "pipeline.yaml"
SUFFIXES = {".yaml", ".yml"}
LARGEST = 1 << 20
"""Bytes of a file that the editor opens."""

LOOKED_AT = 4000
"""Bytes at the beginning of a file in which a pipeline shows itself."""

PIPELINE = re.compile(r"(?m)^functions\s*:")
SCRIPT = "script.sh"
NEW_SCRIPT = """\
#!/bin/sh
# Each event runs this: its file is $INPUT_FILE_PATH, what is put into $TMP_OUTPUT_DIR is uploaded.
set -e
cp "$INPUT_FILE_PATH" "$TMP_OUTPUT_DIR/"
"""
NEW_PIPELINE = """\
functions:
  aws:
  - lambda:
      name: {name}
      memory: 512
      timeout: 300
      init_script: script.sh
      container:
        image: debian:bookworm-slim
      input:
      - storage_provider: s3
        path: {name}/in
      output:
      - storage_provider: s3
        path: {name}/out
"""


@dataclass(frozen=True, slots=True)
class Stamp:
    """By what a changed file is known."""

    time: int
    size: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Stamp | None:
        """Return the stamp of a file; None when there is none."""
        try:
            found = path.stat()
        except OSError:
            return None
        return cls(found.st_mtime_ns, found.st_size, found.st_ino)


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was read."""

    path: Path
    text: str
    stamp: Stamp | None


def find(start: Path) -> list[Path]:
    """Return the pipelines of a folder, or the usual file of the nearest one above it; a file named is the only one."""
    if start.is_file():
        return [start]
    here = start.absolute()
    if found := sorted(_pipelines(here), key=lambda path: (path.name != USUAL, path.name)):
        return found
    for folder in (here, *here.parents):
        if folder != here and (folder / USUAL).is_file() and _is_ours(folder):
            return [folder / USUAL]
        if (folder / ".git").exists():  # what is above a repository is another project
            return []
    return []


def _is_ours(folder: Path) -> bool:
    """Tell whether only the user writes there: what others put into a shared folder must not be deployed by F2."""
    found = folder.stat()
    is_own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return is_own and not found.st_mode & stat.S_IWOTH


def _pipelines(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        for path in folder.iterdir():
            if path.suffix in SUFFIXES and path.is_file() and (path.name == USUAL or _shows_pipeline(path)):
                yield path


def _shows_pipeline(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(PIPELINE.search(file.read(LOOKED_AT).decode(errors="replace")))
    except OSError:
        return False


def files(pipeline: Pipeline) -> list[Path]:
    """Return what of a pipeline is edited: itself, scripts, Dockerfiles; only what is there, each once."""
    own = [
        path for each in pipeline.functions for path in (each.init_script, each.build and each.build / "Dockerfile")
    ]
    found = {os.path.realpath(path): path for path in (pipeline.file, *own) if path and path.is_file()}
    return list(found.values())


def parts(pipeline: Pipeline) -> list[Path]:
    """Return the files and folders whose change makes another deployment."""
    own = [
        path
        for each in pipeline.functions
        for path in (each.init_script, each.build, each.extra_payload, each.image_file)
        if path
    ]
    return list(dict.fromkeys([pipeline.file, *own]))


def read(path: Path) -> Source:
    """Read a file as text; CliError when it cannot be, or is none."""
    stamp = Stamp.of(path)
    try:
        if stamp and stamp.size > LARGEST:
            raise CliError(
                f"{path.name} has {stamp.size} bytes: too large for the editor", "F4 opens it in $EDITOR"
            )
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        raise CliError(f"{path.name} is not UTF-8 text", "F4 opens it in $EDITOR") from None
    except OSError as error:
        raise CliError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    return Source(path, text, stamp)


def save(path: Path, text: str) -> Source:
    """Put a file in the place of the one that is there; CliError when that is not possible."""
    try:
        put(path, text.encode())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CliError(f"{path} cannot be saved: {reason}", "the text is still in the editor") from None
    return Source(path, text, Stamp.of(path))


def put(path: Path, data: bytes) -> None:
    """Put a file in the place of the one that is there, whole or not at all; its mode stays, links are followed."""
    target = Path(os.path.realpath(path))
    with tempfile.NamedTemporaryFile("wb", dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.chmod(file.name, _mode(target))
        os.replace(file.name, target)
    except BaseException:
        os.unlink(file.name)
        raise


def _mode(path: Path) -> int:
    """Return the mode of a file, of a new one as the user's umask wants it."""
    try:
        return path.stat().st_mode & 0o7777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def begin(folder: Path) -> Path:
    """Write a new pipeline with one function, and its script unless there is one; CliError when one is there."""
    file, script = folder / USUAL, folder / SCRIPT
    if file.exists():
        raise CliError(f"{file} exists", "open it instead")
    if not script.exists():
        save(script, NEW_SCRIPT)
        os.chmod(script, 0o755)  # noqa: S103 - a script is there to be run
    save(file, NEW_PIPELINE.format(name=_name(folder)))
    return file


def _name(folder: Path) -> str:
    """Return a name for a function and its bucket after the folder."""
    words = re.sub(r"[^a-z0-9]+", "-", folder.absolute().name.lower()).strip("-")[:40].strip("-")
    return words if len(words) >= 3 else "my-function"
