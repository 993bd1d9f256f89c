"""Tries a regex on texts, in a process of its own that `matching` may kill: `python -I -S matching_child.py`.

Its argument is how many seconds it may compute: SIGPROF ends it then, and what a busy machine keeps it waiting does
not count. Reads the pattern and then batches of texts, a JSON value a line; answers each batch with a list of 0 and
1, or the first one with what is wrong with the pattern.
"""

from __future__ import annotations

import json
import re
import signal
import sys


def main() -> None:
    """Answer until there is nothing more to read."""
    signal.setitimer(signal.ITIMER_PROF, float(sys.argv[1]))
    try:
        found = re.compile(json.loads(sys.stdin.readline()), re.IGNORECASE | re.MULTILINE).search
    except (re.error, OverflowError, RecursionError) as error:
        sys.stdout.write(json.dumps(str(error)) + "\n")
        return
    for line in sys.stdin:
        sys.stdout.write(json.dumps([int(found(text) is not None) for text in json.loads(line)]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
