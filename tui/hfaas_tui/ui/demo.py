"""`hfaas-tui --demo`: the video sample in a folder of its own, run by the embedded emulator on a clip drawn for it."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from hfaas_tui.errors import CliError
from hfaas_tui.ui.model import Task
from hfaas_tui.ui.state import Store

Say = Callable[[str], None]
TASK = 0
"""Deploys of the Deploy view begin at 1."""

LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")


class Demo:
    """The sample's copy; it goes with us, unless the state was named."""

    def __init__(self, state: Path | None) -> None:
        from hfaas_tui.demonstration import samples

        self._temporary = tempfile.TemporaryDirectory(prefix="hfaas-demo-", ignore_cleanup_errors=True)
        self.folder = Path(self._temporary.name) / "video"
        self.build_args: dict[str, str] = {}
        """Filled once a base image has been found; a deploy by hand then builds the same."""
        self.state = state or Path(self._temporary.name) / "state"
        shutil.copytree(samples() / "video", self.folder, ignore=LEFT_OUT)

    @property
    def pipeline(self) -> Path:
        return self.folder / "pipeline.yaml"

    def run(self, start: Callable[[str], None], say: Say) -> None:
        """Start the emulator with the engine that fits this machine, deploy the sample, put the clip in."""
        from hfaas_deploy import fdl
        from hfaas_deploy.errors import DeployError
        from hfaas_tui import demonstration, local, transfer, watch
        from hfaas_tui.run import plan_inputs

        try:
            order = demonstration.order(self.folder / "clip", "auto", say)
            self.build_args.update(order.build_args)
            start(order.engine)
            emulator = watch.find(None, self.state)
            pipeline = fdl.read(self.pipeline)
            local.deploy(pipeline, emulator, order.build_args, say)
            uploads = plan_inputs(pipeline, order.inputs)
            for where in transfer.upload(transfer.Buckets(transfer.s3(emulator.endpoint)), uploads):
                say(f"put the clip at {where}: watch it in 3 Runs")
        except (CliError, DeployError) as error:
            say(f"the demo stopped: {error}")

    def run_aside(self, start: Callable[[str], None], say: Say, store: Store) -> None:
        """Do all this while the UI comes up, which shows how far it is."""
        threading.Thread(target=self._run_aside, args=(start, say, store), daemon=True, name="hfaas-demo").start()

    def _run_aside(self, start: Callable[[str], None], say: Say, store: Store) -> None:
        def tell(line: str) -> None:
            store.put_task(Task(TASK, "deploy", "the video sample", message=line))
            say(line)

        tell("drawing a clip and starting the emulator")
        self.run(start, tell)
        store.drop_task(TASK)

    def close(self) -> None:
        """Remove the copy."""
        self._temporary.cleanup()
