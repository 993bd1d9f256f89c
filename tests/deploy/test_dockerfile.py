from __future__ import annotations

import pytest

from hfaas_deploy.building.dockerfile import base_images


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("FROM debian:12", ["debian:12"]),
        ("ARG BASE=debian\nFROM ${BASE}:12", ["debian:12"]),
        ("ARG GIVEN=x\nFROM $GIVEN", ["from-outside"]),
        ("FROM a AS one\nFROM --platform=linux/amd64 b as two\nFROM one\nFROM scratch", ["a", "b"]),
        ("from \\\n debian", ["debian"]),
    ],
)
def test_the_images_a_dockerfile_starts_from_are_known(dockerfile: str, expected: list[str]) -> None:
    assert base_images(dockerfile, {"GIVEN": "from-outside"}) == expected
