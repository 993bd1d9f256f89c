"""What the UI can look at: the emulator of its project, AWS, a recording; and what each of them is asked through."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Literal

from hfaas_tui.ui.options import Arguments
from hfaas_tui.ui.settings import Settings

if TYPE_CHECKING:
    from hfaas_tui.ui.backend import Backend
    from hfaas_tui.ui.emulator.emulation import Emulation

Kind = Literal["local", "aws"]


class Targets:
    """Makes backends; the emulator that this window starts is the same each time, and `stack` ends it."""

    def __init__(self, read: Arguments, settings: Settings, stack: ExitStack) -> None:
        self._read, self._settings, self._stack = read, settings, stack
        self._emulation: Emulation | None = None

    @property
    def first(self) -> Kind:
        """Return the one that was named."""
        return "aws" if self._read.target == "aws" else "local"

    def words(self, now: str) -> dict[Kind, str]:
        """Return those that one can go to from another kind, in words; none from a recording, a demo or a record."""
        read = self._read
        if read.replay or read.demo or read.record:
            return {}
        named = " ".join(each for each in (read.region, f"profile {read.profile}" if read.profile else "") if each)
        known: dict[Kind, str] = {"local": "the local emulator", "aws": f"AWS {named}".strip()}
        return {kind: words for kind, words in known.items() if kind != now}

    def open(self, kind: Kind) -> tuple[Backend, Emulation | None]:
        """Return what a target is asked through, and the emulator that this window may start for it."""
        if kind == "aws":
            from hfaas_tui.ui.aws.aws_backend import AwsBackend

            return AwsBackend(self._read.profile, self._read.region, self._settings.pipeline), None
        return self._local()

    def _local(self) -> tuple[Backend, Emulation | None]:
        read, settings = self._read, self._settings
        if read.replay:
            from hfaas_tui.ui.emulator.replay import ReplayBackend

            return ReplayBackend(read.replay, read.speed), None
        from hfaas_tui.ui.emulator.local_backend import Heard, LocalBackend, unheard

        heard: Heard = unheard
        if read.record:
            from hfaas_tui.ui.emulator.replay import Recorder

            recorder = Recorder(read.record)
            self._stack.callback(recorder.close)
            heard = recorder
        named = endpoint(read)
        backend = LocalBackend(settings.state, named or None, settings.pipeline, heard)
        return backend, None if named else self._started()

    def _started(self) -> Emulation | None:
        if self._emulation is None and self._settings.state is not None:
            from hfaas_tui.rehearsal import Options
            from hfaas_tui.ui.emulator.emulation import Emulation

            self._emulation = Emulation(Options(self._settings.state))
            self._stack.callback(self._emulation.close)
        return self._emulation


def endpoint(read: Arguments) -> str:
    """Return the emulator that was named: on the command line, or for all commands by AWS_ENDPOINT_URL."""
    if read.demo or read.state:
        return read.endpoint
    return read.endpoint or os.environ.get("AWS_ENDPOINT_URL", "")
