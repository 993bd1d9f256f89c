"""Promotion to a cluster: planned, done once, done again without effect, stopped half way, and undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hfaas_deploy import fdl
from hfaas_deploy.oscar import messages, procedure
from hfaas_deploy.oscar.access import Access
from hfaas_deploy.oscar.cluster import Cluster
from hfaas_deploy.oscar.errors import NameTaken, NoCluster, NotFinished, Refused
from hfaas_deploy.oscar.plan import Action, Plan
from hfaas_deploy.pipeline import Pipeline

Write = Callable[[str], Path]
Planned = Callable[..., Plan]
SERVICES = "/system/services"

TWO = """
    functions:
      oscar:
      - edge:
          name: split
          memory: 1Gi
          cpu: '0.5'
          image: split-image
          script: a.sh
          visibility: public
          synchronous: {min_scale: 1}
          environment: {Variables: {A: b}}
          input: [{storage_provider: minio, path: films/in}]
          output: [{storage_provider: onedata.hub, path: frames}]
      - edge: {name: faces, memory: 512Mi, image: faces-image, script: a.sh, output: [{storage_provider: minio, path: faces}]}
    storage_providers:
      onedata: {hub: {oneprovider_host: one.example.org, token: "${HUB_TOKEN}", space: blurry}}
"""
ENVIRON = {"HUB_TOKEN": "hub-token"}


@pytest.fixture
def read(write: Write) -> Callable[[str], Pipeline]:
    return lambda text: fdl.read(write(text))


@pytest.fixture
def planned(there: Cluster, read: Callable[[str], Pipeline]) -> Planned:
    def planned(text: str = TWO, environ: Mapping[str, str] = ENVIRON, **more: Any) -> Plan:
        return procedure.plan(read(text), there, environ, **more)

    return planned


def actions(plan: Plan) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(step.name, str(step.action), step.changed) for step in plan.steps]


def test_a_plan_changes_nothing(oscar: Any, planned: Planned) -> None:
    assert actions(planned()) == [("split", "create", ()), ("faces", "create", ())]
    assert oscar.writes == []


def test_what_was_promoted_is_there_and_stays_when_it_is_promoted_again(
    oscar: Any, there: Cluster, planned: Planned
) -> None:
    said: list[messages.Message] = []
    procedure.promote(there, planned(), said.append)
    again = planned()
    procedure.promote(there, again)

    assert again.is_idle
    assert actions(again) == [("split", "same", ()), ("faces", "same", ())]
    assert oscar.writes == [("POST", SERVICES), ("POST", SERVICES)]
    assert [message.name for message in said if isinstance(message, messages.Created)] == ["split", "faces"]
    assert oscar.services["split"]["storage_providers"]["onedata"]["hub"]["token"] == "hub-token"


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("split-image", "other-image", "image"),
        ("cpu: '0.5'", "cpu: 600m", "cpu"),
        ("memory: 1Gi", "memory: 2Gi", "memory"),
        ("visibility: public", "visibility: private", "visibility"),
        ("visibility: public\n", "\n", "visibility"),
        ("synchronous: {min_scale: 1}", "synchronous: {min_scale: 2}", "synchronous"),
        ("synchronous: {min_scale: 1}", "log_level: DEBUG", "synchronous"),
        ("{A: b}", "{A: c}", "environment.variables"),
        ("films/in", "films/other", "input"),
        ("path: frames}", "path: frames, suffix: .jpg}", "output"),
        ("space: blurry", "space: sharp", "storage_providers"),
    ],
)
def test_one_change_is_one_update_that_says_what(
    oscar: Any, there: Cluster, planned: Planned, old: str, new: str, changed: str
) -> None:
    procedure.promote(there, planned())

    plan = planned(TWO.replace(old, new))
    procedure.promote(there, plan)

    assert plan.steps[0].action is Action.UPDATE
    assert changed in plan.steps[0].changed
    assert plan.steps[1].action is Action.SAME
    assert oscar.writes[2:] == [("PUT", SERVICES)]
    assert planned(TWO.replace(old, new)).is_idle


def test_as_much_written_otherwise_is_no_change(there: Cluster, planned: Planned) -> None:
    procedure.promote(there, planned())

    assert planned(TWO.replace("1Gi", "1024Mi").replace("'0.5'", "500m")).is_idle


def test_a_changed_script_and_a_changed_token_are_updates(there: Cluster, planned: Planned) -> None:
    procedure.promote(there, planned())
    Path("a.sh").write_text("#!/bin/sh\necho other\n")

    plan = planned(environ={"HUB_TOKEN": "new-token"})

    assert [step.changed for step in plan.steps] == [("script", "storage_providers"), ("script",)]


def test_secrets_are_sent_again_each_time_as_a_cluster_does_not_tell_them(
    oscar: Any, there: Cluster, planned: Planned
) -> None:
    text = (
        'functions: {oscar: [{edge: {name: s, image: i, script: a.sh, environment: {secrets: {KEY: "${KEY}"}}}}]}'
    )
    procedure.promote(there, planned(text, {"KEY": "one"}))

    plan = planned(text, {"KEY": "two"})
    procedure.promote(there, plan)

    assert plan.steps[0].changed == ("environment.secrets",)
    assert oscar.secrets["s"] == {"KEY": "two"}


def test_an_update_leaves_a_service_to_its_owner(oscar: Any, there: Cluster, planned: Planned) -> None:
    procedure.promote(there, planned())

    procedure.promote(there, planned(TWO.replace("split-image", "other-image")))

    assert oscar.services["split"]["owner"] == "cluster_admin"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({}, "hfaas has not made it"),
        ({"owner": "someone@egi.eu"}, "it belongs to someone@egi.eu"),
        ({"annotations": {"hfaas/stack": "other"}}, "it belongs to the pipeline other"),
    ],
)
def test_a_name_that_is_somebody_elses_stops_everything_before_it_begins(
    oscar: Any, there: Cluster, planned: Planned, more: dict[str, Any], reason: str
) -> None:
    oscar.add("faces", **more)

    with pytest.raises(NameTaken) as caught:
        procedure.promote(there, planned())

    assert f"faces: {reason}" in caught.value.message
    assert oscar.writes == []


def test_what_nobody_has_marked_is_taken_over_on_demand_and_marked(
    oscar: Any, there: Cluster, planned: Planned
) -> None:
    oscar.add("faces")

    procedure.promote(there, planned(adopt=True))

    assert oscar.services["faces"]["annotations"]["hfaas/stack"] == "films"


def test_what_another_pipeline_has_marked_is_never_taken_over(oscar: Any, there: Cluster, planned: Planned) -> None:
    oscar.add("faces", annotations={"hfaas/stack": "other"})

    with pytest.raises(NameTaken):
        procedure.promote(there, planned(adopt=True))


def test_a_service_that_is_refused_leaves_the_others_and_names_them(
    oscar: Any, there: Cluster, planned: Planned
) -> None:
    oscar.most_memory = "600Mi"
    text = TWO.replace("memory: 512Mi", "memory: 3Gi").replace("memory: 1Gi", "memory: 512Mi")

    with pytest.raises(NotFinished) as caught:
        procedure.promote(there, planned(text))

    assert "exceeded quota" in caught.value.message
    assert caught.value.message.endswith("(done: split created; not done: faces)")
    assert list(oscar.services) == ["split"]

    oscar.most_memory = "4Gi"
    plan = planned(text)
    procedure.promote(there, plan)
    assert actions(plan) == [("split", "same", ()), ("faces", "create", ())]


def test_a_single_service_that_is_refused_is_just_refused(oscar: Any, there: Cluster, planned: Planned) -> None:
    oscar.most_memory = "1Mi"

    with pytest.raises(Refused):
        procedure.promote(there, planned("functions: {oscar: [{edge: {name: s, image: i, script: a.sh}}]}"))


def test_two_services_of_one_bucket_end_as_the_warning_said(oscar: Any, there: Cluster, planned: Planned) -> None:
    text = TWO.replace("path: faces}", "path: films/out}")

    with pytest.raises(NotFinished) as caught:
        procedure.promote(there, planned(text))

    assert "done: split created; not done: faces" in caught.value.message
    assert "name other buckets" in caught.value.hint


def test_a_service_that_the_file_no_longer_has_is_left_and_said(there: Cluster, planned: Planned) -> None:
    procedure.promote(there, planned())

    plan = planned("functions: {oscar: [{edge: {name: split, image: i, script: a.sh}}]}")

    assert plan.left_over == ("faces",)


def test_destroying_takes_what_is_ours_with_its_buckets_and_nothing_else(
    oscar: Any, there: Cluster, planned: Planned, read: Callable[[str], Pipeline]
) -> None:
    oscar.add("theirs", annotations={"hfaas/stack": "other"})
    oscar.add("old")
    procedure.promote(there, planned())

    condemned = procedure.doomed(read(TWO), there)
    procedure.destroy(there, condemned)

    assert {one.name: one.buckets for one in condemned} == {"split": ("films",), "faces": ("faces",)}
    assert sorted(oscar.services) == ["old", "theirs"]
    assert oscar.buckets == set()
    assert procedure.doomed(read(TWO), there) == ()


def test_what_is_gone_meanwhile_is_no_fault(
    oscar: Any, there: Cluster, planned: Planned, read: Callable[[str], Pipeline]
) -> None:
    procedure.promote(there, planned())
    condemned = procedure.doomed(read(TWO), there)
    del oscar.services["split"]

    procedure.destroy(there, condemned)

    assert oscar.services == {}


def test_a_deletion_that_fails_says_what_is_left(
    oscar: Any, there: Cluster, planned: Planned, read: Callable[[str], Pipeline]
) -> None:
    procedure.promote(there, planned())
    condemned = procedure.doomed(read(TWO), there)
    oscar.answers["DELETE", f"{SERVICES}/split"] = (500, {}, b"etcd is away")

    with pytest.raises(NotFinished, match=r"etcd is away.*done: faces deleted; not done: split"):
        procedure.destroy(there, condemned)


def test_functions_are_rehearsed_and_promoted_from_one_file(oscar: Any, there: Cluster, planned: Planned) -> None:
    text = """
        functions:
          aws:
          - lambda:
              name: faces
              init_script: a.sh
              container: {image: "registry.example.org/opencv:4"}
              input: [{storage_provider: s3, path: films/in}]
              output: [{storage_provider: s3, path: films/out}]
    """
    procedure.promote(there, planned(text))

    assert oscar.services["faces"]["script"] == "#!/bin/sh\necho ä\n"
    assert oscar.buckets == {"films"}
    assert planned(text).is_idle


def test_services_of_several_clusters_do_not_all_go_to_one(oscar: Any, read: Callable[[str], Pipeline]) -> None:
    text = (
        "functions: {oscar: [{edge: {name: a, image: i, script: a.sh}}, {far: {name: b, image: i, script: a.sh}}]}"
    )

    with Cluster(Access(oscar.endpoint, "admin", "geh€im: wort")) as there, pytest.raises(NoCluster) as caught:
        procedure.plan(read(text), there, {})

    assert caught.value.hint == "name one with --cluster: edge, far"
    assert oscar.asked == []
