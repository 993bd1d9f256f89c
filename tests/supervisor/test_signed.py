from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from hfaas_supervisor import signed
from hfaas_supervisor.keys import Keys
from hfaas_supervisor.signed import Request

segments = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="/?#"), min_size=1, max_size=8
)
paths = st.lists(segments.filter(lambda text: text not in (".", "..")), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)
words = st.text("abcXYZ09-_. ~", min_size=1, max_size=8)
keys = st.builds(Keys, words.map(str.strip).filter(bool), words, st.sampled_from(["", "token/+=="]))
headers = st.dictionaries(st.sampled_from(["content-type", "x-amz-target", "x-amz-meta-a"]), words)


def authorization(auth: type, request: Request, scope: tuple[str, str], keys: Keys, body: bytes) -> dict[str, str]:
    url = f"https://{request.host}{signed.encoded(request.path)}"
    theirs = AWSRequest(request.method, url, headers=dict(request.headers), data=body)
    theirs.params = dict(request.query)
    signer: Any = auth(Credentials(keys.id, keys.secret, keys.token or None), *scope)
    signer.add_auth(theirs)
    return {name.lower(): value for name, value in theirs.headers.items()}


def timestamp(theirs: dict[str, str]) -> float:
    import calendar

    return calendar.timegm(time.strptime(theirs["x-amz-date"], "%Y%m%dT%H%M%SZ"))


@settings(max_examples=50, deadline=None)
@given(
    path=paths,
    headers=headers,
    body=st.binary(max_size=20),
    keys=keys,
    query=st.dictionaries(words, words, max_size=2),
)
def test_signatures_equal_botocores(
    path: str, headers: dict[str, str], body: bytes, keys: Keys, query: dict[str, str]
) -> None:
    request = Request("POST", "batch.eu-west-1.amazonaws.com", path, headers, query)
    theirs = authorization(SigV4Auth, request, ("batch", "eu-west-1"), keys, body)
    digest = hashlib.sha256(body).hexdigest()
    ours = signed.sign(request, digest, ("batch", "eu-west-1"), keys, timestamp(theirs))
    assert ours["authorization"] == theirs["authorization"]


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "https://batch.eu-west-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "http://all:1"}, "http://all:1"),
        ({"AWS_ENDPOINT_URL": "http://all:1", "AWS_ENDPOINT_URL_BATCH": "http://own:2"}, "http://own:2"),
    ],
)
def test_the_endpoint_of_a_service_is_its_own_else_that_of_all_else_at_aws(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_BATCH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert signed.endpoint("batch", "eu-west-1").geturl() == url


def test_china_has_a_domain_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert signed.endpoint("batch", "cn-north-1").netloc == "batch.cn-north-1.amazonaws.com.cn"


@settings(max_examples=50, deadline=None)
@given(path=st.text(st.characters(min_codepoint=1, max_codepoint=0x2FF), max_size=12), keys=keys)
def test_s3_signatures_equal_botocores_for_any_key(path: str, keys: Keys) -> None:
    request = Request("GET", "s3.us-east-1.amazonaws.com", f"/bucket/{path}")
    theirs = authorization(S3SigV4Auth, request, ("s3", "us-east-1"), keys, b"")
    ours = signed.sign(request, theirs["x-amz-content-sha256"], ("s3", "us-east-1"), keys, timestamp(theirs))
    assert ours["authorization"] == theirs["authorization"]
