"""What travels compressed: whole answers and streams of the API, where the caller takes it and it gains something."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from desk.middleware import CompressionMiddleware
from ops.compression import SMALLEST, accepts_gzip, gzip_pieces

LARGE = b'{"a": 1}' * SMALLEST


def asked(path: str = "/api/v1/me", **headers: str) -> HttpRequest:
    return RequestFactory().get(path, headers={"accept-encoding": "gzip", **headers})


def answered(request: HttpRequest, content: bytes = LARGE, content_type: str = "application/json") -> HttpResponse:
    response = CompressionMiddleware(lambda _: HttpResponse(content, content_type=content_type))(request)
    assert isinstance(response, HttpResponse)
    return response


def test_large_answer_of_the_api_is_compressed() -> None:
    response = answered(asked())
    assert (response["Content-Encoding"], response["Vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(response.content) == LARGE
    assert len(response.content) < len(LARGE) / 4


def test_compressed_answer_never_has_the_same_length_for_long() -> None:
    assert len({len(answered(asked()).content) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("path", "content", "content_type"),
    [
        ("/security/", LARGE, "text/html"),
        ("/api/v1/me", LARGE[: SMALLEST - 1], "application/json"),
        ("/api/v1/bars", LARGE, "application/vnd.apache.parquet"),
    ],
)
def test_answer_that_gains_nothing_or_risks_something_is_left_alone(
    path: str, content: bytes, content_type: str
) -> None:
    response = answered(asked(path), content, content_type)
    assert "Content-Encoding" not in response
    assert response.content == content


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip, br", True),
        ("br;q=1, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("", False),
        ("x-gzip", False),
    ],
)
def test_wish_of_the_caller_is_read_by_its_weight(header: str, taken: bool) -> None:
    assert accepts_gzip(RequestFactory().get("/", headers={"accept-encoding": header})) is taken


def test_stream_is_compressed_piece_by_piece() -> None:
    made: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            made.append(number)
            yield b"1,2,3\n" * 1000

    packed = gzip_pieces(pieces())
    first = next(packed)
    assert made == [0]
    unpacker = zlib.decompressobj(31)
    assert unpacker.decompress(first) == b"1,2,3\n" * 1000
    assert b"".join(map(unpacker.decompress, packed)) == b"1,2,3\n" * 2000
    assert unpacker.eof


@pytest.mark.django_db
def test_document_of_the_api_travels_compressed(client: Client) -> None:
    response = client.get("/api/schema/", headers={"accept-encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.content).startswith(b"openapi: 3")
