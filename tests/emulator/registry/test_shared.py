"""The registry that tests share is one that pushes, reads and stops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.registry import DOCKER, OCI, Registry, digest, running


@pytest.mark.parametrize("kind", [DOCKER, OCI])
def test_what_was_pushed_is_read_by_tag_and_by_digest(registry: Registry, kind: str) -> None:
    named = registry.push("shared/both", "one", kind)
    text, said = registry.manifest("shared/both", "one") or ("", "")
    assert (digest(text.encode()), said) == (named, kind)
    assert registry.manifest("shared/both", named) == (text, kind)
    assert json.loads(text)["layers"]
    assert registry.tags("shared/both") == ["one"]


def test_an_unknown_image_is_none(registry: Registry) -> None:
    assert registry.manifest("shared/nobody", "one") is None
    assert registry.tags("shared/nobody") == []


def test_a_registry_that_starts_again_has_its_images(registry: Registry, tmp_path: Path) -> None:
    with running(tmp_path) as first:
        named = first.push("shared/kept", "one")
    with running(tmp_path) as again:
        assert again.manifest("shared/kept", named)
