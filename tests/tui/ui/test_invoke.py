"""The dialog that invokes functions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.tui.ui.screen import SMALL, WIDE, frame, golden, running, wait_for, wait_text
from tests.tui.ui.world import FakeBackend, function

from hfaas_tui.ui import events


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_it_begins_with_the_event_that_fits_the_function(backend: FakeBackend, size: tuple[int, int]) -> None:
    async with running(backend, size) as (_, pilot):
        await wait_text(pilot, "mask-detector-image")
        await pilot.press("j", "j", "i")
        await wait_text(pilot, "ObjectCreated:Put")
        await golden(pilot, "invoke")
        await pilot.press("f2")
        await wait_text(pilot, "mask-detector-image")
        await wait_for(pilot, lambda: any(call[0] == "invoke" for call in backend.calls), "invocation")
    name, payload, wait = next(call[1:] for call in backend.calls if call[0] == "invoke")
    assert (name, wait) == ("mask-detector-image", False)
    assert json.loads(payload)["Records"][0]["s3"]["bucket"]["name"] == "mask-detector"


async def test_wrong_json_is_told_where_and_not_sent(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (_, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("i")
        await wait_text(pilot, "Invoke deep-audio")
        await pilot.press(*'{"a" 1', "f2")
        await wait_text(pilot, "✗ line 1, column")
        await golden(pilot, "invoke-wrong")
        assert not [call for call in backend.calls if call[0] == "invoke"]


async def test_the_answer_comes_as_a_toast_that_leads_to_the_run(backend: FakeBackend) -> None:
    async with running(backend, SMALL) as (_, pilot):
        await wait_text(pilot, "grayify")
        await pilot.press("j", "i")
        await wait_text(pilot, "httpMethod")
        await pilot.press("ctrl+t")
        await wait_for(pilot, lambda: "httpMethod" not in frame(pilot.app), "JSON")
        await pilot.press("ctrl+t")
        await wait_text(pilot, "httpMethod")
        await pilot.press("ctrl+s")
        await wait_text(pilot, 'grayify answered {"ok": true}')
        assert "^l opens it" in frame(pilot.app)


async def test_a_file_goes_to_where_the_function_looks(backend: FakeBackend, tmp_path: Path) -> None:
    picture = tmp_path / "crowd.jpg"
    picture.write_bytes(b"jpeg")
    async with running(backend) as (_, pilot):
        await wait_text(pilot, "mask-detector-image")
        await pilot.press("j", "j", "i")
        await wait_text(pilot, "[S3 put]")
        await pilot.press("ctrl+t")
        await wait_text(pilot, "path of a file")
        await pilot.press(*str(picture))
        await wait_text(pilot, "✓ goes to s3://mask-detector/raw/crowd.jpg")
        await pilot.press("enter")
        await wait_text(pilot, "crowd.jpg is at s3://mask-detector/raw/crowd.jpg")
    assert backend.objects["s3://mask-detector/raw/crowd.jpg"] == b"jpeg"


def test_each_function_gets_the_kinds_of_events_it_can_have() -> None:
    assert events.kinds(function("f", inputs=("s3://b/in",))) == ("s3", "file", "json", "api")
    assert events.kinds(function("f", inputs=("onedata://s/in",))) == ("file", "json", "api")
    assert events.kinds(function("f", urls=("http://x",))) == ("api", "json")
    assert events.kinds(function("f")) == ("json", "api")


def test_keys_of_objects_are_quoted_as_s3_does() -> None:
    event = events.s3_put("s3://b/in/", "a b+c.jpg")
    assert json.loads(json.dumps(event))["Records"][0]["s3"]["object"]["key"] == "in/a+b%2Bc.jpg"


def test_json_that_is_nested_too_deep_is_a_mistake_not_a_crash() -> None:
    assert events.mistake("[" * 100_000) is not None
