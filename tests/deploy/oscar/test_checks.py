"""What is said about services before any cluster is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hfaas_deploy import checks, fdl, quantities, steps
from hfaas_deploy.errors import FdlError
from hfaas_deploy.findings import Finding, errors

Write = Callable[[str], Path]
SERVICE = "functions: {oscar: [{edge: {name: s, image: i, script: a.sh%s}}]}\n"


@pytest.fixture
def check(write: Write) -> Callable[[str], list[Finding]]:
    return lambda text: checks.check(fdl.parse(write(text)))


def said(findings: list[Finding]) -> list[str]:
    return [finding.message for finding in findings if finding.code != "oscar"]


def test_a_service_as_it_should_be_is_for_another_target_and_nothing_else(
    check: Callable[[str], list[Finding]],
) -> None:
    findings = check(SERVICE % "")

    assert errors(findings) == []
    assert said(findings) == []
    assert len(findings) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SERVICE.replace("name: s", "name: S_1") % "", "'S_1' cannot name a service"),
        (SERVICE.replace("name: s", f"name: {'s' * 40}") % "", "at most 39"),
        (SERVICE.replace("a.sh", "none.sh") % "", "script none.sh does not exist"),
        (SERVICE.replace("a.sh", ".") % "", "is a folder, not a file"),
        (SERVICE % ", memory: 2GB", "memory '2GB' is no quantity of Kubernetes; did you mean '2Gi'?"),
        (SERVICE % ", memory: 512m", "did you mean '512Mi'?"),
        (SERVICE % ", memory: 512", "memory '512' are 512 bytes; did you mean '512Mi'?"),
        (SERVICE % ", cpu: lots", "cpu 'lots' is no quantity of Kubernetes, such as 512Mi or 0.5"),
        (SERVICE % ", total_memory: 2X", "total_memory '2X' is no quantity"),
        (SERVICE % ", input: [{storage_provider: onedata.x, path: a/b}]", "cannot be an input of a service"),
        (SERVICE % ", input: [{storage_provider: s3, path: a/b}]", "cannot be an input of a service"),
        (SERVICE % ", output: [{storage_provider: s3, path: a/b}]", "a service has no role of AWS"),
        (SERVICE % ", output: [{storage_provider: webdav.w, path: a}]", "'webdav.w' is not defined"),
        (SERVICE % ", output: [{storage_provider: ftp.w, path: a}]", "'ftp.w' cannot be a storage"),
        (SERVICE % ", mount: {storage_provider: minio.x, path: a/b}", "'minio.x' is not defined"),
        (SERVICE % ", endpoint: 'https://me:word@x'", "has a user in it"),
        (SERVICE % ", memroy: 1Gi", "did you mean 'memory'?"),
        (SERVICE % ", visibility: everybody", "visibility 'everybody' is none of"),
        (SERVICE % ", expose: {api_port: http}", "api_port 'http' must match"),
        (SERVICE.replace("}}]", "}}, {edge: {name: s, image: i, script: a.sh}}]") % "", "is already in this file"),
    ],
)
def test_a_fault_of_a_service_is_an_error_with_its_place(
    check: Callable[[str], list[Finding]], text: str, words: str
) -> None:
    (finding,) = errors(check(text))

    assert words in finding.message
    assert finding.spot.line == 1
    assert finding.spot.column > 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            SERVICE % ", input: [{storage_provider: minio, path: films}]",
            "a folder of the bucket named like the service",
        ),
        (SERVICE % ", environment: {secrets: {KEY: plain}}", "KEY stands in the file"),
        (SERVICE % ', environment: {secrets: {KEY: "${NOT_THERE}"}}', "${NOT_THERE} is not set"),
        (SERVICE % ", auth_password: plain", "auth_password stands in the file"),
    ],
)
def test_what_may_be_meant_so_is_a_warning(check: Callable[[str], list[Finding]], text: str, words: str) -> None:
    (message,) = said(check(text))

    assert words in message


def test_rucio_is_for_services(check: Callable[[str], list[Finding]]) -> None:
    stores = (
        "storage_providers: {rucio: {r: {host: h, auth_host: a, account: me, rse: R, refresh_token: '${R}'}}}\n"
    )

    findings = check(SERVICE % ", input: [{storage_provider: rucio.r, path: a}]" + stores)

    assert errors(findings) == []
    assert not any("not used" in message for message in said(findings))


def test_a_storage_that_no_service_uses_is_told(check: Callable[[str], list[Finding]]) -> None:
    stores = "storage_providers: {webdav: {w: {hostname: h, login: '${L}', password: '${P}'}}}\n"

    assert said(check(SERVICE % "" + stores)) == [
        "storage_providers.webdav.w is not used by any Function or service"
    ]


@pytest.mark.parametrize("content", [b"", b" \n", b"\x7fELF\xff\xfe", b"#" * 900_001])
def test_a_script_that_a_cluster_cannot_keep_is_an_error(
    check: Callable[[str], list[Finding]], content: bytes
) -> None:
    Path("b.sh").write_bytes(content)

    assert len(errors(check(SERVICE.replace("a.sh", "b.sh") % ""))) == 1


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1", 1), ("1Ki", 1024), ("1k", 1000), ("1.5Gi", 1_610_612_736), (".5k", 500), ("1e3", 1000), ("1500m", 1.5)],
)
def test_quantities_are_as_kubernetes_reads_them(text: str, amount: float) -> None:
    assert quantities.amount(text) == pytest.approx(amount)


@pytest.mark.parametrize("text", ["", "1 Gi", "1KB", "Gi", "-1", "1e", "1" * 50, "٣"])
def test_what_kubernetes_would_refuse_is_no_quantity(text: str) -> None:
    assert quantities.amount(text) is None


def test_a_file_of_services_alone_is_no_stack(write: Write) -> None:
    pipeline = fdl.read(write(SERVICE % ""))

    with pytest.raises(FdlError, match="nothing in this file is for AWS or its emulator"):
        steps.checked(pipeline, lambda _: None)


def test_a_pipeline_with_services_is_still_deployed_without_them(write: Write) -> None:
    text = SERVICE.replace("}}]}", "}}], aws: [{lambda: {name: f, container: {image: x}}}]}") % ""

    assert [function.name for function in steps.checked(fdl.read(write(text)), lambda _: None).functions] == ["f"]
