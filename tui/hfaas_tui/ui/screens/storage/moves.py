"""What the Storage view does to objects: upload, save, delete, make places, and the list of transfers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from hfaas_tui.ui import glyphs
from hfaas_tui.ui.filenames import default_folder
from hfaas_tui.ui.model import Condition, Entry, Step, Task
from hfaas_tui.ui.safe import clean, clip
from hfaas_tui.ui.screens.storage import listing, names
from hfaas_tui.ui.screens.storage.dialogs import Choice, Story
from hfaas_tui.ui.screens.storage.listing import Below, Plan, guarded
from hfaas_tui.ui.screens.view import View
from hfaas_tui.ui.transfers import Order, Transfers
from hfaas_tui.ui.widgets.confirm import Ask, Confirm
from hfaas_tui.ui.widgets.picker import Picker
from hfaas_tui.ui.widgets.vtable import Column, VTable
from hfaas_tui.units import size

TRANSFERS = (
    Column("way", "", 1),
    Column("name", "TRANSFERS", 10, grow=1),
    Column("bar", "", 10, prio=1),
    Column("done", "", 6, align="right"),
    Column("speed", "", 9, align="right"),
)
_WAYS = {"upload": "↑", "download": "↓", "delete": "-"}
_EIGHTHS = " ▏▎▍▌▋▊▉"
_OPTIONS = (("o", "overwrite", "overwrite"), ("b", "both", "keep both"), ("s", "skip", "skip them"))


class Moves(View):
    """The half of the Storage view that changes something."""

    def __init__(self) -> None:
        super().__init__()
        self.transfers: Transfers
        self._is_moving = False
        self._downloads: Path | None = None
        self._uploads = Path()

    @property
    def at(self) -> str:
        """Return the folder on screen; empty for the list of places."""
        raise NotImplementedError

    def subjects(self) -> list[Entry]:
        """Return what a key acts upon."""
        raise NotImplementedError

    def open(self, uri: str, select: str = "") -> None:
        """Show a folder."""
        raise NotImplementedError

    def fill(self) -> None:
        """Show what was read."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self.transfers = Transfers(self.store, self._over)
        self._uploads = self.hfaas.settings.folder.absolute()

    def on_unmount(self) -> None:
        self.transfers.close()

    def transfer_table(self) -> VTable[Task]:
        """Return the list of transfers; hidden while there are none."""
        return VTable[Task](TRANSFERS, self._transfer_cells, lambda task: str(task.id), id="transfers")

    def update_transfers(self) -> None:
        """Bring the list of transfers up to date."""
        tasks = self.transfers.tasks()
        table = self.query_one("#transfers", VTable)
        table.display = bool(tasks)
        most = 8 if self.size.height >= 32 else 5
        table.styles.height = min(most, len(tasks) + 1)
        table.set_rows(tasks)
        if (is_moving := self.transfers.pending > 0) != self._is_moving:
            self._is_moving = is_moving
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return super().check_action(action, parameters) if action != "cancel" or self._is_moving else False

    def _transfer_cells(self, task: Task, column: str) -> tuple[str, str]:
        look = glyphs.LOOKS[task.state]
        match column:
            case "way":
                return _WAYS[task.kind], look.tone
            case "name":
                return (f"{task.name}: {task.message}" if task.message else task.name), look.tone
            case "bar":
                return _bar(task), look.tone
            case "done":
                return (size(task.total) if task.state is Condition.OK and task.total else _share(task)), ""
            case _ if task.state is Condition.RUNNING:
                speed = self.transfers.speed(task.id)
                return (f"{size(speed)}/s" if speed and task.done else "", "dim")
            case _:
                return f"{look.glyph} {look.word}", look.tone

    def _over(self, order: Order) -> None:
        """Look again after something changed; called from a thread."""
        if order.way != "download":
            self.store.note_objects()
            self.hfaas.feeds.hurry()

    # --- transfers

    def action_upload(self) -> None:
        """Pick files of this machine and put them into the folder on screen."""
        if not self.at:
            self.say("open a bucket or a space first: files go into the folder on screen", Condition.WARNING)
            return
        into = self.at
        self.app.push_screen(Picker(f"Upload into {_title(into)}", self._uploads), partial(self._picked, into))

    def _picked(self, into: str, paths: list[Path] | None) -> None:
        if paths:
            self._uploads, backend = paths[0].parent, self.backend
            self.work(
                "plan", guarded(lambda: listing.plan_upload(backend, paths, into)), self._ask, exclusive=False
            )

    def action_download(self) -> None:
        """Ask for a folder and save what is marked, or what the cursor is on, there."""
        chosen = self.subjects()
        if not chosen:
            self.say("nothing to save: put the cursor on an object or a folder", Condition.WARNING)
            return
        folder = self._downloads or default_folder()
        what = listing.name_of(chosen[0].uri) if len(chosen) == 1 else f"{len(chosen)} objects and folders"
        lines = [f"{clip(clean(what), 60)} will be saved in this folder:"]
        self.app.push_screen(Ask("Save", lines, value=str(folder)), partial(self._save, chosen))

    def _save(self, chosen: Sequence[Entry], typed: str | None) -> None:
        if typed:
            folder = Path(typed).expanduser().absolute()
            self._downloads, backend = folder, self.backend
            self.work(
                "plan", guarded(lambda: listing.plan_download(backend, chosen, folder)), self._ask, exclusive=False
            )

    def _ask(self, plan: Plan) -> None:
        """Ask what to do with names that are taken, and begin."""
        if plan.renamed:
            old, new = plan.renamed[0]
            others = f" and {len(plan.renamed) - 1} more" if len(plan.renamed) > 1 else ""
            self.say(
                f"{clip(clean(old), 60)} cannot be a file's name here: saved as {new}{others}", Condition.WARNING
            )
        if not plan.orders:
            self.say("there is nothing in it", Condition.WARNING)
        elif not plan.clashes:
            self._begin(plan.orders)
        else:
            first = [plan.orders[number] for number in plan.clashes[:5]]
            lines = [str(order.path) if order.way == "download" else order.uri for order in first]
            more = [f"… and {len(plan.clashes) - 5} more"] if len(plan.clashes) > 5 else []
            some = f"{len(plan.clashes)} of {len(plan.orders)} exist already"
            title = "It exists already" if len(plan.orders) == 1 else some
            self.app.push_screen(Choice(title, [*lines, *more], _OPTIONS), partial(self._settled, plan))

    def _settled(self, plan: Plan, answer: str | None) -> None:
        if answer:
            backend = self.backend
            self.work("plan", guarded(lambda: listing.settle(backend, plan, answer)), self._begin, exclusive=False)

    def _begin(self, orders: Sequence[Order]) -> None:
        self.transfers.add(self.backend, orders)
        self.query_one("#listing", VTable).clear_marks()

    def action_cancel(self) -> None:
        """End the transfer under the cursor, else the one that runs."""
        table = self.query_one("#transfers", VTable)
        under = table.selected if table.has_focus else None
        for task in [under] if under else self.transfers.tasks():
            if self.transfers.cancel(task.id):
                break
        else:
            self.say("no transfer to cancel", Condition.WARNING)

    def open_transfer(self, task: Task) -> None:
        """Try again what failed, or go to what was uploaded."""
        order = self.transfers.order(task.id)
        if self.transfers.retry(task.id) or order is None:
            return
        if order.way == "upload":
            self.open(listing.folder_of(order.uri), order.uri)
        elif order.way == "download":
            self.say(f"it is at {order.path}" if task.state is Condition.OK else f"on its way to {order.path}")

    # --- deleting and making

    def action_delete(self) -> None:
        """Count what would go, then ask."""
        chosen, backend = self.subjects(), self.backend
        is_place = any(entry.uri.count("/") == 3 and entry.is_folder for entry in chosen)
        if is_place and len(chosen) > 1:
            self.say("buckets and spaces are deleted one at a time", Condition.WARNING)
        elif chosen:
            self.work("plan", lambda: listing.below(backend, chosen), partial(self._ask_delete, chosen, is_place))

    def _ask_delete(self, chosen: Sequence[Entry], is_place: bool, found: Below) -> None:
        one = listing.asked(chosen[0].uri)
        what = one if len(chosen) == 1 else f"{len(chosen)} marked, {listing.name_of(one)} the first of them"
        lines = [what, f"{found.words}, {size(found.size)}", "", "This cannot be undone."]
        is_live = self.store.target.is_live
        phrase = listing.name_of(one) if is_place or is_live else ""
        kind = "space" if one.startswith("onedata://") else "bucket"
        title = f"Delete the whole {kind}" if is_place else "Delete"
        orders = [Order("delete", listing.asked(entry.uri), size=entry.size or 0) for entry in chosen]
        dialog = Confirm(title, lines, phrase=phrase, danger=is_place or is_live)
        self.app.push_screen(dialog, partial(self._delete, orders))

    def _delete(self, orders: Sequence[Order], answer: bool | None) -> None:
        if answer:
            self._begin(orders)

    def action_new(self) -> None:
        """Ask for the name of a bucket, a space or a folder."""
        lines = ["s3://NAME        a new bucket", "onedata://NAME   a new space"]
        if self.at:
            lines.insert(0, f"NAME             a folder in {self.at}")
        self.app.push_screen(Ask("New", lines, value="" if self.at else "s3://"), self._make)

    def _make(self, typed: str | None) -> None:
        name = (typed or "").strip()
        if not name or name.endswith("://"):
            return
        is_place = "://" in name or not self.at
        name = name if "://" in name or self.at else f"s3://{name}"
        problem = names.place_problem(name.rstrip("/")) if is_place else names.folder_problem(name)
        if problem:
            self.say(problem, Condition.FAILED)
        elif is_place:
            uri, backend = name.rstrip("/"), self.backend
            self.work("make", lambda: backend.make_place(uri), lambda _: self._made(uri))
        else:
            self._make_folder(self.at + name.strip("/") + "/")

    def _make_folder(self, uri: str) -> None:
        if uri.startswith("onedata://"):
            backend = self.backend
            self.work("make", lambda: backend.make_place(uri), lambda _: self.open(uri))
        else:  # an object that stands for it would be an event for functions
            self.open(uri)
            self.say("a folder comes to be with its first object: u uploads one")

    def _made(self, uri: str) -> None:
        self.hfaas.feeds.hurry()
        self.say(f"made {uri}")
        self.open(uri + "/")

    # --- what became of it

    def action_event(self) -> None:
        """Show which event the object caused and what came of it."""
        uri = next((entry.uri for entry in self.subjects() if not entry.is_folder), "")
        if uri:
            backend = self.backend
            self.work("story", lambda: backend.story(uri), partial(self._tell, uri))
        else:
            self.say("put the cursor on an object", Condition.WARNING)

    def _tell(self, uri: str, story: tuple[str, list[Step]]) -> None:
        def opened(run: str | None) -> None:
            if run:
                self.hfaas.go("runs", run)

        self.app.push_screen(Story(uri, *story), opened)


def _title(uri: str) -> str:
    """Return a URI for the title of a dialog, where brackets would be markup."""
    return clip(clean(uri).replace("[", "("), 50)


def _share(task: Task) -> str:
    if task.kind == "delete" or not task.done:
        return ""
    return f"{100 * task.done // task.total}%" if task.total else size(task.done)


def _bar(task: Task) -> str:
    """Return how much has moved, in eighths of a cell."""
    if task.state is Condition.OK:
        return "█" * 10
    if task.state is not Condition.RUNNING or not task.total:
        return ""
    eighths = min(80, 80 * task.done // task.total)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
