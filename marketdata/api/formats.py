"""Forms of an answer beside JSON: their names for content negotiation (`Accept` or `?format=`), and streaming.

What is in them is written by `marketdata.services.tables`. Refusals are JSON whatever was asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request


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
    """Answer with pieces as they are made; on an event loop each is made on a thread."""
    on_loop = isinstance(request._request, ASGIRequest)
    return StreamingHttpResponse(as_async(pieces) if on_loop else pieces, content_type=content_type)


async def as_async(iterator: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Drive a synchronous iterator from the event loop, each step on a thread: database reads stay off the loop."""

    def step() -> bytes | None:
        return next(iterator, None)

    while (piece := await sync_to_async(step)()) is not None:
        yield piece
