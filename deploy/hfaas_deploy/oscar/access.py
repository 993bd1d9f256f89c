"""Which cluster is meant and how it is reached: an endpoint, a user, and whether its certificate is looked at.

Keys go to the host that they were written for and to no other: those of `clusters.<id>` belong to its endpoint, and
another endpoint is reached with OSCAR_USER and OSCAR_PASSWORD only.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from hfaas_deploy import references
from hfaas_deploy.checks import services
from hfaas_deploy.oscar.errors import NoCluster
from hfaas_deploy.pipeline import Cluster, Pipeline

USER, PASSWORD = "OSCAR_USER", "OSCAR_PASSWORD"


@dataclass(frozen=True, slots=True)
class Access:
    """One cluster and one user of it."""

    endpoint: str
    user: str
    password: str = field(repr=False)
    cluster: str = ""
    verify: bool = True

    @property
    def host(self) -> str:
        """The host, with the port where one is written."""
        return urlsplit(self.endpoint).netloc

    @property
    def is_here(self) -> bool:
        """Tell whether it is on this machine."""
        return _is_here(urlsplit(self.endpoint).hostname or "")


def choose(
    pipeline: Pipeline | None, environ: Mapping[str, str], *, endpoint: str = "", cluster: str = ""
) -> Access:
    """The cluster that is meant, by its endpoint, by its id in the file, or because there is only one; NoCluster else."""
    known = _known(pipeline)
    if cluster and cluster not in known and not endpoint:
        raise NoCluster(f"there is no cluster {cluster!r} in the file", _ids(known))
    meant = _resolved(_meant(known, endpoint, cluster), environ)
    if endpoint and _same(meant.endpoint) != _same(endpoint):
        meant = Cluster(meant.id, meant.place, endpoint)
    return _access(meant, environ)


def _known(pipeline: Pipeline | None) -> dict[str, Cluster]:
    """The clusters of the file; what a service says of its cluster itself counts more."""
    known: dict[str, Cluster] = {}
    for one in pipeline.clusters if pipeline else ():
        known[one.id] = one
    for service in pipeline.services if pipeline else ():
        if service.cluster.endpoint or service.cluster.id not in known:
            known[service.cluster.id] = service.cluster
    return known


def _meant(known: Mapping[str, Cluster], endpoint: str, cluster: str) -> Cluster:
    if cluster:
        return known.get(cluster, Cluster(cluster, ""))
    if len(known) == 1:
        return next(iter(known.values()))
    at_endpoint = [one for one in known.values() if endpoint and _same(one.endpoint) == _same(endpoint)]
    if len(at_endpoint) == 1:
        return at_endpoint[0]
    if known and (at_endpoint or not endpoint):
        raise NoCluster("the file knows several clusters", _ids(known))
    if not endpoint:
        raise NoCluster(
            "no cluster is named",
            "--endpoint https://..., or clusters: {ID: {endpoint: https://...}} in the pipeline file",
        )
    return Cluster("", "")


def _ids(known: Mapping[str, Cluster]) -> str:
    return f"name one with --cluster: {', '.join(known)}" if known else "name its endpoint with --endpoint"


def _resolved(cluster: Cluster, environ: Mapping[str, str]) -> Cluster:
    texts = (cluster.endpoint, cluster.user, cluster.password)
    if absent := [name for text in texts for name in references.missing(text, environ)]:
        raise NoCluster(f"not set in the environment: {', '.join(absent)}", f"export {absent[0]}=...")
    endpoint, user, password = (references.fill(text, environ) for text in texts)
    return replace(cluster, endpoint=endpoint, user=user, password=password)


def _access(cluster: Cluster, environ: Mapping[str, str]) -> Access:
    if not cluster.endpoint:
        raise NoCluster(f"clusters.{cluster.id} has no endpoint", "write it there, or name it with --endpoint")
    if fault := services.endpoint_fault(cluster):
        raise NoCluster(f"the endpoint of the cluster {fault}", "it looks like https://oscar.example.org")
    parts = urlsplit(cluster.endpoint)
    if parts.scheme == "http" and cluster.verify and not _is_here(parts.hostname or ""):
        message = f"{parts.netloc} would get the password without encryption"
        raise NoCluster(message, "write https://, or ssl_verify: false at its cluster in the pipeline file")
    user = cluster.user or environ.get(USER, "")
    password = cluster.password or environ.get(PASSWORD, "")
    if not user or not password:
        missing = " and ".join(name for name, value in ((USER, user), (PASSWORD, password)) if not value)
        where = f"clusters.{cluster.id}" if cluster.id and cluster.place else "the environment"
        hint = f"export {missing}, or write auth_user and auth_password: ${{NAME}} at the cluster of that endpoint"
        raise NoCluster(f"{where} has no user and password for {parts.netloc}", hint)
    if any(mark in user + password for mark in "\r\n") or ":" in user:
        raise NoCluster("the user or the password of the cluster has a character in it that HTTP cannot carry")
    return Access(cluster.endpoint.rstrip("/"), user, password, cluster.id, cluster.verify)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _same(endpoint: str) -> tuple[str, str, str]:
    """What makes two endpoints one."""
    parts = urlsplit(endpoint)
    return parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/")
