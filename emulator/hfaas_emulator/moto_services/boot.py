"""The first command of the moto thread: import, patch, clear, snapshot, replay."""

from __future__ import annotations

from collections.abc import Callable

from hfaas_emulator.journal import Journal, Table
from hfaas_emulator.moto_services import commit, outward
from hfaas_emulator.moto_services.bridge import Application
from hfaas_emulator.moto_services.dispatcher import Dispatcher
from hfaas_emulator.moto_services.persist import Recorder
from hfaas_emulator.moto_services.snapshots import Snapshots

OURS = tuple(
    f"hfaas_emulator.moto_services.{name}"
    for name in (
        "iam", "sts", "sqs", "sns", "lambda_", "events", "schedule_rules", "scheduler",
        "batch_environments", "batch_queues", "batch_definitions",
        "lambda_urls", "apigateway", "apigatewayv2", "ecr",
    )
)  # fmt: skip


def boot(
    services: tuple[str, ...],
    wire: Callable[[], None],
    restore: Callable[[Journal], list[str]],
    journal: Journal,
    snapshots: Snapshots,
) -> Application:
    """Return moto as it was when the journal was last written.

    `services` are more modules with patches, `wire` connects them before the first request, `restore` puts back
    what they keep in rows of their own, once the control planes are there, and returns what it could not read.
    """
    dispatcher = Dispatcher((*OURS, *services))
    from moto.moto_api._internal import mock_random  # after the dispatcher, which says what the default account is
    from moto.moto_api._internal.models import moto_api_backend

    moto_api_backend.reset()  # one process may run several emulators, one after the other
    wire()
    problems: list[str] = []
    recorder = Recorder(dispatcher, journal, snapshots.changed, snapshots.restore(problems.append))
    replayed = recorder.replay(problems.append)
    from hfaas_emulator.moto_services import sqs

    problems += sqs.restore(journal.rows(Table.MESSAGE))
    problems += restore(journal)
    mock_random.seed()  # the seed of the last replay would repeat ids that are taken
    commit.discard()
    if replayed:
        commit.after(snapshots.changed)
    for problem in problems:
        outward.problem(problem)
    return recorder
