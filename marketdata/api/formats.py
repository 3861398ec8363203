"""Forms of an answer beside JSON: their names for content negotiation (`Accept` or `?format=`), and streaming.

What is in them is written by `marketdata.services.tables`. Refusals are JSON whatever was asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from ops.compression import accepts_gzip, gzip_pieces, is_compressible

LINES_AT_ONCE: Final = 500


class TableRenderer(BaseRenderer):
    """A form of table that the view itself writes; only refusals and pending answers come here, and those are JSON."""

    charset: str | None = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        context = renderer_context or {}
        if (response := context.get("response")) is not None:
            response["Content-Type"] = "application/json"
        return JSONRenderer().render(data)


class CsvRenderer(TableRenderer):
    """Comma-separated text with a header line."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"


class ArrowRenderer(TableRenderer):
    """An Arrow IPC stream."""

    media_type = "application/vnd.apache.arrow.stream"
    format = "arrow"


class ParquetRenderer(TableRenderer):
    """A Parquet file."""

    media_type = "application/vnd.apache.parquet"
    format = "parquet"


def streamed(request: Request, pieces: Iterator[bytes], content_type: str) -> StreamingHttpResponse:
    """Answer with pieces as they are made; on an event loop each is made, and compressed, on a thread."""
    packed = is_compressible(content_type)
    gzip = packed and accepts_gzip(request._request)
    made = gzip_pieces(pieces) if gzip else pieces
    on_loop = isinstance(request._request, ASGIRequest)
    response = StreamingHttpResponse(as_async(made) if on_loop else made, content_type=content_type)
    if packed:
        patch_vary_headers(response, ("Accept-Encoding",))
    if gzip:
        response["Content-Encoding"] = "gzip"
    return response


def csv_streamed(request: Request, lines: Iterator[str], name: str) -> StreamingHttpResponse:
    """A download of that name, written line by line; some hundred lines travel, and are in memory, at a time."""
    pieces = iter(lambda: "".join(islice(lines, LINES_AT_ONCE)).encode(), b"")
    response = streamed(request, pieces, f"{CsvRenderer.media_type}; charset={CsvRenderer.charset}")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


async def as_async(iterator: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Drive a synchronous iterator from the event loop, each step on a thread: database reads stay off the loop."""

    def step() -> bytes | None:
        return next(iterator, None)

    while (piece := await sync_to_async(step)()) is not None:
        yield piece
