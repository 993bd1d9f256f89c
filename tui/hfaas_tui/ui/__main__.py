"""`hfaas-tui`: reads what it was called with, shows a first line at once, imports the rest, runs the UI.

arguments -> splash -> settings, keys -> target (emulator, demo, recording) -> app -> terminal restored
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.ui.options import Arguments, parse

if TYPE_CHECKING:
    from hfaas_tui.ui.demo import Demo
    from hfaas_tui.ui.guarded import Guarded
    from hfaas_tui.ui.settings import Settings

STATE = ".hfaas"
SPLASH = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J hfaas  …"
RESTORED = "\x1b[?25h\x1b[?1049l"
"""The alternate screen, which Textual enters and leaves too: what was on the terminal comes back."""


def main(arguments: list[str] | None = None) -> int:
    """Run the terminal UI; returns the exit code."""
    try:
        read = parse(arguments)
        if read.keys:
            return _print_keys()
        if read.web is not None:
            return _serve(read)
        return _run(read)
    except CliError as error:
        sys.stderr.write(f"error: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _serve(read: Arguments) -> int:
    """Serve the UI to browsers."""
    from hfaas_tui.ui import web

    return web.serve(read)


def _run(read: Arguments) -> int:
    restored = _splash()
    with ExitStack() as stack:
        stack.callback(restored)
        try:
            app = _made(read, stack)
        except CliError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect shall not leave the terminal as it is
            restored()
            from hfaas_tui.ui import crash

            return crash.report(error)
        return _show(app, restored, mouse=app.settings.mouse)


def _splash() -> Callable[[], None]:
    """Say something before the long import; returns what undoes it, which may be called again."""
    is_driven = "TEXTUAL_DRIVER" in os.environ
    if not sys.stdout.isatty() and not is_driven:
        raise UsageError(
            "hfaas-tui draws on a terminal, and this is none", "scripts use `hfaas`; see `hfaas --help`"
        )
    if is_driven:
        return lambda: None
    undone: list[str] = []

    def undo() -> None:
        if not undone:
            undone.append(RESTORED)
            sys.stdout.write(RESTORED)
            sys.stdout.flush()

    sys.stdout.write(SPLASH)
    sys.stdout.flush()
    return undo


def _show(app: Guarded, restored: Callable[[], None], *, mouse: bool) -> int:
    """Run the app to its end; of a defect one line and a file are left."""
    error: BaseException | None = None
    try:
        code = app.run(mouse=mouse)
        error = app.defect
    except Exception as raised:  # noqa: BLE001 - as above
        error = raised
        code = 1
    restored()
    if error is not None:
        from hfaas_tui.ui import crash

        return crash.report(error)
    return code or app.return_code or 0


def _made(read: Arguments, stack: ExitStack) -> Guarded:
    """Put the app together; `stack` ends what belongs to it."""
    from hfaas_tui.ui import guarded, targets

    demo = _demo(read, stack)
    settings = _settings(read, demo)
    reached = targets.Targets(read, settings, stack)
    backend, emulation = reached.open(reached.first)
    app = guarded.Guarded(
        backend,
        settings=settings,
        emulation=emulation,
        targets=reached,
        first=read.view or _first(read, settings, has_demo=bool(demo)),
    )
    if demo is not None and emulation is not None:
        emulated = emulation

        def start(engine: str) -> None:
            emulated.use(engine)
            emulated.start()
            app.feeds.hurry()

        demo.run_aside(start, app.say_from_thread, app.store)
    return app


def _demo(read: Arguments, stack: ExitStack) -> Demo | None:
    if not read.demo:
        return None
    from hfaas_tui.ui.demo import Demo

    made = Demo(read.state)
    stack.callback(made.close)
    return made


def _settings(read: Arguments, demo: Demo | None) -> Settings:
    from hfaas_tui.ui import keys, settings

    wishes = settings.wishes()
    own, problems = keys.load()
    folder, pipeline, state = (demo.folder, demo.pipeline, demo.state) if demo else _project(read)
    return settings.Settings(
        theme=read.theme or wishes.theme or settings.THEME,
        fps=wishes.fps or settings.usual_fps(),
        ascii=read.ascii or bool(wishes.ascii) or settings.wants_ascii(),
        read_only=read.read_only or bool(read.replay),
        mouse=read.mouse and wishes.mouse is not False,
        folder=folder,
        state=state,
        endpoint=read.endpoint,
        keys=own,
        pipeline=pipeline,
        build_args=demo.build_args if demo else dict(each.split("=", 1) for each in read.build_args),
        is_named=demo is not None or (read.place is not None and read.place.is_file()),
        problems=(*wishes.problems, *problems),
    )


def _project(read: Arguments) -> tuple[Path, Path | None, Path]:
    """Return folder, pipeline and state: those named, else the nearest upwards."""
    from hfaas_tui.ui.project import project

    place = (read.place or Path()).absolute()
    found = project.find(place)
    pipeline = found[0] if found else None
    folder = pipeline.parent if pipeline else place
    if read.state:
        return folder, pipeline, read.state
    for above in (folder, *folder.parents):
        if (above / STATE).is_dir():
            return folder, pipeline, above / STATE
    return folder, pipeline, folder / STATE


def _first(read: Arguments, settings: Settings, *, has_demo: bool) -> str:
    """Begin with the welcome where there is nothing yet: no pipeline, no emulator."""
    from hfaas_emulator.state import running
    from hfaas_tui.ui import targets

    is_there = settings.state is not None and running(settings.state) is not None
    has_something = (
        read.target == "aws" or settings.pipeline or is_there or has_demo or read.replay or targets.endpoint(read)
    )
    return "functions" if has_something else "welcome"


def _print_keys() -> int:
    from hfaas_tui.ui import keys

    own, problems = keys.load()
    for line in keys.listing(own):
        sys.stdout.write(f"{line}\n")
    for problem in problems:
        sys.stderr.write(f"warning: {problem}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
