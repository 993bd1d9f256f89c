"""Deploying from the terminal UI: what would happen, and making it happen, to the target the UI shows.

    FDL text -> check -> preview (change set, thrown away) -> deploy (messages as lines) -> URLs

Only the emulator is deployed to here; AWS is what promotion is for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hfaas_tui.errors import CliError, NoEmulator
from hfaas_tui.ui.model import Target

if TYPE_CHECKING:
    from hfaas_deploy.building.images import Foresight
    from hfaas_deploy.pipeline import Pipeline
    from hfaas_deploy.preview import Preview
    from hfaas_tui.ui.backend import Backend
    from hfaas_tui.ui.settings import Settings
    from hfaas_tui.watch import Emulator

START = "esc, then S starts one"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A deploy that came to its end; `urls` are those that functions are called at."""

    stack: str
    changed: bool
    urls: tuple[str, ...] = ()

    def __str__(self) -> str:
        done = "deployed" if self.changed else "no changes"
        return " · ".join([f"{self.stack}: {done}", *self.urls])


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what a change will do."""

    symbol: str
    kind: str
    name: str
    values: tuple[tuple[str, str, str], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deploy would do, as the screen shows it."""

    lines: tuple[Line, ...] = ()
    is_new: bool = False

    @property
    def changes(self) -> int:
        return sum(line.symbol != "=" for line in self.lines)


class Deployer(Protocol):
    """Deploys pipelines to one target."""

    def plan(self, pipeline: Pipeline) -> Plan:
        """Return what a deploy would do; changes nothing; CliError when that cannot be known."""

    def deploy(self, file: Path, say: Say) -> Outcome:
        """Deploy what is saved; CliError with the first cause when it fails, or while another deploy runs."""


class Holder(Protocol):
    """Whoever has a backend, now this one and later another."""

    backend: Backend
    settings: Settings


def of(holder: Holder) -> Deployer:
    """Return what deploys to a backend's target; a backend may bring its own."""
    own: Deployer | None = getattr(holder.backend, "deployer", None)
    return own or EmulatorDeployer(lambda: holder.backend.target, holder.settings.build_args)


@dataclass
class EmulatorDeployer:
    """Deploys to the emulator that runs now, wherever it listens."""

    target: Callable[[], Target]
    build_args: Mapping[str, str] = field(default_factory=dict)
    _busy: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, pipeline: Pipeline) -> Plan:
        from hfaas_deploy import preview
        from hfaas_deploy.aws.target import Target as Place
        from hfaas_tui import local

        wanted = local.with_build_args(pipeline, self.build_args)
        with _told():
            emulator = self._emulator()
            with _images(emulator) as images:
                return shown(preview.preview(wanted, Place.local(emulator.endpoint), images))

    def deploy(self, file: Path, say: Say) -> Outcome:
        from hfaas_deploy import fdl
        from hfaas_tui import local

        if not self._busy.acquire(blocking=False):
            raise CliError("a deploy is under way", "wait for it to end")
        try:
            with _told():
                done = local.deploy(fdl.read(file), self._emulator(), self.build_args, say)
        finally:
            self._busy.release()
        return Outcome(done.stack, done.changed, tuple(url.address for url in done.urls))

    def _emulator(self) -> Emulator:
        from hfaas_tui.watch import Emulator

        target = self.target()
        if target.is_live:
            raise CliError("a live target is not deployed to from here", "7 promotes to it")
        if not target.place:
            raise NoEmulator("no emulator runs", START)
        return Emulator(f"http://{target.place}")


@contextmanager
def _images(emulator: Emulator) -> Iterator[Foresight]:
    from hfaas_tui import local

    images = local.images(emulator)
    with images if isinstance(images, AbstractContextManager) else nullcontext(images) as made:
        yield made


@contextmanager
def _told() -> Iterator[None]:
    """Turn failures of the deploy package into ours, the first cause as the message."""
    from hfaas_deploy.errors import DeployError, FdlError

    try:
        yield
    except FdlError as error:
        first = next((one for one in error.findings if one.is_error), None)
        raise CliError(first.message if first else error.message, error.hint) from error
    except DeployError as error:
        raise CliError(error.message, error.hint) from error
    except NoEmulator as error:
        raise NoEmulator(error.message, START) from error
    except CliError:
        raise
    except Exception as error:  # a bug in a deploy is no reason to lose what is being edited
        raise CliError(f"{type(error).__name__}: {error}", "this is a fault of hfaas") from error


def shown(preview: Preview) -> Plan:
    """Return a preview as the screen shows it."""
    lines = tuple(
        Line(
            step.action.value,
            step.kind,
            step.name,
            tuple((one.name, short(one.name, one.old), short(one.name, one.new)) for one in step.settings),
            "is replaced" if step.is_replaced else "is taken over" if step.is_adopted else "",
        )
        for step in preview.steps
    )
    return Plan(lines, preview.is_new)


def short(name: str, value: str) -> str:
    """Return a value as it is shown: of an image only what tells it from the one before."""
    if name == "rights":
        return "others" if value else ""
    return value.rpartition(":")[2][:12] if name == "image" else value
