"""How a script is run and ended: rows D01-D04, D13, D19, D20, D25-D27, D33, D34 of the contract's table and their kin."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.supervisor.conftest import in_time

from hfaas_supervisor import command, memory, script
from hfaas_supervisor.console import Console
from hfaas_supervisor.job import Job, Output

if TYPE_CHECKING:
    from tests.supervisor.conftest import S3, Box


def gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


TELL_PID = "echo $$ > $HOME/new; mv $HOME/new $HOME/pid\n"


def ended(box: Box) -> bool:
    path = box.folder / "pid"
    return path.exists() and gone(int(path.read_text()))


def test_d01_a_failing_script_fails_the_invocation_and_uploads_nothing(box: Box, s3: S3) -> None:
    box.job = Job("shrink", outputs=(Output("s3", s3.bucket),))
    box.script("echo half > $TMP_OUTPUT_DIR/half; echo the reason >&2; exit 3\n")
    answer = box.run({})
    assert (answer.code, answer.error, s3.keys()) == (3, "Hfaas.ScriptFailed", [])
    assert "code 3" in answer.message
    assert "the reason" in answer.message


def test_a_file_that_outgrows_tmp_is_named_as_the_reason(box: Box) -> None:
    box.script("ulimit -f 1; head -c 100000 /dev/zero > $TMP_OUTPUT_DIR/big\n")
    answer = box.run({})
    assert (answer.code, answer.error) == (153, "Hfaas.ScriptFailed")
    assert "outgrew /tmp" in answer.message


def test_d02_time_over_fails_the_invocation_uploads_nothing_and_loses_no_log(box: Box, s3: S3) -> None:
    box.job = Job("shrink", outputs=(Output("s3", s3.bucket),), timeout_threshold=1)
    box.script("echo half > $TMP_OUTPUT_DIR/half; echo begun; touch $HOME/begun; sleep 60\n")
    answer = in_time(lambda seconds: box.run({}, HFAAS_JOB_TIMEOUT=str(seconds)), box.begun)
    assert (answer.code, answer.error, s3.keys()) == (245, "Hfaas.ScriptTimeout", [])
    assert "begun\n" in answer.log


def test_a_script_that_ignores_sigterm_is_killed_after_the_grace(box: Box) -> None:
    box.script("trap '' TERM; touch $HOME/begun; while :; do sleep 0.1; done\n")
    answer = in_time(lambda seconds: box.run({}, HFAAS_JOB_TIMEOUT=str(seconds)), box.begun)
    assert answer.error == "Hfaas.ScriptTimeout"
    assert "Exit: 137" in answer.log


def test_d03_d25_nothing_of_the_script_lives_on(box: Box) -> None:
    box.script(
        "sleep 61 & echo pid $!\n"
        "setsid sleep 62 & echo pid $!\n"
        "(setsid sh -c 'sleep 63 & echo pid $!; echo pid $$; touch $TMPDIR/up; wait' &)\n"
        "until test -e $TMPDIR/up; do sleep 0.01; done\n"
    )
    began = time.monotonic()
    answer = box.run({})
    pids = [int(line.split()[1]) for line in answer.body.splitlines()]
    assert len(pids) == 4
    assert all(gone(pid) for pid in pids)
    assert time.monotonic() - began < 60


def test_d04_a_threshold_above_the_timeout_leaves_the_script_most_of_its_time(box: Box) -> None:
    box.job = Job("shrink", timeout_threshold=600)
    box.script("sleep 0.3; echo done\n")
    assert box.run({}, HFAAS_JOB_TIMEOUT="60").body == "done\n"


def test_a_slow_writer_of_the_event_takes_no_time_from_the_script(box: Box) -> None:
    box.script("true\n")

    def late(limit: float) -> str:
        with box.start(HFAAS_JOB_TIMEOUT=str(limit)) as process:
            time.sleep(limit)
            return process.communicate(b"{}", timeout=60)[1].decode()

    assert "Exit: 0" in in_time(late, lambda log: "Exit: 0" in log, (1, 3, 9))


def test_d07_without_a_script_the_image_runs_by_itself(box: Box) -> None:
    box.image(entrypoint=["/bin/echo", "entry"], cmd=["command"], workdir="")
    assert box.run({}).body == "entry command\n"


def test_d08_cmd_args_replace_the_command_and_pass_no_shell(box: Box) -> None:
    box.job = Job("shrink", invoke_script=True)
    box.image(entrypoint=["/bin/echo", "entry"], cmd=["command"], workdir="")
    assert box.run({"cmd_args": '["a b", "$HOME", "*"]'}).body == "entry a b $HOME *\n"


def test_nothing_to_run_is_a_configuration_error(box: Box) -> None:
    answer = box.run({})
    assert (answer.code, answer.error) == (240, "Hfaas.ConfigError")


def test_d19_the_library_path_of_the_image_arrives_unchanged(box: Box) -> None:
    box.script('echo "$LD_LIBRARY_PATH $LD_PRELOAD"\n')
    variables = {"LD_LIBRARY_PATH": "/usr/local/cuda/lib64", "HFAAS_LD_PRELOAD": ""}
    assert box.run({}, **variables).body == "/usr/local/cuda/lib64 \n"


@pytest.mark.parametrize(
    ("first_line", "argv"),
    [
        ("#!/bin/sh -e", ["/bin/sh", "-e"]),
        ("#!/bin/sh\r", ["/bin/sh"]),
        ("#! /bin/sh", ["/bin/sh"]),
        ("#!/usr/bin/env sh", ["/usr/bin/env", "sh"]),
        ("#!/usr/bin/env -S sh -e", ["/usr/bin/env", "-S sh -e"]),
        ("echo plain", ["/bin/sh"]),
        ("", ["/bin/sh"]),
    ],
)
def test_the_first_line_says_how_a_script_is_run(tmp_path: Path, first_line: str, argv: list[str]) -> None:
    script = tmp_path / "script"
    script.write_bytes(f"{first_line}\necho\n".encode())
    console = Console(os.open(os.devnull, os.O_WRONLY))
    try:
        assert command.interpret(str(script), {"PATH": "/bin"}, console) == [*argv, str(script)]
    finally:
        os.close(console.fd)


def test_d20_the_interpreter_is_the_one_the_script_names(box: Box) -> None:
    box.script("#!/bin/bash\n[[ a == a ]] && echo bash\n")
    assert box.run({}).body == "bash\n"
    box.script("#!/usr/bin/env python3\nprint('python')\n")
    assert box.run({}).body == "python\n"


@pytest.mark.parametrize("line", ["#!/no/such/shell", "#!/usr/bin/env no-such-shell"])
def test_a_missing_interpreter_is_replaced_by_the_shell_with_a_warning(box: Box, line: str) -> None:
    box.script(f"{line}\necho ran\n")
    answer = box.run({})
    assert answer.body == "ran\n"
    assert "WARNING" in answer.log
    assert "is not in the image" in answer.log


def test_d27_five_megabytes_of_output_are_cut_in_the_answer_and_whole_in_the_log(box: Box) -> None:
    box.script("yes 0123456789abcde | head -c 5242880; echo; echo the end\n")
    answer = box.run({})
    assert answer.json["headers"]["hfaas-truncated"] == "5242889"
    assert answer.body.startswith("[hfaas: the last 262144 of 5242889 bytes")
    assert answer.body.endswith("the end\n")
    assert answer.log.count("0123456789abcde") == 327680


def test_output_below_the_limit_is_answered_whole(box: Box) -> None:
    box.script("yes 0123456789abcde | head -c 1048576\n")
    answer = box.run({})
    assert len(answer.body) == 1048576
    assert "hfaas-truncated" not in answer.json["headers"]


def test_d33_a_kill_by_the_kernel_is_told_from_other_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = tmp_path / "memory.events"
    counter.write_text("low 0\noom 1\noom_kill 1\n")
    monkeypatch.setattr(memory, "COUNTERS", (str(counter),))
    before = memory.Memory()
    assert not before.exhausted(10**9)
    counter.write_text("low 0\noom 2\noom_kill 2\n")
    assert before.exhausted(0)


def test_d33_without_a_counter_the_peak_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "COUNTERS", ())
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "100")
    assert memory.Memory().exhausted(71 * 1024)
    assert not memory.Memory().exhausted(69 * 1024)


def test_a_script_killed_by_somebody_else_failed(box: Box) -> None:
    box.script("kill -9 $$\n")
    answer = box.run({}, AWS_LAMBDA_FUNCTION_MEMORY_SIZE="100000")
    assert (answer.code, answer.error) == (137, "Hfaas.ScriptFailed")


def test_d34_the_script_starts_in_the_images_working_directory(box: Box, tmp_path: Path) -> None:
    box.image(entrypoint=[], cmd=[], workdir=str(tmp_path))
    box.script("pwd\n")
    assert box.run({}).body == f"{tmp_path}\n"


@pytest.mark.parametrize("directory", ["", "/", "/no/such/folder"])
def test_without_a_working_directory_relative_writes_land_in_scratch(box: Box, directory: str) -> None:
    box.image(entrypoint=[], cmd=[], workdir=directory)
    box.script("echo x > file; pwd; echo $TMPDIR\n")
    first, second = box.run({}).body.splitlines()
    assert first == second
    assert first.endswith("/scratch")


def test_a_script_has_no_arguments_no_stdin_and_a_usual_umask(box: Box) -> None:
    box.script("echo $#; cat; umask; ps -o pgid= -p $$ | tr -d ' ' | grep -qx $$ && echo leader\n")
    assert box.run({}).body == "0\n0022\nleader\n"


def test_the_kernel_takes_the_script_first(box: Box) -> None:
    box.script("cat /proc/self/oom_score_adj\n")
    assert box.run({}).body == "1000\n"


def test_the_log_lines_of_a_script_are_whole_lines(box: Box) -> None:
    box.script("printf 'no newline'\n")
    lines = box.run({}, AWS_LAMBDA_REQUEST_ID="r-1", LOG_LEVEL="critical").log.splitlines()
    assert lines[0] == "SCRIPT RequestId: r-1 Item: 0 Start"
    assert lines[1] == "no newline"
    assert lines[2].startswith("SCRIPT RequestId: r-1 Item: 0 Exit: 0 Duration: ")
    assert lines[2].endswith(" ms")


def test_sigterm_reaches_the_script_and_the_code_is_143(box: Box, s3: S3) -> None:
    box.job = Job("shrink", outputs=(Output("s3", s3.bucket),))
    box.script(
        "echo x > $TMP_OUTPUT_DIR/x; trap 'echo cleaned; exit 0' TERM; echo ready; while :; do sleep 0.05; done\n"
    )
    with box.start() as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.close()
        while process.stderr.readline() != b"ready\n":
            pass
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
    assert process.returncode == 143
    assert b"cleaned" in rest
    assert s3.keys() == []


def test_a_log_that_nobody_reads_does_not_stop_the_clock(box: Box) -> None:
    box.script(f"{TELL_PID}exec yes\n")

    def unread(limit: float) -> bytes:
        (box.folder / "pid").unlink(missing_ok=True)
        with box.start(HFAAS_JOB_TIMEOUT=str(limit)) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            process.stdin.close()
            until(lambda: ended(box) or process.poll() is not None)
            return process.stderr.read()

    assert b"ScriptTimeout" in in_time(unread, lambda _: (box.folder / "pid").exists())[-4096:]


def test_a_log_that_is_read_late_is_whole_while_the_script_had_time_left(box: Box) -> None:
    box.script(f"{TELL_PID}head -c 90000 /dev/zero | tr '\\0' x\n")
    with box.start() as process:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None  # communicate() would flush it
        until(lambda: ended(box))
        time.sleep(2 * script.LINGER)
        _, log = process.communicate(timeout=60)
    assert log.count(b"x" * 90000) == 1
    assert process.returncode == 0


PAUSING = """
import subprocess, time
from hfaas_supervisor import script
kill = script._kill_children
def slowly():
    kill()
    time.sleep(1)
script._kill_children = slowly
script._become_subreaper()
command = ["setsid", "sh", "-c", "setsid sleep 60 & echo $!; wait"]
stray = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
print(stray.stdout.readline().decode())
script._end_strays()
"""


def test_the_child_of_a_stray_is_ended_too_however_long_the_look_before_took(box: Box) -> None:
    driver = subprocess.run(
        [sys.executable, "-c", PAUSING], check=True, env=box.environment, stdout=subprocess.PIPE, timeout=60
    )
    assert gone(int(driver.stdout))


def test_the_folder_is_gone_even_if_the_script_locked_it(box: Box) -> None:
    box.script("mkdir -p $TMPDIR/a/b; echo x > $TMPDIR/a/b/c; chmod 000 $TMPDIR/a/b $TMPDIR/a\n")
    assert box.run({}).code == 0
    assert box.clean()
