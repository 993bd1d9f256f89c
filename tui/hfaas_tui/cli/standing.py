"""`hfaas status --target aws`: what was promoted, when and by whom, and how it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfaas_tui import promotions
from hfaas_tui.output import console, print_json, print_text, table
from hfaas_tui.where import Where

if TYPE_CHECKING:
    from hfaas_deploy.aws.target import Target
    from hfaas_deploy.pipeline import Pipeline
    from hfaas_deploy.promote.promotion import Promoted
    from hfaas_tui.stacks import Known

GB = 1e9
COLUMNS = ("stack", "status", "template", "promoted", "by", "")


def status(where: Where, file: Path | None, *, as_json: bool) -> int:
    """Show the Stacks of an account; with a pipeline file its own, and whether AWS has what the file says."""
    from hfaas_deploy import fdl
    from hfaas_deploy.promote import guard

    pipeline = fdl.read(file) if file else None
    target = where.target_of(pipeline) if pipeline else where.target
    identity = guard.identify(target)
    rows = list(_rows(target.within(identity.account), pipeline))
    if as_json:
        print_json({"account": identity.account, "region": identity.region, "arn": identity.arn, "stacks": rows})
        return 0
    print_text(promotions.place(identity))
    if not rows:
        print_text(f"nothing of hfaas is there; `hfaas promote{where.again}` brings it")
        return 0
    shown = [
        (row["stack"], row["status"], row["template"][:12], row["when"], row["by"], "; ".join(row["notes"]))
        for row in rows
    ]
    console().print(table(COLUMNS, shown))
    for row in rows:
        for function, image in row["images"].items():
            print_text(f"  {function:<28} {image}")
        for line in _left_behind(row, where):
            print_text(line)
    return 0


def _left_behind(row: Mapping[str, Any], where: Where) -> Iterator[str]:
    """Yield what outlived a Stack that is gone, what it costs to keep, and what removes it."""
    from hfaas_tui.money import dollars

    remains = row["remains"]
    if not remains:
        return
    name, month = row["stack"], dollars(remains["usd_month"])
    yield f"Stack {name} is gone. What remains of it costs about {month} a month:"
    yield from (f"  s3://{one['bucket']:<23} {one['told']}" for one in remains["buckets"])
    yield from (f"  {one['repository']:<28} {one['told']}" for one in remains["repositories"])
    purge = " --purge-all" if remains["buckets"] else ""
    images = " --images" if remains["repositories"] else ""
    yield f"`hfaas destroy --stack {name}{purge}{images}{where.again}` removes it for good"


def _rows(target: Target, pipeline: Pipeline | None) -> Iterator[dict[str, Any]]:
    from hfaas_deploy import names
    from hfaas_deploy.promote import record
    from hfaas_tui import stacks

    known = {each.name: each for each in stacks.ours(target.client("cloudformation"))}
    records = {each.stack: each for each in record.all(target)}
    of_images = {names.images_stack(name) for name in [*known, *records]}
    for name in sorted({*known, *records} - of_images):
        if pipeline is not None and name != pipeline.stack:
            continue
        stack, promoted = known.get(name), records.get(name)
        remains = None if stack else _remains(target, name)
        yield {
            "stack": name,
            "status": stack.status if stack else "gone",
            "template": stack.template if stack else promoted.template if promoted else "",
            "when": promotions.moment(promoted.at) if promoted else "",
            "by": promoted.by if promoted else "",
            "images": _images(stack, promoted) if stack and promoted else {},
            "remains": remains,
            "record": promotions.record(promoted) if promoted else None,
            "notes": ["nothing remains but its record"]
            if remains == {}
            else list(_notes(stack, promoted, pipeline)),
        }


def _remains(target: Target, stack: str) -> dict[str, Any]:
    """Return what outlived a Stack that is gone, and its price of a month in dollars; empty for nothing."""
    from hfaas_deploy import prices
    from hfaas_deploy.promote import purging, remains

    buckets = [purging.contents(target, one) for one in remains.buckets(target, stack, {})]
    stores = list(remains.stores(target, stack))
    if not (buckets or stores):
        return {}
    price = prices.nearest(target.region)
    month = (
        sum(one.bytes for one in buckets) * price.s3_gb_month
        + sum(one.bytes for one in stores) * price.ecr_gb_month
    )
    return {
        "buckets": [{**asdict(one), "told": one.fault or promotions.content(one)} for one in buckets],
        "repositories": [{**asdict(one), "told": promotions.stored(one)} for one in stores],
        "usd_month": round(month / GB, 4),
    }


def _images(stack: Known | None, promoted: Promoted) -> dict[str, str]:
    """Return the image of each function, as the Stack has it; without a Stack as it was recorded."""
    from hfaas_deploy import names

    now = stack.parameters if stack else {}
    return {
        function: now.get(names.image_parameter(function), recorded)
        for function, recorded in promoted.images.items()
    }


def _notes(stack: Known | None, promoted: Promoted | None, pipeline: Pipeline | None) -> Iterator[str]:
    if promoted is None:
        yield "no record: a promotion was cut off; `hfaas promote` goes on with it"
    elif stack and stack.template != promoted.template:
        yield f"changed since its record, which is of {promoted.template[:12]}"
    elif _images(stack, promoted) != promoted.images:
        yield "images changed since its record: a promotion was cut off; `hfaas promote` goes on with it"
    if pipeline is not None and stack:
        from hfaas_deploy import steps, template

        now = template.render(steps.checked(pipeline, lambda _: None)).sha256
        yield "template as the file says" if now == stack.template else f"the file says {now[:12]}"
