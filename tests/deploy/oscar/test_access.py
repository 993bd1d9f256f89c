"""Which cluster is meant, and that keys go nowhere but where they belong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hfaas_deploy import fdl
from hfaas_deploy.oscar.access import choose
from hfaas_deploy.oscar.errors import NoCluster

Write = Callable[[str], Path]
ONE = """
    functions: {oscar: [{edge: {name: s, image: i, script: a.sh}}]}
    clusters: {edge: {endpoint: "https://edge.example.org/", auth_user: me, auth_password: "${EDGE_WORD}"}}
"""
TWO = """
    functions: {aws: [{lambda: {name: f, container: {image: x}}}]}
    clusters:
      edge: {endpoint: "https://edge.example.org", auth_user: me, auth_password: "${EDGE_WORD}"}
      cloud: {endpoint: "https://cloud.example.org", ssl_verify: false}
"""
OWN = {"OSCAR_USER": "admin", "OSCAR_PASSWORD": "word"}
ENVIRON = {**OWN, "EDGE_WORD": "edge-word"}


def test_the_only_cluster_of_a_file_is_the_one_that_is_meant(write: Write) -> None:
    chosen = choose(fdl.parse(write(ONE)), ENVIRON)

    assert (chosen.cluster, chosen.endpoint, chosen.user, chosen.password, chosen.verify) == (
        "edge",
        "https://edge.example.org",
        "me",
        "edge-word",
        True,
    )


def test_of_several_clusters_one_has_to_be_named(write: Write) -> None:
    pipeline = fdl.parse(write(TWO))

    with pytest.raises(NoCluster) as caught:
        choose(pipeline, ENVIRON)
    chosen = choose(pipeline, ENVIRON, cluster="cloud")

    assert caught.value.hint == "name one with --cluster: edge, cloud"
    assert (chosen.endpoint, chosen.user, chosen.verify) == ("https://cloud.example.org", "admin", False)


def test_a_cluster_that_the_file_does_not_know_is_named_beside_those_it_knows(write: Write) -> None:
    with pytest.raises(NoCluster, match="no cluster 'egde'") as caught:
        choose(fdl.parse(write(TWO)), ENVIRON, cluster="egde")

    assert "edge, cloud" in caught.value.hint


def test_keys_of_a_cluster_do_not_go_to_another_endpoint(write: Write) -> None:
    pipeline = fdl.parse(write(ONE))

    chosen = choose(pipeline, ENVIRON, endpoint="https://evil.example.org")
    with pytest.raises(NoCluster, match=r"no user and password for evil\.example\.org"):
        choose(pipeline, {"EDGE_WORD": "edge-word"}, endpoint="https://evil.example.org")

    assert (chosen.user, chosen.password, chosen.cluster) == ("admin", "word", "edge")


def test_its_own_endpoint_written_otherwise_is_still_its_own(write: Write) -> None:
    assert choose(fdl.parse(write(ONE)), ENVIRON, endpoint="HTTPS://EDGE.example.org").password == "edge-word"


def test_a_service_may_say_itself_where_its_cluster_is(write: Write) -> None:
    text = """
        functions:
          oscar: [{edge: {name: s, image: i, script: a.sh, endpoint: "https://own.example.org", auth_user: u, auth_password: "${EDGE_WORD}"}}]
    """
    chosen = choose(fdl.parse(write(text)), ENVIRON)

    assert (chosen.endpoint, chosen.user, chosen.password) == ("https://own.example.org", "u", "edge-word")


def test_without_a_file_an_endpoint_and_the_environment_are_enough() -> None:
    assert choose(None, OWN, endpoint="https://edge.example.org").cluster == ""


def test_without_a_file_and_an_endpoint_there_is_no_cluster() -> None:
    with pytest.raises(NoCluster, match="no cluster is named"):
        choose(None, OWN)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:80", "http://localhost:80", "http://[::1]:80"])
def test_http_is_for_this_machine(endpoint: str) -> None:
    assert choose(None, OWN, endpoint=endpoint).endpoint == endpoint


@pytest.mark.parametrize("endpoint", ["http://edge.example.org", "http://10.0.0.1", "http://localhost.example.org"])
def test_http_elsewhere_would_show_the_password(endpoint: str) -> None:
    with pytest.raises(NoCluster, match="would get the password without encryption"):
        choose(None, OWN, endpoint=endpoint)


def test_http_elsewhere_is_allowed_where_the_file_says_so(write: Write) -> None:
    text = TWO.replace("https://cloud", "http://cloud")

    assert choose(fdl.parse(write(text)), ENVIRON, cluster="cloud").endpoint == "http://cloud.example.org"


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("edge.example.org", "is no URL"),
        ("https://me:word@edge.example.org", "has a user in it"),
        ("https://edge.example.org?x=1", "more than a host and a path"),
        ("https://edge.example.org:port", "is no URL"),
        ("ftp://edge.example.org", "is no URL"),
    ],
)
def test_an_endpoint_is_a_url_and_nothing_more(endpoint: str, words: str) -> None:
    with pytest.raises(NoCluster, match=words) as caught:
        choose(None, OWN, endpoint=endpoint)

    assert "word@" not in caught.value.message


def test_what_is_not_set_is_named(write: Write) -> None:
    with pytest.raises(NoCluster, match="not set in the environment: EDGE_WORD"):
        choose(fdl.parse(write(ONE)), OWN)


def test_a_password_is_not_shown(write: Write) -> None:
    pipeline = fdl.parse(write(ONE.replace('"${EDGE_WORD}"', "edge-word")))

    assert "edge-word" not in repr(choose(pipeline, ENVIRON)) + repr(pipeline)


def test_an_endpoint_beside_several_clusters_is_one_of_its_own(write: Write) -> None:
    chosen = choose(fdl.parse(write(TWO)), ENVIRON, endpoint="https://third.example.org")

    assert (chosen.cluster, chosen.user) == ("", "admin")
