"""JSON bodies: what is not JSON, or not finite, is refused with a code."""

from __future__ import annotations

import io

import pytest

from ops.errors import Code, Invalid
from ops.parsers import StrictJSONParser


def parse(body: bytes) -> object:
    return StrictJSONParser().parse(io.BytesIO(body))


def test_parser_reads_plain_json() -> None:
    assert parse(b'{"quantity": 100, "price": 10.5}') == {"quantity": 100, "price": 10.5}


@pytest.mark.parametrize("token", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999"])
def test_parser_refuses_numbers_that_are_not_finite(token: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        parse(b'{"price": ' + token + b"}")
    assert caught.value.code is Code.NUMBER_NOT_FINITE


@pytest.mark.parametrize("body", [b"", b"{", b"{'a': 1}", b"\xff\xfe{}", b"[1,]", b"[" * 100_000])
def test_parser_refuses_what_is_not_json(body: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        parse(body)
    assert caught.value.code is Code.INVALID_JSON
