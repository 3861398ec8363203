"""Lists as CSV, Arrow or Parquet: the rows that the JSON form shows, as columns of fixed types, written in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson
import pyarrow as pa
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from marketdata.api.formats import ArrowRenderer, CsvRenderer, ParquetRenderer, streamed
from marketdata.services.tables import arrow_pieces, csv_table_pieces, parquet_pieces

#: What a list that is also a table can be answered as.
TABLE_RENDERERS = (JSONRenderer, CsvRenderer, ArrowRenderer, ParquetRenderer)
ROWS_PER_PIECE = 2_000

Row = Mapping[str, Any]
Columns = Mapping[str, pa.DataType]


def is_table(request: Request) -> bool:
    """Whether the caller asked for another form than JSON."""
    return str(request.accepted_renderer.format) != JSONRenderer.format


def columns_of(shape: type[serializers.Serializer[Any]]) -> dict[str, pa.DataType]:
    """The columns of a shape: dates, times, numbers and truth values as such, decimal text as decimals, the rest as text."""
    return {name: _type_of(field) for name, field in shape().fields.items()}


def table_response(
    request: Request, columns: Columns, rows: Iterable[Row], names: Sequence[str] | None = None
) -> StreamingHttpResponse:
    """Answer rows in the negotiated form; a piece of them is in memory at a time.

    Parameters
    ----------
    columns
        Every column the table can have.
    rows
        As the JSON form shows them.
    names
        The columns asked for, in that order; None for all.
    """
    form = str(request.accepted_renderer.format)
    kept = columns if names is None else {name: columns[name] for name in names}
    schema = pa.schema(list(kept.items()))
    tables = (_table(piece, schema) for piece in _pieces(rows))
    if form == CsvRenderer.format:
        return streamed(request, csv_table_pieces(schema, tables), "text/csv; charset=utf-8")
    write = arrow_pieces if form == ArrowRenderer.format else parquet_pieces
    return streamed(request, write(schema, tables), str(request.accepted_renderer.media_type))


#: What nobody recorded is refused, never guessed.
UNRECORDED = OpenApiResponse(description="`DATA_UNAVAILABLE`: nobody recorded it for that day.")


def forms_of(answer: Any, refusals: Mapping[int, OpenApiResponse] | None = None) -> dict[Any, Any]:
    """How a list that is also a table is documented; `refusals` of its own by status."""
    return {
        **(refusals or {}),
        (200, "application/json"): answer,
        (200, CsvRenderer.media_type): OpenApiResponse(
            OpenApiTypes.STR, description="All rows with a header line; limit and cursor do not apply."
        ),
        (200, ArrowRenderer.media_type): OpenApiResponse(OpenApiTypes.BINARY, description="All rows, an Arrow stream."),
        (200, ParquetRenderer.media_type): OpenApiResponse(
            OpenApiTypes.BINARY, description="All rows, a Parquet file."
        ),
    }


def _type_of(field: serializers.Field[Any, Any, Any, Any]) -> pa.DataType:
    if isinstance(field, serializers.DecimalField):
        return pa.decimal128(field.max_digits or 38, field.decimal_places or 0)
    kinds: tuple[tuple[type[Any], pa.DataType], ...] = (
        (serializers.BooleanField, pa.bool_()),
        (serializers.IntegerField, pa.int64()),
        (serializers.FloatField, pa.float64()),
        (serializers.DateTimeField, pa.timestamp("us", tz="UTC")),
        (serializers.DateField, pa.date32()),
    )
    return next((kind for shape, kind in kinds if isinstance(field, shape)), pa.string())


def _pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    source = iter(rows)
    while piece := list(islice(source, ROWS_PER_PIECE)):
        yield piece


def _table(rows: list[Row], schema: pa.Schema) -> pa.Table:
    arrays = [_column([row[field.name] for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return pa.array([_text(value) for value in values], kind)
    if any(isinstance(value, str) for value in values):
        # Serializers write dates, times and decimals as text.
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(values, kind)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()
