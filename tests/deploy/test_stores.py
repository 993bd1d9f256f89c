"""Judgements about storage that has keys of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hfaas_deploy.findings import Finding
from hfaas_deploy.pipeline import Pipeline

Check = Callable[[str], list[Finding]]
Parse = Callable[[str], Pipeline]

HUB = "onedata: {hub: {oneprovider_host: one.example.org, token: '${HUB_TOKEN}', space: films}}"
MINIO = "minio: {m: {access_key: '${HUB_TOKEN}', secret_key: '${HUB_TOKEN}'}}"
WEBDAV = "webdav: {dcache: {hostname: d.example.org, login: '${HUB_TOKEN}', password: '${HUB_TOKEN}'}}"
PARTNER = "s3: {mine: {access_key: '${HUB_TOKEN}', secret_key: '${HUB_TOKEN}'}}"


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TOKEN", "t0p")
    monkeypatch.delenv("NOT_THERE", raising=False)


def entry(name: str, inputs: str = "", outputs: str = "", more: str = "") -> str:
    """A Function; its paths are `provider path [suffix]`, several divided by commas."""
    lines = [f"  - lambda: {{name: {name}, init_script: a.sh, container: {{image: x}}, {more}"]
    for key, text in (("input", inputs), ("output", outputs)):
        if text:
            lines.append(f"      {key}: [{', '.join(map(path, text.split(',')))}],")
    return "\n".join(lines) + "}\n"


def path(text: str) -> str:
    provider, folder, *suffix = text.split()
    return f"{{storage_provider: {provider}, path: {folder}, suffix: [{', '.join(suffix)}]}}"


def pipeline(*entries: str, stores: str = HUB, more: str = "") -> str:
    return f"functions:\n  aws:\n{''.join(entries)}storage_providers:\n  {stores}\n{more}"


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def test_onedata_in_and_out_has_no_findings(check: Check) -> None:
    assert check(pipeline(entry("f", "onedata.hub raw", "onedata.hub done, s3 archive/done"))) == []


@pytest.mark.parametrize(
    ("provider", "stores"), [("minio.m", MINIO), ("webdav.dcache", WEBDAV), ("s3.mine", PARTNER)]
)
def test_storage_that_tells_nobody_is_no_trigger_and_a_fine_output(
    check: Check, provider: str, stores: str
) -> None:
    (finding,) = check(pipeline(entry("f", f"{provider} bucket/in"), stores=stores))

    assert (finding.code, finding.is_error) == ("no-trigger", False)
    assert finding.message.startswith(f"{provider} tells nobody of new files")
    assert check(pipeline(entry("f", "s3 bbb/in", f"{provider} bucket/out"), stores=stores)) == []


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        ("onedata.other", "storage_provider 'onedata.other' is not defined; add storage_providers.onedata.other"),
        ("onedata", "storage_provider 'onedata' is not defined; add storage_providers.onedata.<id>"),
        ("rucio.r", "rucio works in OSCAR services only, not in Functions of AWS"),
        ("ftp", "storage_provider 'ftp' is none of s3, minio, onedata, webdav"),
        ("s3.default", "s3.default means the Function's own role; write s3, or give the other account another id"),
    ],
)
def test_a_provider_that_cannot_be_used_is_an_error(check: Check, provider: str, message: str) -> None:
    found = [finding for finding in check(pipeline(entry("f", f"{provider} bbb/in"))) if finding.is_error]

    assert [finding.message for finding in found] == [message]


def test_a_provider_without_an_id_is_the_one_called_default(check: Check) -> None:
    stores = HUB.replace("hub:", "default:")

    assert check(pipeline(entry("f", "onedata raw", "onedata done"), stores=stores)) == []


def test_a_provider_that_nobody_uses_is_a_warning(check: Check) -> None:
    assert codes(check(pipeline(entry("f", "s3 bbb/in"), stores="minio: {m: {}}"))) == ["unused"]


def test_poll_without_onedata_is_a_warning(check: Check) -> None:
    (finding,) = check(pipeline(entry("f", "s3 bbb/in"), stores="{}", more="hfaas: {poll: 5}\n"))

    assert finding.message == "poll is ignored because no Function has an input in Onedata"


@pytest.mark.parametrize("poll", [0, 1441])
def test_poll_is_between_a_minute_and_a_day(check: Check, poll: int) -> None:
    assert "range" in codes(check(pipeline(entry("f", "onedata.hub raw"), more=f"hfaas: {{poll: {poll}}}\n")))


@pytest.mark.parametrize("key", ["oneprovider_host", "space"])
def test_what_onedata_needs_is_required(check: Check, key: str) -> None:
    stores = (
        HUB.replace(key, "token", 1) if key == "space" else HUB.replace("oneprovider_host: one.example.org,", "")
    )
    stores = stores.replace("token: films", "") if key == "space" else stores

    assert f"'{key}' is missing in storage_providers.onedata.<id>" in [
        f.message for f in check(pipeline(entry("f", "onedata.hub raw"), stores=stores))
    ]


@pytest.mark.parametrize(
    ("stores", "code", "message"),
    [
        (
            HUB.replace("token: '${HUB_TOKEN}', ", ""),
            "no-key",
            "onedata.hub has no token: the emulator issues its own",
        ),
        (
            HUB.replace("HUB_TOKEN", "NOT_THERE"),
            "not-set",
            "${NOT_THERE} is not set in the environment: the emulator",
        ),
        (
            HUB.replace("one.example.org", "'${NOT_THERE}.org'"),
            "not-set",
            "${NOT_THERE} is not set in the environment; a deploy",
        ),
    ],
)
def test_a_key_that_is_missing_is_a_warning(check: Check, stores: str, code: str, message: str) -> None:
    (finding,) = check(pipeline(entry("f", "onedata.hub raw"), stores=stores))

    assert (finding.code, finding.is_error) == (code, False)
    assert finding.message.startswith(message)


def test_keys_of_other_storage_are_missed_because_it_will_not_be_reached(check: Check) -> None:
    found = check(
        pipeline(entry("f", "s3 bbb/in", "minio.m b/x"), stores="minio: {m: {access_key: '${HUB_TOKEN}'}}")
    )

    assert [finding.message for finding in found] == ["minio.m has no secret_key: its Functions will not reach it"]


@pytest.mark.parametrize(
    "stores", [HUB.replace("${HUB_TOKEN}", "geheim"), HUB.replace("${HUB_TOKEN}", "geheim${X}")]
)
def test_a_secret_in_the_file_is_a_warning_that_does_not_repeat_it(check: Check, stores: str) -> None:
    found = check(pipeline(entry("f", "onedata.hub raw"), stores=stores))

    assert "secret" in codes(found)
    assert not any("geheim" in finding.message for finding in found)


@pytest.mark.parametrize(
    ("old", "new", "message", "fix"),
    [
        (
            "one.example.org",
            "'https://one.example.org/'",
            "is no host; write it without https://",
            "one.example.org",
        ),
        ("one.example.org", "one example", "is no host", ""),
        ("films", "a/b", "cannot be the name of a Space", ""),
    ],
)
def test_hosts_and_spaces_that_cannot_be_are_errors(
    check: Check, old: str, new: str, message: str, fix: str
) -> None:
    (finding,) = check(pipeline(entry("f", "onedata.hub raw"), stores=HUB.replace(old, new)))

    assert (finding.code, finding.fix) == ("provider", fix)
    assert message in finding.message


@pytest.mark.parametrize("endpoint", ["minio:9000", "ftp://minio", "http://minio/path"])
def test_an_endpoint_of_minio_is_an_http_url(check: Check, endpoint: str) -> None:
    stores = MINIO.replace("{access", f"{{endpoint: '{endpoint}', access")

    (finding,) = check(pipeline(entry("f", "s3 bbb/in", "minio.m b/x"), stores=stores))

    assert "is no http or https URL" in finding.message


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("a/../b", "has an empty name, . or .. in it"),
        ("a//b", "has an empty name"),
        ("x" * 256, "has a name of more than 255 bytes in it"),
        ("/".join(["x" * 99] * 11), "has more than 1024 bytes"),
        ("films/raw", "begins with the Space, which stands in onedata.hub already; leave films/ out"),
    ],
)
def test_folders_that_cannot_be_in_a_space_are_errors(check: Check, folder: str, message: str) -> None:
    (finding,) = check(pipeline(entry("f", f"onedata.hub {folder}")))

    assert (finding.code, finding.is_error) == ("path", True)
    assert message in finding.message


def test_a_loop_through_a_space_is_refused(check: Check) -> None:
    entries = entry("f", "onedata.hub raw", "onedata.hub mid"), entry("g", "onedata.hub mid", "onedata.hub raw/new")

    assert codes(check(pipeline(*entries))) == ["loop"]


@pytest.mark.parametrize("output", ["raw", "raw/deeper"])
def test_a_function_that_writes_into_its_own_folder_is_refused(check: Check, output: str) -> None:
    assert codes(check(pipeline(entry("f", "onedata.hub raw", f"onedata.hub {output}")))) == ["loop"]


def test_the_whole_space_as_input_meets_every_output_in_it(check: Check) -> None:
    assert codes(check(pipeline(entry("f", "onedata.hub /", "onedata.hub done")))) == ["loop"]
    assert codes(check(pipeline(entry("f", "onedata.hub /", "onedata.hub /")))) == ["loop"]


def test_a_space_is_the_same_one_by_every_provider_that_has_it(check: Check) -> None:
    other = "other: {oneprovider_host: two.example.org, token: '${HUB_TOKEN}', space: films@0a1b}"

    found = check(pipeline(entry("f", "onedata.hub raw", "onedata.other raw"), stores=f"{HUB[:-1]}, {other}}}"))

    assert codes(found) == ["loop"]


def test_a_space_is_no_bucket_of_the_same_name(check: Check) -> None:
    assert check(pipeline(entry("f", "onedata.hub raw", "s3 films/raw"))) == []


def test_two_functions_may_watch_one_folder(check: Check) -> None:
    assert check(pipeline(entry("f", "onedata.hub raw"), entry("g", "onedata.hub raw/deep"))) == []


def test_one_function_gets_no_file_twice(check: Check) -> None:
    (finding,) = check(pipeline(entry("f", "onedata.hub raw, onedata.hub raw/deep")))

    assert finding.message == "'raw/deep' meets 'raw': f would get the same file twice"
    assert check(pipeline(entry("f", "onedata.hub raw .avi, onedata.hub raw .jpg"))) == []


def test_a_name_leaves_room_for_that_of_its_watcher(check: Check) -> None:
    (finding,) = check(pipeline(entry("x" * 54, "onedata.hub raw")))

    assert finding.message.endswith("so 53 characters are allowed")
    assert check(pipeline(entry("x" * 53, "onedata.hub raw"))) == []


def test_the_name_of_a_watcher_is_taken(check: Check) -> None:
    entries = entry("f", "onedata.hub raw"), entry("F-OneTrigger", "s3 bbb/in")

    assert codes(check(pipeline(*entries))) == ["same-name"]


def test_two_providers_need_two_variables(check: Check) -> None:
    stores = "webdav: {a-b: {hostname: x, login: '${HUB_TOKEN}', password: '${HUB_TOKEN}'}, "
    stores += "A_B: {hostname: x, login: '${HUB_TOKEN}', password: '${HUB_TOKEN}'}}"

    (finding,) = check(pipeline(entry("f", "s3 bbb/in", "webdav.a-b x, webdav.A_B y"), stores=stores))

    assert finding.message == "'a-b' and 'A_B' differ too little: both would be WEBDAV_SECRET_A_B"


def test_the_variable_of_a_secret_is_reserved(check: Check) -> None:
    more = "environment: {Variables: {ONEDATA_SECRET_HUB: x}},"

    found = [one for one in check(pipeline(entry("f", "onedata.hub raw", more=more))) if one.is_error]

    assert [finding.message for finding in found] == ["the variable ONEDATA_SECRET_HUB is reserved"]


def test_kept_results_need_a_folder_in_every_storage(check: Check) -> None:
    text = pipeline(entry("f", "s3 bbb/in", "onedata.hub /")).replace("x}, \n", "x},\n")

    assert codes(check(text.replace("]}],}\n", "]}],}\n    hfaas: {on_failure: keep}\n"))) == ["keep"]


def test_where_files_come_in_and_go_out_is_known_for_spaces_too(parse: Parse) -> None:
    read = parse(
        pipeline(entry("f", "onedata.hub raw", "onedata.hub mid"), entry("g", "onedata.hub mid", "s3 bbb"))
    )

    (way_in,), (way_out,) = read.entry(), read.final_outputs()
    assert (way_in.input.kind, way_in.input.bucket, way_in.input.prefix) == ("onedata", "films", "raw/")
    assert way_out.function.name == "g"
