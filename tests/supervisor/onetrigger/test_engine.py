"""When a file's event is sent, and when not."""

from __future__ import annotations

import pytest
from tests.supervisor.onetrigger.conftest import Lab

from hfaas_supervisor.onetrigger.errors import Unreachable

SETTLE = 7


def test_files_that_are_there_at_the_first_start_stay_silent(lab: Lab) -> None:
    lab.hub.mkdir("in")
    lab.hub.create("in/old", 5)
    lab.clock.advance(60)
    lab.start()
    lab.hub.chmod("in/old")
    assert lab.settle(SETTLE) == []


def test_a_cdmi_upload_is_reported_as_soon_as_it_is_complete(lab: Lab) -> None:
    lab.start()
    lab.hub.create("in/a")
    lab.hub.mark("in/a", "Processing")
    assert lab.settle(60) == []
    lab.hub.write("in/a", 9)
    lab.hub.mark("in/a", "Complete")
    assert lab.settle() == ["/films/in/a"]


def test_a_slow_upload_without_a_status_is_reported_when_it_rests(lab: Lab) -> None:
    lab.start()
    lab.hub.create("in/a", 1)
    for second in range(5, 30, 5):
        lab.hub.write("in/a", second)
        assert lab.settle(5) == []
    assert lab.work(1.9) == []
    assert lab.work(0.1) == ["/films/in/a"]


def test_a_slow_cdmi_upload_is_reported_when_it_ends_even_if_it_stalls(lab: Lab) -> None:
    lab.start()
    lab.hub.create("in/a")
    lab.hub.mark("in/a", "Processing")
    for _ in range(3):
        lab.hub.write("in/a", 5)
        assert lab.settle(1000) == []
    lab.hub.mark("in/a", "Complete")
    assert lab.settle() == ["/films/in/a"]


def test_a_file_that_grew_unannounced_waits_on(lab: Lab) -> None:
    lab.start()
    made = lab.hub.create("in/a", 1)
    lab.read()
    lab.hub.files[made]["size"] = 2
    assert lab.work(SETTLE) == []
    assert lab.work(SETTLE) == ["/films/in/a"]


def test_an_empty_file_waits_longer(lab: Lab) -> None:
    lab.start()
    lab.hub.create("in/a")
    assert lab.settle(4 * SETTLE) == []
    assert lab.settle(SETTLE) == ["/films/in/a"]


def test_an_upload_that_was_cut_off_is_given_up_with_a_warning(lab: Lab) -> None:
    lab.start()
    lab.hub.create("in/a", 3)
    lab.hub.mark("in/a", "Processing")
    assert lab.settle(3600) == []
    assert lab.state.pending() == 0
    assert "/films/in/a: its upload has not moved for 3600 s and is given up" in lab.log.read_text()


def test_a_complete_of_the_upload_before_does_not_report_the_one_under_way(lab: Lab) -> None:
    lab.start()
    lab.hub.upload("in/a", 3)
    assert len(lab.settle()) == 1
    lab.clock.advance(60)
    lab.hub.mark("in/a", "Complete")  # the mimetype is stored before the status
    lab.read()
    lab.hub.write("in/a", 1)
    lab.hub.files[lab.hub.id_of("in/a")]["status"] = "Processing"
    assert len(lab.settle(60)) == 1
    lab.hub.mark("in/a", "Complete")
    assert len(lab.settle()) == 2


def test_an_overwrite_is_reported(lab: Lab) -> None:
    lab.start()
    lab.hub.upload("in/a", 3)
    lab.settle(60)
    lab.hub.upload("in/a", 4)
    assert lab.settle() == ["/films/in/a"] * 2


def test_an_overwrite_is_not_reported_where_only_new_files_count(lab: Lab) -> None:
    lab.start(created_only=True)
    lab.hub.upload("in/a", 3)
    lab.settle(60)
    lab.hub.upload("in/a", 4)
    assert lab.settle() == ["/films/in/a"]


def test_an_overwrite_of_the_same_size_within_the_same_second_is_reported_under_another_id(lab: Lab) -> None:
    lab.start()
    lab.hub.upload("in/a", 3)
    lab.settle()
    lab.hub.upload("in/a", 3)
    lab.settle()
    ids = [event["Records"][0]["eventId"] for event in lab.hook.events]
    assert len(set(ids)) == 2


def test_what_changes_nothing_of_the_content_reports_nothing(lab: Lab) -> None:
    lab.start()
    lab.hub.upload("in/a", 3)
    lab.settle()
    lab.hub.chmod("in/a")
    lab.hub.mark("in/a", "Complete")
    lab.hub.rename("in/a", "in/b")
    assert lab.settle(SETTLE) == ["/films/in/a"]


def test_an_upload_under_an_ignored_name_is_reported_when_it_gets_its_own(lab: Lab) -> None:
    lab.start()
    for name in ("in/a.part", "in/b.tmp", "in/.c", "in/.hidden/d"):
        lab.hub.create(name, 3)
    assert lab.settle(100) == []
    lab.hub.rename("in/a.part", "in/a")
    assert lab.settle(SETTLE) == ["/films/in/a"]


def test_files_outside_the_folder_are_not_looked_at(lab: Lab) -> None:
    lab.start()
    lab.hub.clear_requests()
    lab.hub.upload("inside", 3)
    lab.hub.upload("out/a", 3)
    assert lab.settle(SETTLE) == []
    assert len(lab.hub.requests) == 1


def test_a_file_that_is_moved_in_is_reported_and_one_that_is_moved_out_is_not(lab: Lab) -> None:
    lab.start()
    lab.hub.create("out/a", 3)
    lab.hub.create("in/b", 3)
    lab.read()
    lab.hub.rename("out/a", "in/a")
    lab.hub.rename("in/b", "out/b")
    assert lab.settle(SETTLE) == ["/films/in/a"]
    assert lab.state.pending() == 0


def test_the_files_of_a_folder_that_is_moved_in_are_reported(lab: Lab) -> None:
    lab.start()
    lab.hub.mkdir("out")
    lab.hub.mkdir("out/x")
    lab.hub.create("out/x/a", 3)
    lab.hub.create("out/x/b.part", 3)
    lab.settle(60)
    lab.hub.rename("out", "in/out")
    assert lab.settle() == ["/films/in/out/x/a"]


def test_a_folder_that_comes_later_is_waited_for(lab: Lab) -> None:
    lab.hub.mkdir("a")
    lab.hub.mkdir("a/deep")
    lab.hub.create("a/deep/file", 3)
    lab.start(folder="in/deep")
    lab.clock.advance(60)
    lab.hub.rename("a", "in")
    assert lab.settle() == ["/films/in/deep/file"]


def test_a_folder_that_is_renamed_inside_reports_nothing_again(lab: Lab) -> None:
    lab.start()
    lab.hub.mkdir("in/x")
    lab.hub.upload("in/x/a", 3)
    lab.settle(60)
    lab.hub.rename("in/x", "in/y")
    assert lab.settle(SETTLE) == ["/films/in/x/a"]


def test_a_file_that_a_listing_finds_while_it_is_uploaded_waits_for_its_end(lab: Lab) -> None:
    lab.start()
    lab.hub.mkdir("out")
    lab.hub.create("out/a", 3)
    lab.hub.mark("out/a", "Processing")
    lab.settle(60)
    lab.hub.rename("out", "in")
    assert lab.settle() == []
    lab.hub.mark("in/a", "Complete")
    assert lab.settle() == ["/films/in/a"]


def test_a_file_that_is_deleted_while_it_waits_is_not_reported(lab: Lab) -> None:
    lab.start()
    lab.hub.create("in/a", 3)
    lab.read()
    lab.hub.delete("in/a")
    assert lab.settle(SETTLE) == []
    assert lab.state.pending() == 0


def test_a_file_that_vanishes_unannounced_is_not_reported(lab: Lab) -> None:
    lab.start()
    lab.hub.create("in/a", 3)
    lab.read()
    lab.hub.files.clear()
    assert lab.settle(SETTLE) == []
    assert lab.state.pending() == 0


def test_a_recreated_file_is_reported_again(lab: Lab) -> None:
    lab.start()
    lab.hub.upload("in/a", 3)
    lab.settle()
    lab.hub.delete("in/a")
    lab.hub.upload("in/a", 3)
    assert lab.settle() == ["/films/in/a"] * 2


def test_a_change_that_the_stream_repeats_is_passed_over(lab: Lab) -> None:
    lab.start()
    lab.hub.upload("in/a", 3)
    lab.settle()
    seen = lab.state.seen(lab.hub.id_of("in/a"))
    lab.settle(60)
    assert lab.state.cursor == lab.hub.seq
    assert lab.state.seen(lab.hub.id_of("in/a")) == seen
    assert lab.state.pending() == 0


def test_what_changed_while_it_was_down_is_reported_after_a_restart(lab: Lab) -> None:
    lab.start()
    lab.hub.upload("in/a", 3)
    lab.settle(60)
    lab.close_state()
    lab.hub.upload("in/b", 3)
    lab.hub.upload("in/c", 3)
    lab.hub.delete("in/c")
    lab.start()
    assert lab.settle() == ["/films/in/a", "/films/in/b"]


def test_what_changed_while_it_was_down_is_reported_even_if_nothing_changed_before(lab: Lab) -> None:
    lab.hub.create("in/old", 3)
    lab.clock.advance(60)
    lab.start()
    lab.close_state()
    lab.hub.create("in/new", 3)
    lab.start()
    assert lab.settle(SETTLE) == ["/films/in/new"]


def test_who_died_during_the_first_listing_begins_again(lab: Lab) -> None:
    lab.hub.create("in/old", 3)
    lab.clock.advance(60)
    lab.hub.failures = [0, 0, 0, 0, 503]
    with pytest.raises(Unreachable):
        lab.start()
    lab.start()
    lab.hub.chmod("in/old")
    assert lab.settle(SETTLE) == []


def test_a_space_that_was_made_anew_voids_the_state(lab: Lab) -> None:
    lab.start()
    lab.hub.upload("in/a", 3)
    lab.settle(60)
    lab.hub.recreate()
    lab.hub.mkdir("in")
    lab.hub.create("in/b", 3)
    lab.clock.advance(60)
    lab.start()
    lab.hub.upload("in/c", 3)
    assert lab.settle() == ["/films/in/a", "/films/in/c"]
    assert "starting anew" in lab.log.read_text()


def test_a_file_that_came_while_the_first_listing_was_made_is_reported(lab: Lab) -> None:
    lab.hub.mkdir("in")
    lab.hub.before_listing = lambda: lab.hub.upload("in/a", 3)
    lab.start()
    assert lab.settle() == ["/films/in/a"]


def test_an_event_that_is_not_taken_is_sent_again_later(lab: Lab) -> None:
    lab.start()
    lab.hook.answers = [503, 429]
    lab.hub.upload("in/a", 3)
    assert lab.settle() == []
    assert lab.settle(1) == []
    assert lab.settle(2) == ["/films/in/a"]


def test_an_event_that_is_refused_is_kept_and_can_be_sent_again(lab: Lab) -> None:
    lab.start()
    lab.hook.answers = [404]
    lab.hub.upload("in/a", 3)
    assert lab.settle(60) == []
    (dead,) = lab.state.dead()
    assert (dead.path, "404" in dead.reason) == ("in/a", True)
    lab.engine.retry_dead()
    assert lab.settle() == ["/films/in/a"]
    assert lab.state.dead() == []


def test_one_look_is_all_that_a_new_file_costs(lab: Lab) -> None:
    lab.hub.mkdir("in")
    lab.start()
    lab.hub.clear_requests()
    for number in range(20):
        lab.hub.upload(f"in/{number}", 3)
    assert len(lab.settle()) == 20
    assert len(lab.hub.requests) == 21


def test_while_the_provider_fails_nothing_is_lost_and_it_is_not_asked_for_each_file(lab: Lab) -> None:
    lab.start()
    for number in range(5):
        lab.hub.upload(f"in/{number}", 3)
    lab.read()
    lab.hub.failures = [503]
    lab.hub.clear_requests()
    assert lab.work() == []
    assert len(lab.hub.requests) == 1
    assert len(lab.work(1)) == 5


def test_a_name_begins_no_line_of_its_own_in_the_log(lab: Lab) -> None:
    lab.start()
    lab.hub.create("in/a\nUPLOAD b", 1)
    assert lab.settle(SETTLE) == ["/films/in/a\nUPLOAD b"]
    assert "/films/in/a%0AUPLOAD b" in lab.log.read_text()
