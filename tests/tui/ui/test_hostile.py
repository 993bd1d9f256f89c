"""The walls against hostile text by themselves, and the source: where could a text get past them?"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from tests.tui.ui.corpus import CORPUS, MARK, SEQUENCES, SHORT, TEXTS, raw
from textual.color import Color

import hfaas_tui.ui
from hfaas_tui.ui import clipboard, crash, keys, safe, settings
from hfaas_tui.ui.filters import Ascii, Harmless
from hfaas_tui.ui.logs import ansi
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.textpane import wrapped
from hfaas_tui.ui.widgets.vtable import fit

STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
PIECES = st.lists(
    st.one_of(st.sampled_from(SHORT), st.text(max_size=6), st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp")))
)
ANY = PIECES.map("".join)


def is_harmless(text: str) -> bool:
    """Tell whether nothing in a text steers a terminal."""
    return text.isprintable() and not any(unicodedata.category(char) in STEERING for char in text)


@pytest.mark.parametrize("text", TEXTS, ids=list(CORPUS))
def test_a_cleaned_text_is_one_line_that_steers_nothing(text: str) -> None:
    assert is_harmless(safe.clean(text))
    assert is_harmless(ansi.plain(raw(text)))
    assert len(safe.clean(text)) <= safe.LONGEST


@pytest.mark.parametrize("name", ["clipboard", "title", "link", "DCS", "APC", "PM", "SOS", "clipboard never ended"])
def test_a_sequence_goes_with_all_that_it_carries(name: str) -> None:
    assert safe.clean(SEQUENCES[name]).strip("ab") == ""


def test_what_was_cut_off_shows_even_when_most_of_it_was_sequences() -> None:
    assert safe.clean("\x1b[31m" * 18_000 + MARK) == "…"
    assert safe.clean("x" * 90_000).endswith("…")


def test_towers_of_accents_stay_in_their_row() -> None:
    assert safe.clean("a" + "\u0301" * 500 + "b") == "a" + "\u0301" * 4 + "b"
    assert safe.clean("e\u0301te\u0301") == "e\u0301te\u0301"


def test_words_in_other_scripts_are_left_as_they_are() -> None:
    for text in ("naïve café", "日本語", "Ελληνικά", "हिन्दी", "עברית", "العربية", "👩 ✓ ▸ …", "e\u0301"):
        assert safe.clean(text) == text


@given(ANY, st.integers(1, 60))
def test_any_text_is_clean_after_cleaning_and_cleaning_again_changes_nothing(text: str, longest: int) -> None:
    cleaned = safe.clean(text, longest)
    assert is_harmless(cleaned)
    assert len(cleaned) <= longest
    assert safe.clean(cleaned, longest) == cleaned


@given(st.binary(max_size=300))
def test_no_bytes_of_a_log_steer_a_terminal(data: bytes) -> None:
    assert is_harmless(ansi.plain(data))
    assert is_harmless(ansi.plain(data, 7))


@given(st.lists(ANY, max_size=5))
def test_the_last_wall_lets_nothing_through_and_keeps_the_width_of_a_row(texts: list[str]) -> None:
    segments = [Segment(text) for text in texts]
    width = sum(cell_len(text) for text in texts)
    shown = Harmless().apply(segments, Color(0, 0, 0))
    assert all(is_harmless(each.text) for each in shown)
    assert sum(cell_len(each.text) for each in shown) == width
    plain = Ascii().apply(shown, Color(0, 0, 0))
    assert all(each.text.isascii() for each in plain)
    assert sum(cell_len(each.text) for each in plain) == width


@given(ANY, st.integers(1, 40))
def test_a_cell_is_as_wide_as_its_column(text: str, width: int) -> None:
    for align in ("left", "right"):
        assert cell_len(fit(safe.clean(text), width, align)) == width


@given(ANY, st.integers(4, 40))
@example("b" + "\u0336" * 5 + "b", 4)  # a row begins with marks only: they have no width
def test_a_wrapped_row_is_not_wider_than_its_pane(text: str, width: int) -> None:
    for row in wrapped((Part(safe.clean(text)),), width):
        assert sum(cell_len(part.text) for part in row) <= width


@given(ANY)
def test_what_is_copied_is_lines_of_plain_text(text: str) -> None:
    copied = clipboard.harmless(text)
    assert all(is_harmless(piece) for line in copied.split("\n") for piece in line.split("\t"))


def test_a_script_is_copied_as_it_is() -> None:
    script = "#!/bin/sh\n\tcp  a b\n\nexit 0\n"
    assert clipboard.harmless(script) == script


def test_a_crash_file_and_its_line_show_nothing_that_steers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in SHORT:
        crash.report(ValueError(text), tmp_path)
    said = capsys.readouterr().err
    assert all(is_harmless(line) for line in said.split("\n"))
    for file in tmp_path.iterdir():
        assert all(is_harmless(line) for line in file.read_text().split("\n"))


def test_settings_and_keys_that_are_hostile_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "hfaas").mkdir()
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    for name in ("settings.toml", "keys.toml"):
        file = tmp_path / "hfaas" / name
        for text in TEXTS:
            file.write_bytes(b'"' + raw(text).replace(b'"', b"") + b'" = "x"\ntheme = 3\n')
            settings.wishes(environ)
            file.write_text(f'theme = "{ascii(text)[1:-1][:200]}"\n')
            settings.wishes(environ)
            keys.load(file)


# --- the source


SOURCE = Path(hfaas_tui.ui.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
CHILDREN = {"matching_child.py", "grep_worker.py"}
"""Modules that run in processes of their own, which are killed when a pattern takes too long."""


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Yield the calls of functions of these names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in names:
                yield node


def constant(node: ast.AST | None) -> bool:
    """Tell whether a value stands in the source, or is made of such."""
    return isinstance(node, ast.Constant)


def off(call: ast.Call) -> bool:
    """Tell whether a call says that its text is no markup."""
    return any(each.arg == "markup" and getattr(each.value, "value", None) is False for each in call.keywords)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_text_from_outside_is_taken_for_markup(file: Path) -> None:
    tree = ast.parse(file.read_text())
    for call in calls(tree, "Static", "Label", "OptionList", "SelectionList", "Tooltip"):
        assert off(call), f"{file.name}:{call.lineno} does not say markup=False"
    for call in calls(tree, "from_markup", "render_markup", "from_text"):
        pytest.fail(f"{file.name}:{call.lineno} reads markup")
    for call in calls(tree, "Button"):
        assert not call.args or constant(call.args[0]) or file.name in OWN_BUTTONS, f"{file.name}:{call.lineno}"
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "markup":
            assert getattr(node.value, "value", None) is False, f"{file.name}:{node.value.lineno}"
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr in {
                    "border_title",
                    "border_subtitle",
                    "tooltip",
                }:
                    is_plain = constant(node.value) or any(calls(node.value, "Text"))
                    assert is_plain or file.name in OWN_TITLES, f"{file.name}:{node.lineno}"


OWN_BUTTONS = {"confirm.py", "dialogs.py"}
"""Their labels are given by views, in words of ours; `test_labels...` looks at the calls."""
OWN_TITLES = {"tour.py"}
"""Its pages are ours."""

MARKUP = re.compile(r"\[/?(?:b|i|u|bold|italic|dim|reverse|link|@click|\$?[a-z]+ on )\b[^\]]*\]|\[/\]")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_f_string_holds_markup(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(each.value) for each in node.values if isinstance(each, ast.Constant))
            assert not MARKUP.search(text), f"{file.name}:{node.lineno} {text}"


def test_labels_of_buttons_are_words_of_ours() -> None:
    for file in FILES:
        for call in calls(ast.parse(file.read_text()), "Confirm"):
            for each in call.keywords:
                is_ours = each.arg != "yes" or isinstance(each.value, ast.Constant | ast.Name)
                assert is_ours, f"{file.name}:{call.lineno}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_pattern_of_the_user_is_tried_only_in_a_child(file: Path) -> None:
    if file.name in CHILDREN:
        return
    for call in calls(
        ast.parse(file.read_text()), "compile", "search", "match", "fullmatch", "finditer", "findall"
    ):
        if isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "re":
            pattern = call.args[0]
            literal = (
                constant(pattern)
                or isinstance(pattern, ast.BinOp)
                or all(constant(each) for each in getattr(pattern, "values", [ast.Name("x")]))
            )
            assert literal, f"{file.name}:{call.lineno} tries a pattern that is not in the source"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_calls_in_threads_go_through_the_one_place_that_bears_defects(file: Path) -> None:
    if file.name in {"errands.py", "guarded.py"}:
        return
    tree = ast.parse(file.read_text())
    for call in calls(tree, "run_worker", "work"):
        is_thread = any(each.arg == "thread" for each in call.keywords)
        assert not is_thread, f"{file.name}:{call.lineno} starts a thread that ends the app when it fails"
    for call in calls(tree, "set_interval"):
        assert file.name in {"app.py", "logview.py"}, f"{file.name}:{call.lineno} has a timer of its own"
