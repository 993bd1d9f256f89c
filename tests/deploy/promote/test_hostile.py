"""A promotion among attackers, bad luck and careless colleagues."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests import faults
from tests.deploy.promote import stage
from tests.standin import REGION, StandIn, somebody_else

from hfaas_deploy import names
from hfaas_deploy.aws import target
from hfaas_deploy.aws.target import Target, configured_region
from hfaas_deploy.errors import DeployError, NotRehearsed, PurgeError, StackForeign, WrongTarget
from hfaas_deploy.messages import Purged
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.promote import destroying, guard, purging, record
from hfaas_deploy.promote.promotion import Rehearsal
from hfaas_deploy.promote.rehearsals import Rehearsals
from hfaas_deploy.promote.repositories import Repositories


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Keys of nobody, and the file where the AWS set-up would be."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFNOBODY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of no worth")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    target.forget_credentials()
    yield tmp_path / "config"
    target.forget_credentials()


class _Eavesdropper(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Ear)
        self.heard: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Ear(BaseHTTPRequestHandler):
    server: _Eavesdropper

    def _hear(self) -> None:
        self.server.heard.append(self.requestline)
        self.send_error(502)

    do_GET = do_POST = do_PUT = do_HEAD = do_CONNECT = _hear  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def eavesdropper() -> Iterator[_Eavesdropper]:
    """A server that hears what was not meant for it."""
    server = _Eavesdropper()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)


ELSEWHERE = [
    "http://134744072",  # 8.8.8.8, as resolvers read it
    "http://0x08080808:4566",
    "http://010.8.8.8",
    "http://[::ffff:8.8.8.8]:4566",
    "http://8\u30028\u30028\u30028",  # full stops that become dots
    "http://\uff18.8.8.8",
    "http://evil.example\\@127.0.0.1",
    "http://evil.example\\.127.0.0.1",
    "http://127.0.0.1@evil.example",
    "http://evil.example#@127.0.0.1",
    " http://evil.example",
    "http://127.0.0.1\n.evil.example",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_no_way_of_writing_another_host_makes_it_this_machine(url: str) -> None:
    with pytest.raises(WrongTarget):
        Target.local(url)
    with pytest.raises(WrongTarget):
        Target.aws(REGION, stand_in=url)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.7:4566",
        "http://169.254.169.254",
        "http://ai",
        "http://[fe80::1%25eth0]:80",
        "http://x.internal",
    ],
)
def test_what_stands_in_for_aws_is_not_even_a_neighbour(url: str) -> None:
    """Keys of storages go there as they go to AWS, without encryption on the way."""
    with pytest.raises(WrongTarget, match="must be on this machine"):
        Target.aws(REGION, stand_in=url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4566", "http://[::1]:4566", "http://localhost:4566", "http://127.1:80"]
)
def test_every_name_of_this_machine_may_stand_in_for_aws(url: str) -> None:
    assert Target.aws(REGION, stand_in=url).is_stand_in


def test_a_password_in_an_endpoint_is_refused_and_not_said_again() -> None:
    with pytest.raises(WrongTarget) as caught:
        Target.aws(REGION, stand_in="http://me:pa55word@127.0.0.1:4566")

    assert "pa55word" not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_ENDPOINT_URL", "http://{evil}"),
        ("AWS_ENDPOINT_URL_S3", "http://{evil}"),
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        ("HTTP_PROXY", "http://{evil}"),
        ("http_proxy", "http://{evil}"),
        ("ALL_PROXY", "http://{evil}"),
    ],
)
def test_what_goes_to_this_machine_takes_no_detour(
    keys: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    with eavesdropper() as right, eavesdropper() as evil:
        monkeypatch.setenv(variable, value.format(evil=evil.url.removeprefix("http://")))
        for place in (Target.local(right.url), Target.aws(REGION, stand_in=right.url)):
            with pytest.raises(Exception, match="502"):
                place.client("s3", answer_within=61).list_buckets()

        assert len(right.heard) == 2
        assert not evil.heard


def test_a_request_is_looked_at_itself_and_not_only_its_client(keys: Path) -> None:
    """Where a request goes is decided anew for each: by its bucket, its account, a redirection."""
    client = Target.aws(REGION).client("s3")

    def astray(request: object, **_: object) -> None:
        setattr(request, "url", "https://bucket.evil.example/key")  # noqa: B010 - any request has it

    client.meta.events.register("before-sign.s3", astray)

    with pytest.raises(WrongTarget, match=r"evil\.example"):
        client.list_buckets()


@pytest.mark.parametrize(
    "region", ["", "eu-west-1.evil.example/", "x@evil", "us-east-1#", "..", "e\x1b[31m", "x" * 80]
)
def test_a_region_that_is_none_makes_no_call(keys: Path, region: str) -> None:
    with pytest.raises(DeployError):
        guard.identify(Target.aws(region))


@pytest.mark.parametrize(
    "text", ["garbage", "[default]\ns3 = bogus\n", "[default]\nendpoint_url = x\nmax_attempts=x\n"]
)
def test_a_broken_aws_set_up_is_told_in_words(keys: Path, text: str) -> None:
    keys.write_text(text)

    from hfaas_tui import aws as said

    try:
        Target.aws(REGION).client("s3")
        configured_region()
    except DeployError as error:
        assert "AWS" in error.message
    except Exception as error:  # noqa: BLE001 - the command line puts these into words
        assert said.words(error)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "123456789013.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
        "mine.lambda-url.eu-west-1.on.aws",
        "ec2-1-2-3-4.eu-west-1.compute.amazonaws.com",
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com",
        "AWS:x@210987654321.dkr.ecr.eu-west-1.amazonaws.com",
        "210987654321.dkr.ecr.eu-west-1.amazonaws.com:8443@evil.example",
    ],
)
def test_the_password_of_a_registry_goes_to_the_registry_of_the_account_only(
    keys: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    with pytest.raises(WrongTarget):
        _login(monkeypatch, f"https://{host}")


def test_a_registry_without_encryption_gets_no_password(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongTarget):
        _login(monkeypatch, "http://210987654321.dkr.ecr.eu-west-1.amazonaws.com")


@pytest.mark.parametrize(
    "host",
    [
        "210987654321.dkr.ecr.eu-west-1.amazonaws.com",
        "210987654321.dkr.ecr.cn-north-1.amazonaws.com.cn",
        "210987654321.dkr.ecr-fips.us-east-1.amazonaws.com",
        "210987654321.dkr-ecr.eu-west-1.on.aws",
    ],
)
def test_registries_have_the_names_that_aws_gives_them(
    keys: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    assert _login(monkeypatch, f"https://{host}") == host


def _login(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> str:
    """The registry of a login for which ECR, which nobody asks here, named an endpoint."""
    token = base64.b64encode(b"AWS:secret").decode()
    answer = {"authorizationData": [{"authorizationToken": token, "proxyEndpoint": endpoint}]}
    there = Repositories(Target.aws(REGION).within("210987654321"), Pipeline(Path("pipeline.yaml"), stack="s"))
    monkeypatch.setattr(there, "_ask", lambda *_, **__: answer)
    return there.login().registry


OTHERS = json.dumps(
    {
        "Resources": {
            "Precious": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Retain"},
            "Other": {"Type": "AWS::Logs::LogGroup"},
        }
    }
)
"""What somebody else has made, with tools of his own."""


def make_foreign(place: Target, stack: str) -> None:
    """A Stack that carries no mark of ours."""
    cloudformation = place.client("cloudformation")
    made = {"StackName": stack, "ChangeSetName": "made", "ChangeSetType": "CREATE", "TemplateBody": OTHERS}
    cloudformation.create_change_set(**made)
    cloudformation.get_waiter("change_set_create_complete").wait(StackName=stack, ChangeSetName="made")
    cloudformation.execute_change_set(StackName=stack, ChangeSetName="made")
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})


def kinds(place: Target, stack: str) -> set[str]:
    found = place.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {one["ResourceType"] for one in found}


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["", "-images"])
def test_a_stack_of_somebody_else_is_not_promoted_over(project: stage.Project, ending: str) -> None:
    planned = project.plan()  # before somebody took the name
    make_foreign(project.target, project.name + ending)

    with pytest.raises(StackForeign, match="was not made by hfaas"):
        project.promote(planned)
    if not ending:
        with pytest.raises(StackForeign, match="was not made by hfaas"):
            project.plan()

    assert kinds(project.target, project.name + ending) == {"AWS::SQS::Queue", "AWS::Logs::LogGroup"}


def test_a_stack_of_somebody_else_is_not_destroyed(project: stage.Project) -> None:
    make_foreign(project.target, project.name)

    with pytest.raises(StackForeign, match="was not made by hfaas"):
        destroying.facts(project.target, project.name)
    with pytest.raises(StackForeign, match="was not made by hfaas"):
        destroying.destroy(project.target, project.name, project.said.append)

    assert project.stack.status() == "CREATE_COMPLETE"


@pytest.mark.slow
def test_a_stack_of_images_that_is_somebody_elses_stops_a_destruction_before_it_begins(
    project: stage.Project,
) -> None:
    project.promote()
    destroying.destroy(project.target, project.name, project.said.append, images=True)
    make_foreign(project.target, f"{project.name}-images")

    with pytest.raises(StackForeign, match=f"{project.name}-images was not made by hfaas"):
        destroying.destroy(project.target, project.name, project.said.append, images=True)

    assert kinds(project.target, f"{project.name}-images")


@pytest.mark.parametrize(
    "name", ["", "*", "../x", "a b", "arn:aws:cloudformation:eu-west-1:1:stack/x/y", "x\x1b[2J"]
)
def test_what_is_no_name_of_a_stack_is_not_destroyed(aws: Target, name: str) -> None:
    with pytest.raises(DeployError, match="is no name of a Stack"):
        destroying.destroy(aws, name, lambda _: None)


@pytest.mark.slow
def test_a_bucket_that_another_stack_took_over_is_not_purged(project: stage.Project, tmp_path: Path) -> None:
    """It outlived its Stack, and a colleague's pipeline has it now."""
    project.promote()
    destroying.destroy(project.target, project.name, project.said.append)
    folder = tmp_path / "colleague"
    folder.mkdir()
    colleague = stage.Project(folder, project.target, project.registry)
    colleague.file.write_text(colleague.file.read_text().replace(f"stage-{colleague.id}/", f"{project.name}/"))
    colleague.promote()

    found = destroying.facts(project.target, project.name)
    assert found.buckets == ()
    with pytest.raises(PurgeError, match="is no bucket of Stack"):
        destroying.destroy(project.target, project.name, project.said.append, purge=[project.name])

    project.target.client("s3").head_bucket(Bucket=project.name)


@pytest.mark.slow
def test_a_forged_record_does_not_have_others_buckets_purged(project: stage.Project) -> None:
    """Who may write records could else have any bucket deleted by the next who destroys."""
    promoted = project.promote()
    artifacts = record.bucket(project.target)
    outputs = {names.logical(artifacts, "Bucket"): artifacts}
    record.write(project.target, replace(promoted, outputs=outputs, at=promoted.at + 1))

    with pytest.raises(PurgeError, match="is no bucket of Stack"):
        destroying.destroy(project.target, project.name, project.said.append, purge=[artifacts])

    assert project.stack.status() == "CREATE_COMPLETE"


@pytest.mark.slow
def test_a_bucket_that_says_no_to_some_deletions_is_not_told_to_be_purged(project: stage.Project) -> None:
    """A lock, or a policy: S3 answers 200, and names in the answer what stays."""
    project.promote()
    s3 = project.target.client("s3")
    s3.put_object(Bucket=project.name, Key="kept/locked", Body=b"one")
    answer = (
        "<DeleteResult><Error><Key>kept/locked</Key><Code>AccessDenied</Code>"
        "<Message>Access Denied because object protected by object lock.</Message></Error></DeleteResult>"
    )
    with faults.before(project.target.endpoint) as proxy, pytest.MonkeyPatch.context() as patch:
        patch.setattr(faults, "_error", lambda *_: ("application/xml", answer.encode()))
        proxy.refuse("POST", f"/{project.name}", "delete", code="none", status=200)
        behind = Target.aws(REGION, stand_in=proxy.url).within(project.target.account)

        with pytest.raises(PurgeError, match=r"kept/locked does not go.*object lock"):
            destroying.destroy(behind, project.name, project.said.append, purge=[project.name])

    assert not project.told(Purged)
    s3.head_bucket(Bucket=project.name)


@pytest.mark.slow
def test_a_key_that_no_xml_can_hold_does_not_keep_a_bucket_from_being_purged(project: stage.Project) -> None:
    project.promote()
    s3 = project.target.client("s3")
    keys = ["kept/a", "kept/\x1b[2J", "kept/\x01\ufffe", "kept/\U0001f600"]
    for key in keys:
        s3.put_object(Bucket=project.name, Key=key, Body=b"x")

    listed = [{"Key": key, "VersionId": "null"} for key in keys]  # the list itself is not what is tried here
    assert purging._deleted_versions(s3, project.target, project.name, listed) == len(keys)

    assert s3.list_objects_v2(Bucket=project.name, Prefix="kept/")["KeyCount"] == 0


REHEARSED = Rehearsal("films", "a" * 64, {"split": "sha256:1"}, 1_700_000_000.0)


@pytest.fixture
def store(tmp_path: Path) -> tuple[Rehearsals, Path]:
    """A store with one rehearsal, and the file in which it lies."""
    rehearsals = Rehearsals(tmp_path / "rehearsals")
    rehearsals.note(REHEARSED)
    (path,) = rehearsals.folder.iterdir()
    assert rehearsals.find(REHEARSED.template, REHEARSED.images) == REHEARSED
    return rehearsals, path


def _linked(path: Path) -> None:
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _rewritten(**values: Any) -> Callable[[Path], None]:
    def rewrite(path: Path) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return rewrite


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.chmod(0o666),
        lambda path: path.chmod(0o620),
        _linked,
        _pipe,
        _endless,
        lambda path: path.write_bytes(b" " * (1 << 21)),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_text("[" * 100_000),
        lambda path: path.write_text("[1]"),
        _rewritten(template="b" * 64),
        _rewritten(images={"split": "sha256:2"}),
        _rewritten(images=["split"]),
        _rewritten(how="dreamt"),
        _rewritten(how=["run"]),
        _rewritten(at=float("inf")),
        _rewritten(at=float("nan")),
        _rewritten(at=1e18),
        _rewritten(at=None),
    ],
)
def test_what_somebody_else_could_have_put_there_is_no_rehearsal(
    store: tuple[Rehearsals, Path], spoil: Callable[[Path], None]
) -> None:
    rehearsals, path = store
    spoil(path)

    assert rehearsals.find(REHEARSED.template, REHEARSED.images) is None
    assert rehearsals.latest("films") is None


def test_a_folder_in_place_of_a_rehearsal_and_one_that_all_may_write_harm_nothing(tmp_path: Path) -> None:
    rehearsals = Rehearsals(tmp_path / "rehearsals")
    (tmp_path / "rehearsals" / "x.json").mkdir(parents=True)
    (tmp_path / "rehearsals").chmod(0o777)

    rehearsals.note(REHEARSED)

    assert rehearsals.latest("films") == REHEARSED
    assert rehearsals.folder.stat().st_mode & 0o022 == 0


def test_another_build_of_the_same_template_is_not_rehearsed(store: tuple[Rehearsals, Path]) -> None:
    rehearsals, _ = store

    assert rehearsals.find(REHEARSED.template, {"split": "sha256:2"}) is None
    assert rehearsals.find(REHEARSED.template, {}) is None
    assert rehearsals.find(REHEARSED.template, {"split": "sha256:1", "join": "sha256:1"}) is None


@pytest.mark.slow
def test_a_bucket_that_somebody_took_after_the_plan_brings_nothing_up(
    project: stage.Project, stand_in: StandIn
) -> None:
    planned = project.plan()
    where: Any = {"LocationConstraint": REGION}
    with somebody_else():
        stand_in.target().client("s3").create_bucket(Bucket=project.name, CreateBucketConfiguration=where)

    with pytest.raises(DeployError, match=project.name):
        project.promote(planned)

    assert project.stack.status() in ("", "ROLLBACK_COMPLETE")
    assert [bucket.fault for bucket in project.plan().buckets if bucket.fault]


@pytest.mark.slow
def test_a_tag_that_was_moved_after_the_plan_is_not_promoted(project: stage.Project) -> None:
    """Tags cannot be moved in our repositories; whoever deletes one can push another image under its name."""
    project.promote()
    project.edit("timeout: 30", "timeout: 31")
    planned = project.plan()
    image = planned.images[0]
    project.registry.push(image.repository, image.tag, text="another one")

    with pytest.raises(NotRehearsed, match="not the one that was planned with"):
        project.promote(planned)


@pytest.mark.slow
def test_two_promotions_at_once_leave_one_stack_that_is_up(project: stage.Project, tmp_path: Path) -> None:
    with project.child(project.target.endpoint) as one, project.child(project.target.endpoint) as other:
        told = [child.communicate(timeout=200)[0] for child in (one, other)]

    assert 0 in (one.returncode, other.returncode), told
    assert not [text for text in told if "Traceback" in text]
    assert project.stack.status() == "CREATE_COMPLETE"


@pytest.mark.slow
def test_a_promotion_while_somebody_destroys_makes_the_stack_anew_or_says_why_not(project: stage.Project) -> None:
    project.promote()
    with faults.before(project.target.endpoint) as proxy:
        moment = proxy.hold("Action=ExecuteChangeSet")
        project.edit("timeout: 30", "timeout: 31")
        child = project.child(proxy.url)
        moment.wait()
        destroying.destroy(project.target, project.name, project.said.append)
        moment.release()
        told = child.communicate(timeout=200)[0]

    assert child.returncode == 1
    assert "Traceback" not in told
    assert project.stack.status() == ""
    project.promote()
    assert project.stack.status() == "CREATE_COMPLETE"
