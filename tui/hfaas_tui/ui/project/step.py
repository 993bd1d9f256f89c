"""A step of a promotion, and the steps that a plan comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project.pushes import Amount

if TYPE_CHECKING:
    from hfaas_deploy.promote.promotion import Promotion

STACK, SMOKE, RECORD = "stack", "smoke", "record"
IMAGE, LAYER = "image ", "layer "
RUNNING = Condition.RUNNING
NOTHING = Amount()
Names = Mapping[str, tuple[str, str]]
"""Kind and name of each resource of the template, by what the template calls it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A line of what is done; Unix times. `moved` are the bytes of a push; a part belongs to the step above."""

    id: str
    what: str
    name: str
    about: str = ""
    state: Condition = Condition.PENDING
    began: float | None = None
    ended: float | None = None
    moved: Amount = NOTHING
    is_part: bool = False

    def seconds(self, now: float) -> float | None:
        """Return how long it took, or has taken by now; None before it began."""
        return None if self.began is None else (now if self.ended is None else self.ended) - self.began

    @property
    def is_over(self) -> bool:
        return self.ended is not None


WORDS = {
    "CREATE_IN_PROGRESS": "creating…",
    "UPDATE_IN_PROGRESS": "updating…",
    "DELETE_IN_PROGRESS": "deleting…",
    "IMPORT_IN_PROGRESS": "taking over…",
    "CREATE_COMPLETE": "created",
    "UPDATE_COMPLETE": "updated",
    "DELETE_COMPLETE": "deleted",
    "DELETE_SKIPPED": "kept",
    "IMPORT_COMPLETE": "taken over",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "cleaning up…",
    "ROLLBACK_IN_PROGRESS": "rolling back…",
    "UPDATE_ROLLBACK_IN_PROGRESS": "rolling back…",
    "ROLLBACK_COMPLETE": "rolled back",
    "UPDATE_ROLLBACK_COMPLETE": "rolled back",
}


def planned(promotion: Promotion, names: Names) -> Iterator[Step]:
    """Yield the steps that a plan comes to."""
    if promotion.repositories:
        yield Step("repositories", "Repositories", ", ".join(promotion.repositories))
    for image in promotion.images:
        if image.upload.value != "there":
            words = "Build and push image" if image.upload.value.startswith("build") else "Push image"
            yield Step(f"{IMAGE}{image.function}", words, image.function, moved=Amount(0, image.size))
    yield Step(STACK, "Stack", promotion.preview.stack)
    for change in promotion.changes:
        kind, name = names.get(change.resource, (change.kind, change.resource))
        yield Step(f"resource {change.resource}", f"  {kind}", name, is_part=True)
    for secret in promotion.secrets:
        if secret.is_new or secret.missing:
            yield Step(f"keys {secret.provider}", "Keys", secret.provider)
    yield Step(SMOKE, "Verify", "every function answers")
    yield Step(RECORD, "Record", "what was promoted, by whom, when")
