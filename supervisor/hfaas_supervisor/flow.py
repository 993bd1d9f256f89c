"""One invocation, from Event to uploaded results. Read this first.

    Event -> Items          events.py: Records of storages, HTTP, dCache, delegated, unknown
    for each Item, in fresh folders:
        fetch               inputs.py, stores/: from the provider of the declared input it belongs to
        run                 command.py, environment.py, script.py: until it ends or its time does
        upload              outputs.py, only after exit 0 (or as `on_failure` says)
    answer                  answers.py, or an HfaasError for the way in to report

An Item that fails does not stop the others; the invocation then fails and names each. Under Lambda some failures are
a cause to hand over (causes.py): then it stops there, uploads nothing more, and one Batch Job (delegation.py) gets all
Items that are not finished, those that failed before among them. Whatever happens, all processes of the script are
dead and the invocation's folder is gone before the answer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from hfaas_supervisor import answers, causes, command, environment, events, inputs, outputs, script
from hfaas_supervisor.capture import Capture
from hfaas_supervisor.causes import Moved
from hfaas_supervisor.console import Console
from hfaas_supervisor.environment import Facts
from hfaas_supervisor.errors import (
    HfaasError,
    ProviderAuth,
    ScriptFailed,
    ScriptOutOfMemory,
    ScriptTimeout,
    Stopped,
)
from hfaas_supervisor.events import Event, Item, Plan
from hfaas_supervisor.folder import Folder, lease
from hfaas_supervisor.job import Job
from hfaas_supervisor.layer import Layer
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.script import Command, Outcome
from hfaas_supervisor.stores import Place, Stores
from hfaas_supervisor.stores.local import results

if TYPE_CHECKING:
    from hfaas_supervisor import secrets_manager


class Invocation(NamedTuple):
    """One Event given to us."""

    id: str
    event: bytes
    limits: Limits
    trace: str = ""


class Flow:
    """What stays the same from one invocation to the next in this container; `leg` is `lambda`, `batch` or `local`."""

    def __init__(self, job: Job, layer: Layer, leg: str, console: Console) -> None:
        self.job, self.layer, self.leg, self.console = job, layer, leg, console
        self.stores = Stores(job, leg)
        self.base = environment.snapshot()
        self._secrets: secrets_manager.Variables | None = None
        self.root = os.environ.get("HFAAS_TMP") or "/tmp"  # noqa: S108 - what scripts are promised

    def known(self) -> Mapping[str, str]:
        """Return what scripts may see of our own environment, with the Function's secret variables."""
        if "HFAAS_SECRET_VARIABLES" not in os.environ:
            return self.base
        from hfaas_supervisor import secrets_manager  # late: most Functions have no secrets

        self._secrets = self._secrets or secrets_manager.Variables(self.leg)
        return {**self.base, **self._secrets.read()}

    def run(self, invocation: Invocation) -> dict[str, Any]:
        """Process an Event and return the answer; HfaasError when it failed, unless an HTTP client waits for words."""
        event = events.read(invocation.event)
        try:
            with invocation.limits.listening():
                return self._answer(invocation, event)
        except HfaasError as error:
            self.console.error(f"{error.type}: {error}")
            if not event.waits or self.leg == "batch":
                raise
            return answers.refusal(invocation.id, error)

    def _answer(self, invocation: Invocation, event: Event) -> dict[str, Any]:
        plan = self._permitted(events.plan(event))
        plan = plan._replace(items=inputs.located(plan.items, self.job))
        for line in plan.ignored:
            self.console.info(line)
        cause, why = causes.at_once(self.job, self.leg)
        if cause and plan.items:
            inputs.check(plan.items, self.job)
            return self._hand_over(invocation, event, Moved(cause, plan.items, why))
        with lease(self.root, invocation.id, keep=self.leg == "lambda") as folder:
            items = _Items(self, invocation, event, plan, folder)
            try:
                items.run()
                return answers.success(invocation.id, items.capture, len(plan.items))
            except Moved as moved:
                folder.renew()
                return self._hand_over(invocation, event, moved)
            finally:
                items.capture.close()

    def _hand_over(self, invocation: Invocation, event: Event, moved: Moved) -> dict[str, Any]:
        limits, seconds = invocation.limits, invocation.limits.elapsed()
        from hfaas_supervisor import delegation  # late: most invocations end where they began

        self.console.info(f"delegating: {moved.why}")
        rest = events.rest(event, moved.items)
        handover = delegation.Handover(invocation.id, rest, moved.cause, seconds)
        job = delegation.submit(self.job, handover, self.stores, limits)
        line = f"DELEGATED RequestId: {invocation.id} JobId: {job} Cause: {moved.cause} after {seconds:.1f} s"
        self.console.line(line)
        return answers.delegated(invocation.id, job, self.job.name, len(moved.items))

    def _permitted(self, plan: Plan) -> Plan:
        if self.job.invoke_script or (plan.script is None and plan.arguments is None):
            return plan
        self.console.warning("script and cmd_args of the Event are ignored: hfaas.invoke_script is off")
        return plan._replace(script=None, arguments=None)


class _Items:
    """The Items of one invocation."""

    def __init__(self, flow: Flow, invocation: Invocation, event: Event, plan: Plan, folder: Folder) -> None:
        self.flow, self.invocation, self.event, self.plan, self.folder = flow, invocation, event, plan, folder
        self.capture = Capture(folder.spool)
        self.limits, self.job, self.console = invocation.limits, flow.job, flow.console
        self.fetched = self.uploaded = 0

    def run(self) -> None:
        try:
            self._run_all()
        finally:
            if self.fetched or self.uploaded:
                self.console.debug(f"{self.fetched} bytes came in, {self.uploaded} bytes went out")

    def _run_all(self) -> None:
        failed: list[tuple[Item, HfaasError]] = []
        for index, item in enumerate(self.plan.items):
            try:
                self._process(item)
            except Stopped:
                raise
            except HfaasError as error:
                if isinstance(error, ProviderAuth):
                    self.flow.stores.forget()
                if cause := causes.of(error, self.job, self.flow.leg):
                    self._move(cause, error, failed, index)
                failed.append((item, error))
        if failed:
            raise _summary(failed, len(self.plan.items))

    def _move(
        self, cause: str, error: HfaasError, failed: Sequence[tuple[Item, HfaasError]], index: int
    ) -> NoReturn:
        items = (*(item for item, _ in failed), *self.plan.items[index:])
        raise Moved(cause, items, str(error).partition("\n")[0]) from None

    def _prepare(self, item: Item) -> None:
        if item is not self.plan.items[0]:
            self.folder.renew()
            return
        self.folder.write(self.folder.event, self.event.raw)
        if self.plan.script is not None:
            self.folder.write(self.folder.script, self.plan.script)

    def _process(self, item: Item) -> None:
        self.limits.check(f"{item.place} had not begun")
        self._prepare(item)
        declared = inputs.declared(item, self.job)
        path = self._fetch(item, declared)
        began = self.capture.total
        try:
            self._judge(self._run(item, path), item, began)
        except (ScriptFailed, ScriptTimeout, ScriptOutOfMemory) as error:
            if not causes.of(error, self.job, self.flow.leg):
                self._upload_failed(error, inputs.subfolder(item, declared))
            raise
        self._upload(outputs.Naming(self.invocation.id, inputs.subfolder(item, declared)))

    def _fetch(self, item: Item, declared: Place | None) -> str:
        if item.storage and self.job.file_stage_in:
            return ""
        if not item.storage and item.content is None:
            return ""
        name = item.name if item.storage else f"event-file-{self.invocation.id}"
        path = os.path.join(self.folder.input, name)
        self.console.debug(f"fetching {item.place}")
        store = inputs.store(item, declared, self.job, self.flow.stores)
        inputs.fetch(item, store, path, self.limits, self.job)
        if store is not None:
            self.fetched += os.stat(path).st_size
        return path

    def _run(self, item: Item, path: str) -> Outcome:
        variables = environment.build(self.flow.known(), self.job, self.flow.layer, self._facts(item, path))
        own = self.folder.script if self.plan.script is not None else ""
        argv = command.argv(own, self.plan.arguments, self.flow.layer, variables, self.console)
        self.limits.check(f"preparing {item.place}")
        line = f"SCRIPT RequestId: {self.invocation.id} Item: {item.number}"
        self.console.line(f"{line} Start")
        silent = self.capture.total
        outcome = script.run(
            Command(argv, variables, self._directory()), self.limits, self.capture, self.console.fd
        )
        if self.capture.total > silent and not self.capture.ends_line:
            self.console.line("")
        if outcome.dropped:
            self.console.warning(f"{outcome.dropped} bytes of output are lost: the log did not take them")
        self.console.line(f"{line} Exit: {outcome.code} Duration: {outcome.ms:.2f} ms")
        return outcome

    def _facts(self, item: Item, path: str) -> Facts:
        return Facts(
            request=self.invocation.id,
            leg=self.flow.leg,
            folder=self.folder,
            item=item.number,
            input=path,
            key=item.key,
            time=item.time,
            event=self.plan.text,
            api=self.event.api,
            trace=self.invocation.trace,
            parameters=self.event.parameters,
        )

    def _directory(self) -> str:
        wanted = self.flow.layer.directory
        return wanted if wanted not in ("", "/") and os.path.isdir(wanted) else self.folder.scratch

    def _judge(self, outcome: Outcome, item: Item, began: int) -> None:
        last = self.capture.last_lines(since=began)
        words = f"\nlast output:\n{last}" if last else "; it printed nothing"
        if self.limits.stopped:
            raise Stopped("stopped by SIGTERM while the script ran; nothing is uploaded")
        if outcome.timed_out:
            raise ScriptTimeout(
                f"the script was stopped after {outcome.ms / 1000:.1f} s on {item.place}: time is over{words}"
            )
        if outcome.out_of_memory:
            raise ScriptOutOfMemory(f"the kernel killed the script on {item.place}: memory is used up{words}")
        if outcome.code != 0:
            why = ": a file outgrew /tmp" if outcome.code == script.FILE_TOO_LARGE else ""
            raise ScriptFailed(
                f"the script ended with code {outcome.code} on {item.place}{why}{words}", outcome.code
            )

    def _upload_failed(self, error: HfaasError, subfolder: str) -> None:
        keep = self.job.on_failure == "keep"
        if not keep and not (self.job.on_failure == "upload" and isinstance(error, ScriptFailed)):
            return
        try:
            self._upload(outputs.Naming(self.invocation.id, "" if keep else subfolder, failed=keep))
        except HfaasError as problem:  # the script's own failure is what the caller must hear of
            self.console.error(f"{problem.type}: {problem}")

    def _upload(self, naming: outputs.Naming) -> None:
        if not self.job.outputs:
            return
        found = results(self.folder.output, self.console.warning)
        uploads = outputs.plan(found, self.job, naming, self.flow.stores)
        metadata = {inputs.OWNER: self.job.name, inputs.REQUEST: self.invocation.id}
        if uploads:
            self.limits.within(
                lambda: outputs.send(uploads, metadata, self.limits, self._uploaded), "uploading the results"
            )

    def _uploaded(self, upload: outputs.Upload) -> None:
        self.uploaded += upload.result.size
        url = upload.store.url(upload.key)
        shown = url.replace("\n", "%0A").replace("\r", "%0D")
        self.console.line(f"UPLOAD RequestId: {self.invocation.id} Url: {shown} Bytes: {upload.result.size}")


def _summary(failed: Sequence[tuple[Item, HfaasError]], total: int) -> HfaasError:
    _, first = failed[0]
    if total == 1:
        return first
    lines = [f"{item.place}: {error.type}: {error}" for item, error in failed]
    message = f"{len(failed)} of {total} items failed\n" + "\n".join(lines)
    return ScriptFailed(message, first.code) if isinstance(first, ScriptFailed) else type(first)(message)
