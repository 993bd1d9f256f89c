"""One file system for a function of Lambda and a job of Batch, in containers, over a restart of the emulator."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.whole.conftest import Hfaas, hfaas_in, start

from hfaas_tui.transfer import s3
from hfaas_tui.watch import Emulator

pytestmark = pytest.mark.docker

POINT = "fsap-0123456789abcdef0"
SETTLED_S = 90
PIPELINE = """\
functions:
  aws:
  - lambda:
      name: note
      memory: 256
      init_script: note.sh
      container: {{image: &image "{image}"}}
      vpc: {{SubnetIds: [subnet-0a1b2c3d], SecurityGroupIds: [sg-0a1b2c3d]}}
      file_system: &shared
      - Arn: arn:aws:elasticfilesystem:us-east-1:111122223333:access-point/{point}
        LocalMountPath: /mnt/shared
      input: [{{storage_provider: s3, path: shared/notes}}]
      output: [{{storage_provider: s3, path: shared/noted}}]
  - lambda:
      name: read
      execution_mode: batch
      memory: 128
      init_script: read.sh
      container: {{image: *image}}
      file_system: *shared
      input: [{{storage_provider: s3, path: shared/jobs}}]
      output: [{{storage_provider: s3, path: shared/read}}]
    batch:
      memory: 128
      compute_resources: {{type: EC2, instance_types: [optimal]}}
"""
NOTE = """\
#!/bin/sh -e
mkdir -p /mnt/shared/notes
echo "$(id -u) says $(cat "$INPUT_FILE_PATH")" >> /mnt/shared/notes/all
for one in /mnt/shared/made-by-*; do if [ -e "$one" ]; then echo changed >> "$one"; fi; done
cat /mnt/shared/reference.fa /mnt/shared/notes/all > "$TMP_OUTPUT_DIR/$(basename "$INPUT_FILE_PATH")"
"""
READ = """\
#!/bin/sh -e
mkdir -p /mnt/shared/notes
echo "$(id -u) has read" >> /mnt/shared/notes/all
echo made > "/mnt/shared/made-by-$(id -u)"
cat /mnt/shared/reference.fa /mnt/shared/notes/all > "$TMP_OUTPUT_DIR/$(basename "$INPUT_FILE_PATH")"
"""


@dataclass
class Site:
    """A project whose emulator can be stopped and started again."""

    directory: Path
    hfaas: Hfaas
    folder: Path

    @property
    def endpoint(self) -> str:
        return str(json.loads((self.directory / ".hfaas" / "emulator.json").read_text())["endpoint"])

    def restart(self) -> None:
        assert self.hfaas("down").returncode == 0
        start(self.hfaas, "docker")

    def process(self, source: str, result: str, content: str) -> str:
        """Put a file, and return what came of it."""
        storage = s3(self.endpoint)
        storage.put_object(Bucket="shared", Key=source, Body=content.encode())
        assert Emulator(self.endpoint).idle(SETTLED_S)["idle"]
        return str(storage.get_object(Bucket="shared", Key=result)["Body"].read().decode())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, base_image: str) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("shared")
    hfaas = hfaas_in(directory)
    start(hfaas, "docker")
    (directory / "pipeline.yaml").write_text(PIPELINE.format(image=base_image, point=POINT))
    (directory / "note.sh").write_text(NOTE)
    (directory / "read.sh").write_text(READ)
    deployed = hfaas("deploy", "-f", directory / "pipeline.yaml")
    assert deployed.returncode == 0, deployed.stderr
    folder = directory / ".hfaas" / "file-systems" / POINT
    assert f"{POINT}: the folder {folder.resolve()} stands in for it" in deployed.stdout + deployed.stderr
    yield Site(directory, hfaas, folder)
    hfaas("down")


@pytest.fixture
def reference(site: Site) -> None:
    """Have a reference in the folder, and nothing of what other tests left there."""
    for each in site.folder.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    (site.folder / "reference.fa").write_text("ACGT\n")


@pytest.mark.usefixtures("reference")
def test_a_function_and_a_job_share_what_they_write_over_a_restart(site: Site) -> None:
    assert site.process("notes/a", "noted/a", "one") == "ACGT\n993 says one\n"
    site.restart()
    assert site.process("jobs/b", "read/b", "") == "ACGT\n993 says one\n0 has read\n"
    assert site.process("notes/c", "noted/c", "two") == "ACGT\n993 says one\n0 has read\n993 says two\n"

    assert (site.folder / "notes" / "all").read_text().splitlines() == [
        "993 says one",
        "0 has read",
        "993 says two",
    ]


@pytest.mark.usefixtures("reference")
def test_what_a_job_has_made_a_function_may_change(site: Site) -> None:
    """A job is root in its container here, a function is not; an access point is one user to both."""
    site.process("jobs/first", "read/first", "")
    site.process("notes/then", "noted/then", "then")

    assert (site.folder / "made-by-0").read_text() == "made\nchanged\n"


def test_a_run_takes_the_projects_folder_and_leaves_it_there(tmp_path: Path, base_image: str) -> None:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE.format(image=base_image, point=POINT))
    (tmp_path / "note.sh").write_text(NOTE)
    (tmp_path / "read.sh").write_text(READ)
    (tmp_path / "a.txt").write_text("one")
    folder = tmp_path / ".hfaas" / "file-systems" / POINT
    folder.mkdir(parents=True)
    (folder / "reference.fa").write_text("ACGT\n")

    done = hfaas_in(tmp_path)("run", "-f", "pipeline.yaml", "a.txt", "--output", "out", "--engine", "docker")

    assert done.returncode == 0, done.stderr
    assert "993 says one" in (folder / "notes" / "all").read_text()
    assert (folder / "made-by-0").exists()


def test_plain_processes_are_told_before_anything_is_made(tmp_path: Path, hello: Callable[[str], Path]) -> None:
    hello("not-used").write_text(PIPELINE.format(image="not-used", point=POINT))
    for name in ("note.sh", "read.sh"):
        (tmp_path / name).write_text("#!/bin/sh\n")
    hfaas = hfaas_in(tmp_path)
    start(hfaas, "process")
    try:
        refused = hfaas("deploy", "-f", tmp_path / "pipeline.yaml")
        kept = hfaas("ls", "--json")
    finally:
        hfaas("down")

    assert refused.returncode != 0
    assert "note has a file system at /mnt/shared, and the process engine mounts nothing" in refused.stderr
    assert "--engine docker" in refused.stderr
    assert "note" not in kept.stdout
