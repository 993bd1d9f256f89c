"""The Functions view: the table, the pane beside it, and what its keys do."""

from __future__ import annotations

import pytest
from tests.tui.ui.screen import SMALL, WIDE, frame, golden, running, settle, under_cursor, wait_for, wait_text
from tests.tui.ui.world import FakeBackend, function, run

from hfaas_tui.ui import shell
from hfaas_tui.ui.model import Condition, Stats, Target, Task
from hfaas_tui.ui.project.configuration import as_yaml
from hfaas_tui.ui.widgets.functionrows import Row, brief, share
from hfaas_tui.ui.widgets.spark import spark


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_each_function_has_a_row_and_the_one_under_the_cursor_details_and_logs(
    backend: FakeBackend, size: tuple[int, int]
) -> None:
    async with running(backend, size) as (_, pilot):
        await wait_text(pilot, "scar-mrbayes")
        await pilot.press("j", "j", "j")
        await wait_text(pilot, "Traceback")
        await golden(pilot, "functions")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_zoomed_all_columns_show_and_filters_count(backend: FakeBackend, size: tuple[int, int]) -> None:
    async with running(backend, size) as (_, pilot):
        await wait_text(pilot, "scar-mrbayes")
        await pilot.press("z", "slash", *"mode:batch gpu:>0", "enter", "space")
        await wait_text(pilot, "2 of 7 functions")
        await golden(pilot, "functions-zoomed")
        await pilot.press("escape", "escape", "escape")
        await wait_text(pilot, "deep-audio")
        assert "filter" in frame(pilot.app)
        assert "2 of 7" not in frame(pilot.app)


async def test_without_functions_it_says_what_to_press() -> None:
    async with running(FakeBackend(), SMALL) as (_, pilot):
        await wait_text(pilot, "No functions here yet.")
        await golden(pilot, "functions-empty")


async def test_while_the_first_functions_are_made_it_says_how_far_that_is() -> None:
    async with running(FakeBackend(), SMALL) as (app, pilot):
        app.store.put_task(Task(1, "deploy", "the video sample", message="building its image"))
        await wait_text(pilot, "Deploying the video sample…")
        await wait_text(pilot, "building its image")
        app.store.drop_task(1)
        await wait_text(pilot, "No functions here yet.")


async def test_when_the_emulator_goes_what_was_seen_stays(backend: FakeBackend) -> None:
    async with running(backend) as (app, pilot):
        await wait_text(pilot, "grayify")
        backend.broken = "the emulator does not answer on 127.0.0.1:4566"
        app.feeds.hurry()
        await wait_text(pilot, "✗ the emulator does not answer")
        await golden(pilot, "functions-gone")
        backend.broken = ""
        await wait_text(pilot, "jobs 2▶")
        assert "does not answer" not in await settle(pilot)


async def test_read_only_hides_what_changes_something(backend: FakeBackend) -> None:
    async with running(backend, read_only=True) as (_, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("D", "i")
        await golden(pilot, "functions-read-only")


async def test_in_a_narrow_window_return_opens_the_details_and_escape_closes_them(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (_, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("j", "enter")
        await wait_text(pilot, "http://127.0.0.1:4566/grayify")
        await golden(pilot, "functions-detail")
        await pilot.press("escape")
        await wait_text(pilot, "deep-audio")


async def test_the_cursor_stays_on_its_function_when_others_come_and_the_order_changes(
    backend: FakeBackend,
) -> None:
    async with running(backend) as (app, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("j")
        backend.has["aaa-new"] = function("aaa-new")
        app.feeds.hurry()
        await wait_text(pilot, "aaa-new")
        assert "▸ ✓ ready  grayify" in frame(app)
        await pilot.press("o", "O")
        assert "grayify" in under_cursor(app)
        assert "STATE↑" in await settle(pilot)


async def test_marked_functions_are_deleted_together_once_confirmed(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (_, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("space", "space", "D")
        await wait_text(pilot, "Delete 2 functions?")
        await golden(pilot, "functions-delete")
        await pilot.press("y")
        await wait_text(pilot, "deleted deep-audio, grayify")
        await wait_for(pilot, lambda: "deep-audio" not in frame(pilot.app).partition("─ Logs")[0], "deletion")
        assert sorted(call[1] for call in backend.calls if call[0] == "delete_function") == [
            "deep-audio",
            "grayify",
        ]


async def test_all_are_deleted_where_it_was_asked_for(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = FakeBackend()
    deleted = FakeBackend.delete_function

    async with running(backend, SMALL) as (app, pilot):

        def leave(self: FakeBackend, name: str) -> None:
            app.backend = elsewhere
            deleted(self, name)

        monkeypatch.setattr(FakeBackend, "delete_function", leave)
        await wait_text(pilot, "grayify")
        await pilot.press("space", "space", "D")
        await wait_text(pilot, "Delete 2 functions?")
        await pilot.press("y")
        await wait_text(pilot, "deleted deep-audio, grayify")
    assert [call[0] for call in backend.calls].count("delete_function") == 2


async def test_on_a_live_target_the_name_must_be_typed(backend: FakeBackend) -> None:
    backend.target = Target("oscar", "cluster.example.org")
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        app.is_read_only = False
        await pilot.press("D")
        await wait_text(pilot, "Type deep-audio to confirm:")
        await pilot.press(*"deep-audi", "enter")
        assert not [call for call in backend.calls if call[0] == "delete_function"]
        await pilot.press("o", "enter")
        await wait_text(pilot, "deleted deep-audio")


async def test_y_shows_the_configuration_as_yaml(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (_, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("j", "j", "y")
        await wait_text(pilot, "storage_provider: onedata.datahub")
        await golden(pilot, "functions-yaml")
        await pilot.press("escape")
        await wait_for(pilot, lambda: "storage_provider" not in frame(pilot.app), "closed dialog")


async def test_c_copies_the_name_and_says_by_which_way(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (app, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("c")
        await wait_text(pilot, "OSC 52")
        assert app.clipboard == "deep-audio"


async def test_hostile_names_do_no_harm() -> None:
    backend = FakeBackend()
    name = "evil\x1b]52;c;AAAA\x07\x9b31m[bold]\u202e[/x]"
    backend.has[name] = function(name, reason="\x1b[2Jboo [red")
    async with running(backend, SMALL) as (_, pilot):
        await wait_text(pilot, "evil")
        for key in ("enter", "escape", "y", "escape", "D", "escape", "i", "escape"):
            await pilot.press(key)
            assert all(char.isprintable() or char == "\n" for char in await settle(pilot, 0.05))


def test_a_shell_needs_docker_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    of = function("grayify")
    assert "docker engine" in shell.reason_against(of, "process", Target())
    assert "this machine" in shell.reason_against(of, "docker", Target("aws"))
    monkeypatch.setenv("PATH", "")
    assert "no `docker` command" in shell.reason_against(of, "docker", Target())


def test_the_row_tells_what_matters_most_first() -> None:
    failed = run("a", "f", Condition.FAILED)
    assert Row(function("f"), Stats(runs=1, last=failed)).state() == ("✗ failed", "err")
    assert Row(function("f"), Stats(runs=3, running=2, last=failed)).state() == ("▶ 2 run", "run")
    assert Row(function("f", state=Condition.DRIFT), Stats(running=2)).state() == ("! drift", "warn")
    assert [share(Stats(runs=412, failed=1)), share(Stats(runs=18, failed=6)), share(Stats())] == [
        "0.2%",
        "33%",
        "-",
    ]
    assert [brief(8.1), brief(31.2), brief(63), brief(0.64), brief(None)] == ["8.1s", "31s", "1m03s", "640ms", "-"]


def test_a_series_is_as_wide_as_it_may_be_and_shows_the_least_of_what_was() -> None:
    assert spark([0, 1, 2, 4], 4) == "▁▃▅█"
    assert spark([0] * 99 + [1], 10) == "▁▁▁▁▁▁▁▁▁█"
    assert spark([1, 1000], 2) == "▂█"
    assert spark([], 4) == ""
    assert len(spark(range(288), 28)) == 28


def test_the_configuration_reads_like_a_pipeline_file() -> None:
    text = as_yaml(function("f", gpus=1, inputs=("onedata://films/in",), environment={"A": "1"}))
    assert "storage_provider: onedata.films" in text
    assert "enable_gpu: true" in text
