"""What became of an object on AWS, as far as S3's marks and the functions' logs tell: AWS keeps no hops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from hfaas_tui.ui.model import Condition, Function, Run, Step
from hfaas_tui.units import size

OWNER, REQUEST = "meta hfaas-function", "meta hfaas-request-id"
"""The marks that our supervisor leaves on what it uploads."""


def tell(
    uri: str,
    about: Mapping[str, str],
    runs: Sequence[Run],
    steps_of: Callable[[str], tuple[Step, ...]],
    functions: Iterable[Function],
) -> tuple[str, list[Step]]:
    """Return a sentence, and the steps of the runs that wrote it or read it; `about` is what S3 tells."""
    function, request = about.get(OWNER, ""), about.get(REQUEST, "")
    writers = [run for run in runs if uri in run.outputs]
    readers = [run for run in runs if run.origin == uri]
    written = f"written by {function} in request {request}" if function else "written by no function of hfaas"
    steps = [step for run in writers for step in steps_of(run.id)]
    steps.append(Step(float(about["changed"]), "object.created", f"{uri}  {size(int(about['size']))}, {written}"))
    steps += [step for run in readers for step in steps_of(run.id)]
    steps.sort(key=lambda step: step.time)
    return f"{written[:1].upper()}{written[1:]}; {_onward(uri, readers, functions)}", steps


def _onward(uri: str, readers: Sequence[Run], functions: Iterable[Function]) -> str:
    if readers:
        last = readers[-1]
        state = "failed" if last.state is Condition.FAILED else "has read it" if last.is_over else "reads it"
        return f"{last.function} {state}"
    takers = [each.name for each in functions if any(_is_below(uri, source) for source in each.inputs)]
    if takers:
        return f"what lies there is for {', '.join(takers)}: 3 shows what ran. AWS keeps no hops"
    return "no function here reads what lies there"


def _is_below(uri: str, folder: str) -> bool:
    return uri.startswith(f"{folder.rstrip('/')}/")
