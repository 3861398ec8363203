"""Downloads that are written line by line travel in pieces, also on an event loop."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import AsyncRequestFactory
from rest_framework.request import Request

from marketdata.api.formats import LINES_AT_ONCE, csv_streamed


def lines(count: int, written: list[int]) -> Iterator[str]:
    for number in range(count):
        written.append(number)
        yield f"{number}\r\n"


async def pieces_of(response: StreamingHttpResponse, written: list[int]) -> list[tuple[bytes, int]]:
    """Each piece, and how many lines had been written when it came."""
    return [(piece, len(written)) async for piece in response]


@pytest.mark.parametrize("count", [0, LINES_AT_ONCE, 2 * LINES_AT_ONCE + 1])
def test_download_on_an_event_loop_is_written_piece_by_piece(count: int) -> None:
    written: list[int] = []
    request = Request(AsyncRequestFactory().get("/"))
    response = csv_streamed(request, lines(count, written), "a.csv")
    with warnings.catch_warnings():
        # Django warns where it has to read everything before it sends the first piece.
        warnings.simplefilter("error")
        pieces = async_to_sync(pieces_of)(response, written)
    assert b"".join(piece for piece, _written in pieces).decode() == "".join(f"{number}\r\n" for number in range(count))
    assert [seen for _piece, seen in pieces] == [
        min(count, (piece + 1) * LINES_AT_ONCE) for piece in range(-(-count // LINES_AT_ONCE))
    ]
    assert response["Content-Disposition"] == 'attachment; filename="a.csv"'
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Type"] == "text/csv; charset=utf-8"
