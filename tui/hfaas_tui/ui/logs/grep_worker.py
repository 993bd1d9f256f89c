"""Searches lines for a pattern of the user's, in a process of its own that can be killed: `python -I -S grep_worker.py`.

Arguments: the number of an open file, flags (`i` ignores case, `v` inverts), the pattern in hexadecimal.
Standard output begins with the length of an error message and the message; 0 when the pattern is right. For each
block on standard input (where it begins and ends in the file, the number of its first line, and how many microseconds
it may compute from now on, 0 for what is left: four uint64) then comes how many lines match and their numbers, all as
uint32. It ends by SIGPROF when it computed for longer: what a busy machine keeps it waiting does not count.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing takes longer than to search the first screenful
    from typing import Any

BLOCK = 32
MANY = 256
"""Matches after which it is known whether nearly all lines match; then one look at each is cheaper."""
START_S = 10
"""Seconds it may compute until it is asked for the first time."""
SGR = rb"\x1b\[[0-9;:]*m"
ACROSS = re.compile(r"\(\?(?!:)|\\[AZ]")
"""What could make a line match, or not, because of the lines around it: such patterns see one line at a time."""


def main() -> None:
    """Answer block after block until there are no more."""
    fd, flags, pattern = int(sys.argv[1]), sys.argv[2], bytes.fromhex(sys.argv[3])
    answer = sys.stdout.buffer
    is_text = not pattern.isascii()
    source = pattern.decode("utf-8", "replace")
    signal.setitimer(signal.ITIMER_PROF, START_S)
    try:
        wanted = re.compile(source if is_text else pattern, re.MULTILINE | (re.IGNORECASE if "i" in flags else 0))
    except (re.error, OverflowError, RecursionError) as error:
        message = str(error).encode()
        answer.write(array("I", [len(message)]).tobytes() + message)
        return
    answer.write(array("I", [0]).tobytes())
    answer.flush()
    search = one_by_one if ACROSS.search(source) else at_once
    while len(block := sys.stdin.buffer.read(BLOCK)) == BLOCK:
        start, end, first, microseconds = array("Q", block)
        if microseconds:
            signal.setitimer(signal.ITIMER_PROF, microseconds / 1e6)
        blob = os.pread(fd, end - start, start)
        if b"\x1b" in blob:
            blob = re.sub(SGR, b"", blob)
        hits = search(wanted, blob.decode("utf-8", "replace") if is_text else blob)
        if "v" in flags:
            matching = set(hits)
            hits = array("I", (n for n in range(blob.count(b"\n") + 1) if n not in matching))
        answer.write(array("I", [len(hits)]).tobytes() + array("I", (first + n for n in hits)).tobytes())
        answer.flush()


def at_once(wanted: re.Pattern[Any], blob: Any) -> array[int]:
    """Return the lines of a blob that match, looking at all of it: cheap where few do."""
    feed = "\n" if isinstance(blob, str) else b"\n"
    hits, line, counted, at = array("I"), 0, 0, 0
    while at <= len(blob) and (found := wanted.search(blob, at)):
        start = blob.rfind(feed, 0, found.start()) + 1
        stop = blob.find(feed, found.start())
        stop = len(blob) if stop < 0 else stop
        line += blob.count(feed, counted, start)
        counted = start
        if found.end() <= stop or wanted.search(blob[start:stop]):  # a match across lines counts for neither
            hits.append(line)
        at = stop + 1
        if len(hits) == MANY and line < 2 * MANY:  # nearly all match
            return (
                hits + array("I", (line + 1 + n for n in one_by_one(wanted, blob[at:])))
                if at <= len(blob)
                else hits
            )
    return hits


def one_by_one(wanted: re.Pattern[Any], blob: Any) -> array[int]:
    """Return the lines of a blob that match, each looked at on its own."""
    lines = blob.split("\n" if isinstance(blob, str) else b"\n")
    return array("I", (number for number, line in enumerate(lines) if wanted.search(line)))


if __name__ == "__main__":
    main()
