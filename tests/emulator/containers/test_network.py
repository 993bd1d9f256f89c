from __future__ import annotations

import socket
from typing import Any

import pytest

from hfaas_emulator.containers import network
from hfaas_emulator.containers.connection import connect
from hfaas_emulator.errors import EngineError


def described(*blocks: dict[str, str]) -> dict[str, Any]:
    return {"Id": "1", "Name": "hfaas", "IPAM": {"Config": list(blocks)}}


def test_the_gateway_is_the_address() -> None:
    assert network.address(described({"Subnet": "172.20.0.0/16", "Gateway": "172.20.0.1"})) == "172.20.0.1"


def test_an_engine_that_tells_only_the_subnet_has_its_first_address() -> None:
    assert network.address(described({"Subnet": "172.20.0.0/16"})) == "172.20.0.1"


def test_a_gateway_with_a_mask_is_read() -> None:
    assert network.address(described({"Subnet": "172.20.0.0/16", "Gateway": "172.20.0.1/16"})) == "172.20.0.1"


def test_ipv6_is_passed_over() -> None:
    assert network.address(described({"Subnet": "fd00::/64"}, {"Subnet": "10.1.0.0/24"})) == "10.1.0.1"


@pytest.mark.parametrize("blocks", [(), ({},), ({"Subnet": "fd00::/64", "Gateway": "fd00::1"},)])
def test_a_network_without_an_ipv4_address_is_refused(blocks: tuple[dict[str, str], ...]) -> None:
    with pytest.raises(EngineError) as caught:
        network.address(described(*blocks))
    assert caught.value.hint == "remove it with `docker network rm hfaas`"


@pytest.mark.parametrize("foreign", ["192.0.2.1", "203.0.113.7"])
def test_an_address_that_is_not_this_machines_is_refused(foreign: str) -> None:
    with pytest.raises(EngineError, match="another network than this machine"):
        network.must_be_ours(foreign)


def test_an_empty_address_is_never_taken_for_all_addresses() -> None:
    with pytest.raises(ValueError, match="empty"):
        network.must_be_ours("")


@pytest.mark.docker
def test_the_network_is_made_once_and_listens_here(docker_ready: None) -> None:
    client = connect()
    first, second = network.gateway(client), network.gateway(client)
    client.close()
    assert first == second
    with socket.create_server((first[1], 0)):
        pass
