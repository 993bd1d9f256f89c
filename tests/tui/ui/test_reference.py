"""The page of all keys is that of the actions there are."""

from __future__ import annotations

from pathlib import Path

from hfaas_tui.ui import actions, reference

ROOT = Path(__file__).parents[3]


def test_the_page_of_keys_is_up_to_date() -> None:
    """`python -m hfaas_tui.ui.reference > docs/tui-keys.md` makes it so."""
    assert (ROOT / "docs" / "tui-keys.md").read_text() == reference.text()


def test_every_action_stands_on_the_page_once() -> None:
    page = reference.text()
    assert all(page.count(f"`{each.id}`") == 1 for each in actions.everything())
