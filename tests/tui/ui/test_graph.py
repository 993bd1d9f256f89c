"""How functions become a graph, and the graph a picture: lines, forks, joins, circles, many."""

from __future__ import annotations

import time

from tests.tui.ui.world import function

from hfaas_tui.ui import glyphs
from hfaas_tui.ui.graph.canvas import Canvas
from hfaas_tui.ui.graph.flow import function_face, place_face
from hfaas_tui.ui.graph.graph import ALONE, Pipeline, pipelines, place_of
from hfaas_tui.ui.graph.graph_paint import Face, Picture, boxes
from hfaas_tui.ui.graph.graph_tree import tree
from hfaas_tui.ui.model import Function, Stats


def made(*of: tuple[str, str, str]) -> tuple[Pipeline, ...]:
    """Return the pipelines of functions, each given as name, inputs and outputs in bucket `b`."""
    return pipelines(
        function(name, inputs=_uris(inputs), outputs=_uris(outputs), stack="") for name, inputs, outputs in of
    )


def _uris(names: str) -> tuple[str, ...]:
    return tuple(f"s3://b/{name}" for name in names.split())


def faces(of: tuple[Pipeline, ...]) -> dict[str, Face]:
    return {
        key: function_face(each, node.function, Stats(), None, 0) if node.function else place_face(key, None)
        for each in of
        for key, node in each.nodes.items()
    }


def painted(of: tuple[Pipeline, ...], width: int = 120, *, as_tree: bool = False) -> tuple[Picture, str]:
    picture = (tree if as_tree else boxes)(of, faces(of), {}, width, "", ())
    return picture, "\n".join("".join(text for text, _ in row).rstrip() for row in picture.rows)


def layers(of: tuple[Pipeline, ...]) -> list[list[str]]:
    return [[key.removeprefix("s3://b/") for key in layer] for layer in of[0].layers]


def test_a_line_goes_from_where_files_come_in() -> None:
    found = made(("second", "mid", "out"), ("first", "in", "mid"))
    assert layers(found) == [["in"], ["first"], ["mid"], ["second"], ["out"]]
    assert found[0].sources == ["s3://b/in"]


def test_forks_and_joins_share_layers_and_the_long_way_sets_the_place() -> None:
    found = made(
        ("cut", "in", "left right"), ("l", "left", "both"), ("r", "right", "both"), ("end", "both in", "z")
    )
    assert [set(layer) for layer in layers(found)] == [
        {"in"}, {"cut"}, {"left", "right"}, {"l", "r"}, {"both"}, {"end"}, {"z"},
    ]  # fmt: skip
    picture, text = painted(found)
    assert len(picture.spots) == 9
    assert "▶" in text
    assert "◀" in text


def test_a_circle_is_marked_and_the_rest_keeps_its_order() -> None:
    found = made(("a", "in", "in out"), ("b", "out", "done"))
    assert [(edge.source, edge.target) for edge in found[0].edges if edge.is_loop] == [("a", "s3://b/in")]
    assert layers(found)[0] == ["in"]
    assert "! loop → b/in" in painted(found)[1]
    assert "! loop" in painted(found, 80, as_tree=True)[1]
    assert found[0].sources == ["s3://b/in"]


def test_two_functions_that_feed_each_other_are_a_circle() -> None:
    found = made(("a", "x", "y"), ("b", "y", "x"))
    assert sum(edge.is_loop for edge in found[0].edges) == 1
    assert sum(len(layer) for layer in found[0].layers) == 4


def test_a_place_feeds_those_in_it_and_those_it_is_in() -> None:
    found = made(("a", "in", "x"), ("b", "x/deep", "out"), ("c", "xy", "other"))
    inside = [edge for edge in found[0].edges if edge.what == "inside"]
    assert [(edge.source, edge.target) for edge in inside] == [("s3://b/x", "s3://b/x/deep")]
    assert len(found) == 2
    above = made(("a", "in", "x/deep"), ("b", "x", "out"))
    assert [edge.target for edge in above[0].edges if edge.what == "inside"] == ["s3://b/x"]


def test_what_is_not_connected_is_apart_and_functions_without_storage_come_last() -> None:
    found = made(("api", "", ""), ("a", "in", "out"), ("b", "p", "q"), ("cron", "", ""))
    assert [set(each.nodes) for each in found][2] == {"api", "cron"}
    assert found[2].name == ALONE
    assert painted(found)[1].count("┏") == 4


def test_onetrigger_is_an_edge_and_no_node() -> None:
    functions: list[Function] = [
        function("masks", inputs=("onedata://hub/raw",), outputs=("onedata://hub/out/",)),
        function("masks-onetrigger"),
    ]
    (found,) = pipelines(functions)
    assert "masks-onetrigger" not in found.nodes
    assert found.edges[0].what == "poll"
    assert "onedata://hub/out" in found.nodes


def test_a_stack_names_its_pipeline_unless_it_has_several() -> None:
    one = pipelines([function("f", inputs=("s3://b/x",), stack="video")])
    two = pipelines([function(name, inputs=(f"s3://{name}/x",), stack="video") for name in "fg"])
    assert [each.name for each in one] == ["video"]
    assert [each.name for each in two] == ["f", "g"]


def test_an_object_lies_in_the_innermost_place() -> None:
    assert place_of("s3://b/x/y/z.jpg", ["s3://b/x", "s3://b/x/y/", "s3://b/x/y/zz"]) == "s3://b/x/y"
    assert place_of("s3://b/xy", ["s3://b/x"]) == ""


def test_thirty_functions_fit_any_width_quickly_and_no_box_covers_another() -> None:
    chain = [(f"f{n:02}", f"p{n} side{n}", f"p{n + 1} p{n + 2}") for n in range(30)]
    found = made(*chain)
    for width in (60, 79, 119, 250):
        began = time.process_time()
        picture, text = painted(found, width)
        assert time.process_time() - began < 2
        assert len(picture.spots) == sum(len(each.nodes) for each in found)
        assert max(len(line) for line in text.splitlines()) <= width
        cells = [
            (x, y)
            for spot in picture.spots.values()
            for x in range(spot.x, spot.x + spot.width)
            for y in range(spot.y, spot.y + spot.height)
        ]
        assert len(cells) == len(set(cells))


def test_a_long_chain_is_no_deep_recursion() -> None:
    found = made(*((f"f{n}", f"p{n}", f"p{n + 1}") for n in range(600)))
    assert len(found[0].layers) == 1201
    assert len(painted(found, 80, as_tree=True)[0].spots) == 1201


def test_the_tree_says_where_ways_join() -> None:
    found = made(("cut", "in", "left right"), ("l", "left", "both"), ("r", "right", "both"))
    picture, text = painted(found, 80, as_tree=True)
    assert "├─▶" in text
    assert "see above" in text
    assert len(picture.spots) == 7


def test_every_character_of_the_picture_has_one_in_ascii() -> None:
    found = made(("a", "in", "x y"), ("b", "x", "z"), ("c", "y", "z"))
    assert "?" not in glyphs.plain(painted(found)[1].replace("?", ""))


def test_frames_have_straight_sides_in_ascii() -> None:
    assert glyphs.plain("┏━┓┃┗┛╭─╮│╰╯├┼") == "+-+|+++-+|++++"


def test_wide_characters_take_two_cells() -> None:
    canvas = Canvas(6)
    canvas.text(0, 0, "日本語x")
    assert ["".join(text for text, _ in row) for row in canvas.rows()] == ["日本語"]
