"""Buckets and spaces: a tree of places, what is in one of them, and what the object under the cursor looks like.

Listings come in pages of what the target gives at once; the next one is read as the cursor nears the end. While a
folder is not read to its end, `/` asks the target for names that begin with what is typed; else it filters like
everywhere. `tick` compares what is on screen with what should be, and starts at most one worker of each kind.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from hfaas_tui.ui import actions
from hfaas_tui.ui.model import Entry, Task
from hfaas_tui.ui.screens.storage import listing, words
from hfaas_tui.ui.screens.storage.facts import when
from hfaas_tui.ui.screens.storage.look import STEP, Looker
from hfaas_tui.ui.screens.storage.moves import Moves
from hfaas_tui.ui.screens.storage.reader import Reader
from hfaas_tui.ui.state import Kind
from hfaas_tui.ui.widgets.chrome import ChromeLine
from hfaas_tui.ui.widgets.filterbar import FilterBar
from hfaas_tui.ui.widgets.preview import PreviewPane
from hfaas_tui.ui.widgets.tablefilter import TableFilter
from hfaas_tui.ui.widgets.tree import Node, PlaceTree
from hfaas_tui.ui.widgets.vtable import Column, VTable
from hfaas_tui.units import size

COLUMNS = (
    Column("name", "NAME", 16, grow=1),
    Column("size", "SIZE", 7, align="right"),
    Column("changed", "CHANGED", 8),
    Column("by", "BY", 9, prio=1),
)
ROOT = (
    Column("name", "NAME", 16, grow=1),
    Column("objects", "OBJECTS", 8, align="right"),
    Column("size", "SIZE", 7, align="right"),
)
NEAR = 200
"""Rows before the end at which the next page is read."""


class Storage(Moves):
    NAME = "storage"
    NOUN = "names"
    BINDINGS = actions.bindings("storage")
    KINDS = (Kind.FUNCTIONS, Kind.PLACES, Kind.OBJECTS, Kind.TASKS, Kind.HEALTH, Kind.TARGET)
    AUTO_FOCUS = "#listing"
    CSS = """
    #tree { width: 34; border-right: solid $secondary; }
    #middle { width: 47fr; border-right: solid $secondary; }
    #where { background: $surface; }
    #listing { height: 1fr; }
    #listing.-stale { color: $text-muted; }
    #transfers { display: none; }
    #pane { width: 39fr; }
    Storage.-narrow #tree { display: none; }
    Storage.-narrow #middle { width: 45fr; }
    Storage.-narrow #pane { width: 35fr; }
    Storage.-zoomed #tree, Storage.-zoomed #middle { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._reader = Reader(self)
        self._looker = Looker(self)
        self._select = ""
        self._objects_seen = -1
        self._place = ""
        self._coming: dict[str, Task] = {}
        self._rows: object = None
        self._empty: set[str] = set()

    def body(self) -> ComposeResult:
        with Horizontal():
            yield PlaceTree(id="tree")
            with Vertical(id="middle"):
                yield ChromeLine(id="where")
                yield VTable[Entry](COLUMNS, self._cells, lambda entry: entry.uri, order=words.order, id="listing")
                yield self.transfer_table()
            yield PreviewPane(id="pane")

    def on_mount(self) -> None:
        self._local = TableFilter(self, self._table, self.NOUN)
        previewer = self._looker.previewer
        previewer.is_plain = self.hfaas.settings.ascii or self.app.no_color
        previewer.is_dark = self.app.current_theme.dark

    def on_unmount(self) -> None:
        self._looker.previewer.close()

    # --- what Moves wants to know

    @property
    def at(self) -> str:
        return self._reader.uri

    def subjects(self) -> list[Entry]:
        tree = self.query_one(PlaceTree)
        if tree.has_focus:
            node = tree.selected
            return [Entry(node.uri, node.name)] if node and node.uri else []
        return list(self._table.marked)

    @property
    def _table(self) -> VTable[Entry]:
        return self.query_one("#listing", VTable)

    # --- going places

    def show(self, subject: str) -> None:
        backend = self.backend
        self.work("resolve", lambda: listing.resolve(backend, subject), lambda found: self.open(*found))

    def open(self, uri: str, select: str = "") -> None:
        """Show a folder, the cursor on an object of it."""
        self.query_one(FilterBar).clear()
        self._select, self._place = select, ""
        self._reader.want(uri)
        self.query_one(PlaceTree).branches.open_to(uri)
        self.update()
        self.query_one(PlaceTree).select(uri)
        self.tick()
        self._table.focus()

    def action_open(self) -> None:
        focused = self.focused
        (focused if isinstance(focused, VTable) else self._table).action_open()

    def on_vtable_opened(self, event: VTable.Opened) -> None:
        event.stop()
        if isinstance(event.table, PlaceTree):
            self._open_node(event.table, event.row)
        elif event.table.id == "transfers":
            self.open_transfer(event.row)
        elif event.row.is_folder:
            self.open(event.row.uri)
        elif not self.action_open_run():
            self.action_zoom()

    def _open_node(self, tree: PlaceTree, node: Node) -> None:
        if node.uri == self.at and tree.branches.close(node.uri):
            tree.look()
        elif node.uri:
            self.open(node.uri)
            tree.focus()

    def action_up(self) -> None:
        if self.at:
            self.open(listing.folder_of(self.at), self.at)

    def action_part(self, number: int) -> None:
        """Open a folder of the path above the list."""
        self.open("/".join(self.at.split("/")[: number + 3]) + "/" if number >= 0 else "")

    def action_open_run(self) -> bool:
        """Open the run that wrote the object under the cursor."""
        entry = self._table.selected
        run = self.store.writer(entry.uri)[1] if entry else ""
        if run:
            self.hfaas.go("runs", run)
        return bool(run)

    def action_open_source(self) -> None:
        """Go to what the object was made from."""
        entry = self._table.selected
        run = self.store.run(self.store.writer(entry.uri)[1]) if entry else None
        if run and "://" in run.origin:
            self.show(run.origin)

    def focus_main(self) -> None:
        self._table.focus()

    def step_back(self) -> bool:
        is_zoomed = self.has_class("-zoomed")
        if is_zoomed:
            self.action_zoom()
        return is_zoomed

    # --- small keys

    def action_zoom(self) -> None:
        self.toggle_class("-zoomed")
        self.query_one("#preview" if self.has_class("-zoomed") else "#listing").focus()

    def action_mark(self) -> None:
        self._table.action_mark()

    def action_copy(self) -> None:
        uris = [listing.asked(entry.uri) for entry in self.subjects()]
        if uris:
            self.hfaas.copy("\n".join(uris), uris[0] if len(uris) == 1 else f"{len(uris)} URIs")

    def action_previous_frame(self) -> None:
        self._looker.seek(-STEP)

    def action_next_frame(self) -> None:
        self._looker.seek(STEP)

    def _filter_of(self) -> TableFilter | None:
        """Return the filter of this machine; none where the target looks for names."""
        folder = self._reader.folder
        return self._local if folder.is_whole and not folder.prefix else None

    def filter_changed(self, text: str) -> None:
        if self._filter_of() is None:
            self._reader.want(self.at, text)
        else:
            self._local.set(text)

    # --- what is on screen

    def update(self) -> None:
        self.update_transfers()
        target, tree = self.store.target, self.query_one(PlaceTree)
        tree.branches.set_places(self.store.places(), target.kind.upper() if target.is_live else "local")
        seen = self.store.version(Kind.OBJECTS)
        if seen != self._objects_seen:
            self._objects_seen = seen
            self._reader.note()
        if not self._left_place():
            self.fill()

    def _left_place(self) -> bool:
        """Leave a place that was deleted."""
        place = "/".join(self.at.split("/")[:3])
        known = {each.uri for each in self.store.places()}
        if place in known:
            self._place = place
        elif self.at and self._place == place and self.store.health.is_up:
            self.open("")
            return True
        return False

    def tick(self) -> None:
        table = self._table
        last = int(table.scroll_offset.y) + table.size.height
        self._reader.tick(is_near=last >= len(table.shown) - NEAR)
        self._looker.tick(table.selected)
        self._filter = self._filter_of()

    def fill(self) -> None:
        """Show the listing, with the uploads that are on their way into it."""
        if not self.at:
            self._reader.folder = listing.places(self.store.places())
        folder, table, tree = self._reader.folder, self._table, self.query_one(PlaceTree)
        if folder.pages and folder.uri and not folder.prefix:
            empty = listing.awaited(folder.uri, self.store.functions(), folder.folders) if folder.is_whole else []
            count = len(folder.entries) if folder.is_whole else None
            tree.branches.set_folders(folder.uri, [*folder.folders, *(each.uri for each in empty)], count)
        else:
            empty = []
        self._empty = {each.uri for each in empty}
        tree.look()
        coming = self.transfers.coming(folder.uri) if folder.uri else {}
        self._coming = coming
        rows = (folder, tuple(coming), tuple(empty))
        if rows != self._rows:
            self._rows = rows
            known = {entry.uri for entry in folder.entries} if coming else set()
            new = [Entry(uri, task.name, 0, self.now()) for uri, task in coming.items() if uri not in known]
            if (table.columns[1].key == "objects") is bool(folder.uri):
                table.set_columns(COLUMNS if folder.uri else ROOT)
            table.set_rows((*listing.among(folder.entries, empty), *new))
        if self._select and (table.select(self._select) or folder.pages):
            self._select = ""
        table.empty = words.nothing(self._reader, self.store.health, self.query_one(FilterBar).text)
        table.set_class(self._reader.problem is not None, "-stale")
        table.freshen()
        where = self.query_one("#where", ChromeLine)
        where.show(words.path(self.at, where.size.width - 24), words.counts(self._reader, self.now()))

    def _cells(self, entry: Entry, column: str) -> tuple[str, str]:
        task = self._coming.get(entry.uri)
        match column:
            case "name":
                return entry.name, "run" if entry.is_folder and self.at else ""
            case "objects":
                return words.held(
                    next((each for each in self.store.places() if each.uri + "/" == entry.uri), None)
                ), ""
            case "size" if task is not None:
                return (f"↑ {100 * task.done // task.total}%" if task.total else "↑", "run")
            case "size":
                is_empty = entry.uri in self._empty
                return ("empty" if is_empty else "" if entry.is_folder and self.at else size(entry.size), "")
            case "changed":
                return ("now" if task else "" if entry.is_folder else when(entry.changed, self.now()), "dim")
            case _:
                by = "" if entry.is_folder else self.store.writer(entry.uri)[0] or entry.by
                return words.short(by, 9), "dim"
