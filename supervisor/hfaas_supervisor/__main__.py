"""Picks the way in: a Batch Job, Lambda's Runtime API where there is one, else one Event on stdin."""

from __future__ import annotations

import os
import signal
import sys

USAGE = """usage: hfaas-supervisor [run | batch | onetrigger ...]
  run     one Event on stdin, the answer on stdout
  batch   a Batch Job: the Event from EVENT or HFAAS_EVENT_URL, the script's exit code
  onetrigger run | list-spaces   watch an Onedata space; --help tells more
Without an argument the surroundings decide: under Lambda Events come from the Runtime API, in a Batch Job as above."""


def main() -> int:
    """Run until there is nothing more to do and return the exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["onetrigger"]:
        from hfaas_supervisor.onetrigger import command

        return command.main(arguments[1:])
    if arguments not in ([], ["run"], ["batch"]):
        sys.stderr.write(f"{USAGE}\n")
        return 2
    way = arguments[0] if arguments else _surroundings()
    if way == "lambda":
        from hfaas_supervisor import lambda_runtime  # late: each way in pays only for what it uses

        return lambda_runtime.serve()
    if way == "batch":
        signal.signal(signal.SIGTERM, _end)  # process 1 ignores what it has no handler for
        from hfaas_supervisor import batch_job

        return batch_job.run()
    from hfaas_supervisor import one_event

    return one_event.run()


def _end(_number: int, _frame: object) -> None:
    os._exit(128 + signal.SIGTERM)  # nothing has begun yet


def _surroundings() -> str:
    if os.environ.get("AWS_LAMBDA_RUNTIME_API"):
        return "lambda"
    return "batch" if os.environ.get("AWS_BATCH_JOB_ID") else "run"


if __name__ == "__main__":
    sys.exit(main())
