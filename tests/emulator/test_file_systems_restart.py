"""Access points are known after a restart."""

from __future__ import annotations

from pathlib import Path

from tests.emulator.conftest import running

from hfaas_emulator.file_systems import FileSystems


def test_access_points_are_records_that_outlive_an_emulator(tmp_path: Path) -> None:
    with running(tmp_path) as emulator:
        client = emulator.client("efs")
        system = client.create_file_system(CreationToken="t")["FileSystemId"]
        point = client.create_access_point(ClientToken="t", FileSystemId=system)["AccessPointId"]
    with running(tmp_path) as emulator:
        (found,) = emulator.client("efs").describe_access_points(AccessPointId=point)["AccessPoints"]

    assert found["FileSystemId"] == system
    assert FileSystems(tmp_path).folder(point).name == point  # moto's ids are shorter than AWS's
