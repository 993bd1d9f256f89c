"""What is shown of an object, whatever its bytes are."""

from __future__ import annotations

import json
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.tui.ui.world import until

from hfaas_tui.ui.preview import pictures, preview, sniff
from hfaas_tui.ui.preview.pictures import Decoder, Picture, painted
from hfaas_tui.ui.preview.preview import HEX_BYTES, MOST_BYTES, TEXT_BYTES, Previewer, Shown, document, hexadecimal

ROOM = (30, 10)


@pytest.fixture(scope="module")
def previewer() -> Iterator[Previewer]:
    """One decoder for all tests of this file."""
    made = Previewer()
    yield made
    made.close()


def image(suffix: str, wide: int = 64, high: int = 48) -> bytes:
    pixels = np.zeros((high, wide, 3), np.uint8)
    pixels[:, : wide // 2] = (0, 0, 255)  # OpenCV has blue first: the left half is red
    done, data = cv2.imencode(suffix, pixels)
    assert done
    return data.tobytes()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Twenty frames that become lighter."""
    file = tmp_path_factory.mktemp("film") / "film.mp4"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for number in range(20):
        writer.write(np.full((48, 64, 3), number * 12, np.uint8))
    writer.release()
    return file.read_bytes()


def whole_of(text: str, name: str) -> Shown:
    data = text.encode()
    return document(data, len(data), name)


def look(previewer: Previewer, data: bytes, name: str = "x", at: float = 0, count: int | None = None) -> Shown:
    uri = f"s3://b/{name}"
    version = f"{zlib.crc32(data)}"
    return previewer.look(
        lambda _, limit: data[:limit], uri, version, len(data) if count is None else count, ROOM, at
    )


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".gif", ".tiff"])
def test_a_picture_keeps_its_shape_and_colours(previewer: Previewer, suffix: str) -> None:
    shown = look(previewer, image(suffix))
    picture = shown.picture
    assert picture
    assert (picture.columns, picture.lines) == (26, 20)
    left, right = picture.pixels[:3], picture.pixels[3 * 25 : 3 * 26]
    assert left[0] > 200
    assert left[2] < 60
    assert max(right) < 60
    assert shown.words.startswith("64×48  ")
    assert len(shown.rows) == 10


def test_without_colour_a_picture_is_a_ramp_of_characters() -> None:
    picture = Picture(2, 2, bytes([255] * 3 + [0] * 3) * 2, 2, 2)
    assert [segment.text for segment in painted(picture, is_plain=True)[0]] == ["@ "]
    assert [segment.text for segment in painted(picture, is_plain=True, is_dark=False)[0]] == [" @"]


def test_equal_neighbours_are_one_piece_of_a_line() -> None:
    picture = Picture(40, 2, bytes(3 * 80), 40, 2)
    assert [segment.text for segment in painted(picture)[0]] == ["▀" * 40]


def test_a_video_is_shown_frame_by_frame(previewer: Previewer, film: bytes) -> None:
    first, last = look(previewer, film), look(previewer, film, at=1)
    assert first.is_video
    assert first.picture
    assert last.picture
    assert (first.picture.frame, last.picture.frame) == (0, 19)
    assert first.picture.pixels[0] < 20
    assert last.picture.pixels[0] > 200
    assert last.frame == "20 of 20  1.9 s"


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".gif", ".tiff"])
def test_a_picture_that_was_cut_off_gets_a_sentence_or_what_there_is(
    previewer: Previewer, suffix: str, part: float
) -> None:
    data = image(suffix)
    shown = look(previewer, data[: int(len(data) * part)])
    assert shown.picture or shown.note.startswith("No preview: ") or shown.data or shown.lines


def test_a_video_that_was_cut_off_gets_a_sentence(previewer: Previewer, film: bytes) -> None:
    assert look(previewer, film[: len(film) // 2]).note == "No preview: it cannot be opened as a video"


def png_of(wide: int, high: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", wide, high, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def test_a_small_file_that_becomes_a_huge_picture_is_not_decoded(previewer: Previewer) -> None:
    shown = look(previewer, png_of(100_000, 100_000))
    assert "it says it is 100000×100000, and previews end at 50 million pixels" in shown.note


def test_the_decoder_has_a_wall_of_its_own_against_huge_pictures(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(png_of(60_000, 60_000))
    decoder = Decoder()
    try:
        with pytest.raises(pictures.Undecodable):
            decoder.image(file, (10, 10), ROOM)
    finally:
        decoder.close()


def test_what_is_too_large_is_not_read(previewer: Previewer) -> None:
    asked = []

    def read(_: str, limit: int) -> bytes:
        asked.append(limit)
        return image(".png")[:limit]

    shown = previewer.look(read, "s3://b/x.png", "1", MOST_BYTES + 1, ROOM)
    assert "previews end at 34 MB" in shown.note
    assert asked == [TEXT_BYTES]


@pytest.mark.parametrize(
    ("program", "patience", "words"),
    [
        ("import os; os.abort()", 60, "broke off"),
        ("print('no JSON', flush=True)", 60, "broke off"),
        ("import time; time.sleep(60)", 0.5, "took longer"),
    ],
)
def test_a_decoder_that_dies_or_hangs_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, patience: float, words: str
) -> None:
    monkeypatch.setattr(pictures, "PATIENCE_S", patience)
    decoder = Decoder((sys.executable, "-S", "-c", program))
    with pytest.raises(pictures.Undecodable, match=words):
        decoder.image(tmp_path / "x", (1, 1), ROOM)
    decoder.close()


def test_a_decoder_is_ended_while_it_works_and_never_begins_again(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    program = f"import time; open({str(begun)!r}, 'a').write('once'); time.sleep(600)"
    decoder = Decoder((sys.executable, "-S", "-c", program))

    def ask() -> None:
        with pytest.raises(pictures.Undecodable):
            decoder.image(tmp_path / "x", (1, 1), ROOM)

    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(ask)
        until(lambda: begun.exists() and begun.read_text())
        decoder.close()
        asked.result()
    ask()
    assert begun.read_text() == "once"


def test_a_preview_that_is_made_while_the_view_goes_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    decoder = Decoder()
    previewer = Previewer(decoder)

    def read(_: str, limit: int) -> bytes:
        previewer.close()
        return image(".png")[:limit]

    shown = previewer.look(read, "s3://b/x.png", "1", None, ROOM)
    assert shown.note == "No preview: it is not wanted any more"
    assert (list(tmp_path.iterdir()), decoder._child) == ([], None)


def test_without_opencv_the_pane_says_what_to_install(tmp_path: Path) -> None:
    answer = '{"missing": "libGL.so.1: cannot open", "bytes": 0}'
    decoder = Decoder((sys.executable, "-S", "-c", f"print({answer!r}, flush=True); input(); input()"))
    with pytest.raises(pictures.Undecodable, match="apt-get install libgl1"):
        decoder.image(tmp_path / "x", (1, 1), ROOM)
    decoder.close()


def test_json_is_pretty_and_cut_json_is_text() -> None:
    whole = whole_of('{"a":[1,{"b":"ä"}]}', "x.json")
    assert whole.words == "JSON"
    assert whole.lines[:3] == ("{", '  "a": [', "    1,")
    assert "ä" in "".join(whole.lines)
    cut = document(b'{"a": [1, 2', 1_000_000, "x.json")
    assert (cut.words, cut.note) == ("text", "the first 11 B of 1.0 MB")


@pytest.mark.parametrize(
    "text", ["[" * 30_000, '{"a":' * 5000 + "1" + "}" * 5000, "1" * 60_000, "{'a': 1}", "[1] x"]
)
def test_json_that_is_none_or_hostile_is_text(text: str) -> None:
    assert document(text.encode(), len(text), "x.json").words == "text"


def test_nesting_that_makes_a_short_text_long_is_cut() -> None:
    text = "[" * 400 + ",".join("1" * 10_000) + "]" * 400
    assert len(document(text.encode(), len(text), "x.json").lines) <= preview.MOST_LINES


def test_csv_is_a_table() -> None:
    shown = whole_of("name;size\nä;1\nlong name;20\n", "x.csv")
    assert shown.has_header
    assert shown.lines == ("name       size", "ä          1", "long name  20")


def test_a_quote_that_never_ends_does_no_harm() -> None:
    text = 'a,b\n"' + "x" * 60_000
    assert document(text.encode(), len(text), "x.csv").lines


def test_control_characters_never_reach_the_lines() -> None:
    data = b"A\x1b]52;c;aGk=\x07B\x1b[2JC\x9b31mD \xe2\x80\xae\xe2\x80\x8bE\r\nF [bold]"
    shown = document(data, len(data), "x.txt")
    assert all(line.isprintable() for line in shown.lines)
    assert shown.lines[-1] == "F [bold]"


def test_a_huge_line_is_cut() -> None:
    data = b"x" * 90_000
    shown = document(data[:TEXT_BYTES], len(data), "x.txt")
    assert len(shown.lines[0]) <= preview.LINE
    assert shown.note == "the first 66 KB of 90 KB"


def test_bad_utf8_is_shown_and_said() -> None:
    data = b"caf\xe9 " * 5 + b"a longer text in which little is wrong"
    shown = document(data, len(data), "x.txt")
    assert "caf�" in shown.lines[0]
    assert "not all of it is UTF-8" in shown.note


def test_a_character_that_was_cut_in_two_is_no_mistake() -> None:
    shown = document("aä".encode()[:2], 1000, "x.txt")
    assert (shown.lines, shown.note) == (("a",), "the first 2 B of 1.0 KB")


def test_bytes_are_numbers_as_many_in_a_row_as_fit() -> None:
    assert hexadecimal(b"\x89PNG\r\n\x1a\n" * 2, 80) == [
        "0000 89 50 4e 47 0d 0a 1a 0a 89 50 4e 47 0d 0a 1a 0a .PNG.....PNG...."
    ]
    assert hexadecimal(b"\x89PNG\r\n\x1a\n", 37) == ["0000 89 50 4e 47 0d 0a 1a 0a .PNG...."]
    assert all(len(line) <= 20 for line in hexadecimal(bytes(64), 20))


def test_archives_are_named_and_shown_as_bytes() -> None:
    shown = document(b"PK\x03\x04" + bytes(9000), 9004, "x.zip", sniff.kind(b"PK\x03\x04"))
    assert (shown.words, len(shown.data)) == ("ZIP archive", HEX_BYTES)


def test_an_empty_object_is_said_to_be_empty() -> None:
    assert document(b"", 0, "x").note == "Empty: it has no bytes."


@pytest.mark.parametrize("make", [bytes, lambda n: b"\xff" * n, lambda n: bytes(range(256)) * (n // 256 + 1)])
@pytest.mark.parametrize(
    "start", [b"", b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\0", b"RIFF\0\0\0\0WEBPVP8X", b"\x89PNG"]
)
def test_any_bytes_have_a_preview(previewer: Previewer, start: bytes, make: Callable[[int], bytes]) -> None:
    for count in (0, 1, 20, 700):
        shown = look(previewer, start + make(count))
        assert shown.lines or shown.data or shown.note or shown.picture
        json.dumps([shown.words, shown.note])
