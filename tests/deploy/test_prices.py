from __future__ import annotations

from datetime import date, timedelta

import pytest

from hfaas_deploy import prices
from hfaas_deploy.cost import ITEMS
from hfaas_deploy.errors import NoPrices

WRITTEN = prices.of("us-east-1").written


def test_the_table_has_two_regions_and_a_price_for_every_thing() -> None:
    assert prices.regions() == ("us-east-1", "eu-west-1")
    assert all(getattr(prices.of(region), name) > 0 for region in prices.regions() for name in prices.NAMES)


def test_every_priced_thing_has_words() -> None:
    assert set(ITEMS) == set(prices.NAMES)


def test_a_region_nobody_wrote_down_is_refused_with_those_there_are() -> None:
    with pytest.raises(NoPrices) as caught:
        prices.of("ap-south-1")

    assert "us-east-1, eu-west-1" in caught.value.hint


def test_the_nearest_prices_say_whose_they_are() -> None:
    assert prices.nearest("ap-south-1").region == "us-east-1"
    assert prices.nearest("eu-west-1").region == "eu-west-1"


@pytest.mark.parametrize(("days", "is_old"), [(0, False), (180, False), (181, True)])
def test_a_table_is_old_after_half_a_year(days: int, is_old: bool) -> None:
    today = WRITTEN + timedelta(days=days)

    assert prices.of("us-east-1").is_old(today) is is_old
    assert ("out of date" in prices.of("us-east-1").note(today)) is is_old


def test_the_note_says_when_it_was_written_and_that_nobody_verified_it() -> None:
    note = prices.of("eu-west-1").note(WRITTEN)

    assert f"{WRITTEN}" in note
    assert "not verified" in note


def test_a_clock_that_is_behind_makes_no_negative_age() -> None:
    assert prices.of("us-east-1").age_days(date(2020, 1, 1)) == 0
