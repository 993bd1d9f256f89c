"""What AWS asks for one unit of each thing that a pipeline uses: a dated table, one row of it for each region.

The figures were written down by hand and are not verified against AWS's price list; they are on demand prices in US
dollars without free tier, discounts and taxes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from hfaas_deploy.errors import NoPrices

OLD_AFTER_DAYS = 180
USUAL = "us-east-1"


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for one unit in one region; the names say the unit: a second or hour of it, a GB, a request, a month."""

    region: str
    written: date
    lambda_x86_gb_s: float
    lambda_arm_gb_s: float
    lambda_request: float
    lambda_tmp_gb_s: float
    """Of /tmp above the 512 MB that cost nothing."""

    fargate_vcpu_hour: float
    fargate_gb_hour: float
    g4dn_xlarge_hour: float
    g5_xlarge_hour: float
    m5_vcpu_hour: float
    c5_vcpu_hour: float
    """What Batch takes for `optimal`."""

    s3_put: float
    s3_get: float
    s3_gb_month: float
    egress_gb: float
    """Sent out of AWS, to a Oneprovider for instance."""

    logs_gb: float
    schedule: float
    sqs_request: float
    http_request: float
    secret_month: float
    ecr_gb_month: float

    def age_days(self, today: date) -> int:
        """How long ago the table was written down."""
        return max(0, (today - self.written).days)

    def is_old(self, today: date) -> bool:
        """Tell whether AWS has had so much time to change its prices that the table is to be doubted."""
        return self.age_days(today) > OLD_AFTER_DAYS

    def note(self, today: date) -> str:
        """Say how far the figures can be trusted."""
        told = f"prices of {self.region} as written down on {self.written}, not verified against AWS's price list"
        return f"{told}; that is {self.age_days(today)} days ago: out of date" if self.is_old(today) else told


NAMES = tuple(each.name for each in fields(Prices) if each.name not in {"region", "written"})
"""The things that have a price."""


def regions() -> tuple[str, ...]:
    """The regions that the table knows."""
    return tuple(_table()["regions"])


@cache
def of(region: str) -> Prices:
    """The prices of a region; NoPrices when the table does not know it."""
    table = _table()
    row = table["regions"].get(region)
    if row is None:
        raise NoPrices(f"there are no prices of {region}", f"there are those of {', '.join(regions())}")
    return Prices(region, date.fromisoformat(table["written"]), **row)


def nearest(region: str) -> Prices:
    """The prices of a region, or of us-east-1 where those are not known: the result says which."""
    return of(region if region in regions() else USUAL)


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads((files("hfaas_deploy") / "prices.json").read_text())
    return table
