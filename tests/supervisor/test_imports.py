from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hfaas_supervisor

ALLOWED = {*sys.stdlib_module_names, "hfaas_supervisor", "obstore", "awslambdaric"}
SOURCES = sorted(Path(next(iter(hfaas_supervisor.__path__))).rglob("*.py"))


def imported(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_it_imports_only_what_the_bundle_holds(source: Path) -> None:
    assert set(imported(source)) <= ALLOWED


def test_the_way_to_the_first_event_loads_nothing_heavy() -> None:
    code = (
        "import sys, hfaas_supervisor.lambda_runtime;"
        "print(*{'inspect', 'ssl', 'asyncio', 'http.client', 'shutil', 'dataclasses', 'obstore', 'socket',"
        " 'concurrent.futures', 'hashlib', 'hfaas_supervisor.delegation', 'hfaas_supervisor.batch_job',"
        " 'hfaas_supervisor.secrets_manager', 'hfaas_supervisor.stores.onedata', 'ctypes'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_s3_loads_neither_http_client_nor_tls_of_python() -> None:
    code = "import sys, hfaas_supervisor.stores.s3; print(*{'http.client', 'ssl', 'hashlib', 'email'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_space_loads_no_client_of_s3() -> None:
    code = (
        "import sys, hfaas_supervisor.stores.onedata; print(*{'obstore', 'hashlib', 'ctypes'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
