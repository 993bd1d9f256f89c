"""`hfaas cost` of an emulator of its own, in which no other test runs anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.conftest import Hfaas


def test_an_emulator_in_which_nothing_ran(hfaas: Hfaas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = hfaas("cost")

    assert code == 0
    assert out.startswith("nothing has run yet")
    assert "an estimate" in err
    assert "not verified" in err
