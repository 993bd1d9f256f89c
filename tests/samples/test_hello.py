from __future__ import annotations

import subprocess
from pathlib import Path

SAMPLE = Path(__file__).parents[2] / "samples" / "hello"


def test_the_script_writes_its_input_in_capitals(tmp_path: Path) -> None:
    done = subprocess.run(
        [SAMPLE / "script.sh"],
        env={
            "PATH": "/usr/bin:/bin",
            "INPUT_FILE_PATH": str(SAMPLE / "input" / "greeting.txt"),
            "TMP_OUTPUT_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Hello, greeting.txt\n"
    assert (tmp_path / "greeting.txt").read_text() == "HELLO, WORLD\n"
