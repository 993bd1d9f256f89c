"""The bridge network of our own, and this machine's address on it."""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import Any

from docker.errors import APIError, NotFound

from hfaas_emulator.containers.connection import Client
from hfaas_emulator.errors import EngineError

NAME = "hfaas"
LABEL = "hfaas.network"


def gateway(client: Client) -> tuple[str, str]:
    """Return id of the network, made when there is none, and the address under which containers reach this machine.

    The network is shared by all emulators of an engine and stays: others may be listening on its address.
    """
    found = _existing(client) or _created(client)
    host = address(found)
    must_be_ours(host)
    return str(found["Id"]), host


def _existing(client: Client) -> dict[str, Any] | None:
    networks = client.networks(filters={"label": LABEL})
    if not networks:
        return None
    oldest = min(networks, key=lambda each: (each.get("Created", ""), each["Id"]))
    return dict(client.inspect_network(oldest["Id"]))


def _created(client: Client) -> dict[str, Any]:
    try:
        made = client.create_network(NAME, driver="bridge", check_duplicate=True, labels={LABEL: "1"})
    except APIError as error:
        if found := _existing(client):  # another emulator was quicker
            return found
        raise EngineError(
            f"the Docker network {NAME!r} cannot be made: {error.explanation}",
            f"remove or rename a network {NAME!r} that is not ours (`docker network ls`)",
        ) from error
    return dict(client.inspect_network(made["Id"]))


def address(network: dict[str, Any]) -> str:
    """Return the IPv4 address of the bridge; some engines tell only the subnet."""
    for block in network.get("IPAM", {}).get("Config") or ():
        subnet = ipaddress.ip_network(block.get("Subnet") or "::/0", strict=False)
        if subnet.version == 4:
            return str(block.get("Gateway") or subnet[1]).split("/")[0]
    raise EngineError(
        "the Docker network of hfaas has no IPv4 address", f"remove it with `docker network rm {network['Name']}`"
    )


def address_of(client: Client, container: str) -> str:
    """Return the IP address of a container, empty when it has none or is gone."""
    try:
        networks = client.inspect_container(container)["NetworkSettings"]["Networks"]
    except NotFound:
        return ""
    return next((str(each["IPAddress"]) for each in networks.values()), "")


def must_be_ours(host: str) -> None:
    """Refuse an address that is not on this machine: nobody in a container could reach a listener here."""
    ipaddress.IPv4Address(host)  # an empty address would mean 0.0.0.0
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            raise EngineError(
                f"the Docker engine runs in another network than this machine ({host} is not ours)",
                "Docker Desktop, rootless and remote engines cannot call back yet; use --engine process",
            ) from error
