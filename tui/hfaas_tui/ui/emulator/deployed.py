"""The functions of the emulator: what Lambda tells of them, with the addresses that are paths of the emulator's port."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from hfaas_tui.ui.aws.functions import Around, Functions, members, stacks
from hfaas_tui.ui.emulator.link import Link


def deployed(link: Link, pipeline: Path | None = None) -> Functions:
    """Return what asks an emulator for its functions."""

    def around() -> Around:
        from hfaas_tui.endpoints import Endpoints

        found: dict[str, list[str]] = defaultdict(list)
        for each in Endpoints(link.emulator().endpoint).all():
            if each.url not in found[each.function]:
                found[each.function].append(each.url)
        api = link.client("cloudformation")
        return Around({name: tuple(urls) for name, urls in found.items()}, dict(members(api, stacks(api))))

    return Functions(link, pipeline, around)
