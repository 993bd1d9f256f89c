from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfaas_emulator.errors import AwsError
from hfaas_emulator.s3.chunked import Decoder, is_chunked


def decode(body: bytes, step: int = 1 << 20) -> tuple[bytes, Decoder]:
    decoder = Decoder()
    payload = b"".join(piece for at in range(0, len(body), step) for piece in decoder.feed(body[at : at + step]))
    return payload, decoder


def encode(chunks: list[bytes], extension: bytes = b"", trailers: bytes = b"") -> bytes:
    body = b"".join(b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    return body + b"0" + extension + b"\r\n" + trailers + b"\r\n"


def test_unsigned_chunks_give_the_payload_and_the_trailers() -> None:
    payload, decoder = decode(encode([b"hello ", b"world"], trailers=b"x-amz-checksum-crc32:DUoRhQ==\r\n"))
    assert payload == b"hello world"
    assert decoder.trailers == {"x-amz-checksum-crc32": "DUoRhQ=="}
    assert decoder.ended


def test_signatures_of_chunks_are_skipped() -> None:
    payload, decoder = decode(encode([b"signed"], extension=b";chunk-signature=" + b"a" * 64))
    assert payload == b"signed"
    assert decoder.ended


@given(chunks=st.lists(st.binary(min_size=1, max_size=300), max_size=5), step=st.integers(1, 64))
def test_it_does_not_matter_how_the_body_is_cut(chunks: list[bytes], step: int) -> None:
    payload, decoder = decode(encode(chunks, trailers=b"a:b\r\n"), step)
    assert payload == b"".join(chunks)
    assert decoder.trailers == {"a": "b"}


def test_a_body_that_ends_early_has_not_ended() -> None:
    assert not decode(b"5\r\nhel")[1].ended


@pytest.mark.parametrize(
    "body", [b"zz\r\nhello\r\n", b"-5\r\nhello\r\n", b"5\r\nhelloXX\r\n0\r\n\r\n", b"f" * 20_000]
)
def test_nonsense_is_refused_in_awss_words(body: bytes) -> None:
    with pytest.raises(AwsError, match="InvalidChunkSizeError"):
        decode(body)


@pytest.mark.parametrize(
    ("headers", "chunked"),
    [
        ({"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, True),
        ({"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, True),
        ({"content-encoding": "gzip,aws-chunked"}, True),
        ({"content-encoding": "gzip", "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}, False),
        ({}, False),
    ],
)
def test_chunked_bodies_are_known_by_their_headers(headers: dict[str, str], chunked: bool) -> None:
    assert is_chunked(headers) is chunked
