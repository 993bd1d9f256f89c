"""What the runs of a function come to."""

from __future__ import annotations

import time

from tests.tui.ui.world import NOW, changed, run, sample

from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.state import Store
from hfaas_tui.ui.stats import SPANS, percentile, stats


def test_an_event_with_two_legs_counts_once_and_its_job_says_how_it_went() -> None:
    store = Store()
    store.put_runs(sample().runs)
    told = stats(store, NOW)["mask-detector-image"]
    assert (told.runs, told.failed, told.running, told.queued) == (3, 0, 1, 1)
    assert told.last is not None
    assert told.last.id.startswith("c1100b9a")


def test_a_run_that_changed_is_counted_as_what_it_is_now() -> None:
    store = Store()
    going = run("1", "f", Condition.RUNNING, 10, None)
    store.put_runs([going])
    assert stats(store, NOW)["f"].running == 1
    store.put_runs([changed(going, state=Condition.FAILED, ended=NOW)])
    told = stats(store, NOW)["f"]
    assert (told.running, told.failed, told.p50) == (0, 1, 10.0)
    assert told.last_error == store.run(going.id)
    store.put_runs([changed(going, state=Condition.OK, ended=NOW)])
    assert stats(store, NOW)["f"].last_error is None


def test_children_of_an_array_are_not_counted() -> None:
    store = Store()
    parent = run("1", "f", kind="job")
    store.put_runs([parent, changed(parent, id=parent.id + ":0"), changed(parent, id=parent.id + "#1")])
    assert stats(store, NOW)["f"].runs == 1


def test_the_series_tell_of_a_day_and_move_on_with_the_clock() -> None:
    store = Store()
    store.put_runs([run("1", "f", began=30), run("2", "f", Condition.FAILED, began=700)])
    told = stats(store, NOW)["f"]
    assert (len(told.runs_series), sum(told.runs_series), sum(told.failed_series)) == (SPANS, 2, 1)
    later = stats(store, NOW + 86_400)["f"]
    assert (sum(later.runs_series), later.runs) == (0, 2)


def test_nothing_is_made_anew_while_nothing_changed() -> None:
    store = Store()
    store.put_runs([run("1", "f")])
    assert stats(store, NOW) is stats(store, NOW + 1)


def test_another_target_begins_without_figures() -> None:
    store = Store()
    store.put_runs([run("1", "f")])
    stats(store, NOW)
    store.forget_target()
    store.put_runs([run("2", "g")])
    assert set(stats(store, NOW)) == {"g"}


def test_one_more_run_among_fifty_thousand_costs_next_to_nothing() -> None:
    store = Store()
    store.put_runs(changed(run("x", "f"), id=f"r{n}", queued=NOW - n % 80_000) for n in range(50_000))
    stats(store, NOW)
    took = []
    for n in range(20):
        began = time.thread_time()
        store.put_runs([run(f"n{n}", "f")])
        stats(store, NOW)
        took.append(time.thread_time() - began)
    assert min(took) < 0.02  # what else the machine does only adds to it


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([], 50) is None
    assert percentile([1, 2, 3, 4], 50) == 2
    assert percentile([1, 2, 3, 4], 95) == 4
