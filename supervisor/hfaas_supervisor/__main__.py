"""Picks the way in: Lambda's Runtime API where there is one, else one Event on stdin."""

from __future__ import annotations

import os
import sys

USAGE = "usage: hfaas-supervisor [run]   (one Event on stdin; under Lambda it takes Events from the Runtime API)"


def main() -> int:
    """Run until there is nothing more to do and return the exit code."""
    arguments = sys.argv[1:]
    if arguments not in ([], ["run"]):
        sys.stderr.write(f"{USAGE}\n")
        return 2
    if os.environ.get("AWS_LAMBDA_RUNTIME_API") and not arguments:
        from hfaas_supervisor import lambda_runtime  # late: each way in pays only for what it uses

        return lambda_runtime.serve()
    from hfaas_supervisor import one_event

    return one_event.run()


if __name__ == "__main__":
    sys.exit(main())
