"""Sessions over a restart; a module of its own, because moto is one for the whole process."""

from __future__ import annotations

from pathlib import Path

from tests.emulator.conftest import running
from tests.emulator.permissions.test_enforced import Role, allow, of_bucket, refused, session_client


def test_a_session_outlives_the_emulator_that_gave_it(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        first.client("s3").create_bucket(Bucket="kept")
        writer = Role(first, allow("s3:PutObject", of_bucket("kept", "*")))
    with running(tmp_path) as second:
        s3 = session_client(second.endpoint, writer.credentials, "s3")
        assert s3.put_object(Bucket="kept", Key="x", Body=b"")["ETag"]
        assert refused(s3.get_object, Bucket="kept", Key="x")[0] == 403
