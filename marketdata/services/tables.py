"""Tables as CSV, Arrow or Parquet, written in pieces: a large one is never in memory as a whole."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet


def csv_pieces(columns: Sequence[str], frames: Iterable[pd.DataFrame], *, quoted: bool = False) -> Iterator[bytes]:
    """A header line, then one line per row; an absent value is an empty field, a truth value 0 or 1.

    Parameters
    ----------
    quoted
        Put text between quotes: where it may hold commas.
    """
    yield ",".join(columns).encode() + b"\n"
    options = pa.csv.WriteOptions(include_header=False, quoting_style="needed" if quoted else "none")
    for frame in frames:
        if frame.empty:
            continue
        truths = [name for name in frame.columns if frame[name].dtype == np.bool_]
        table = pa.Table.from_pandas(frame.astype(dict.fromkeys(truths, np.int8)), preserve_index=False)
        buffer = io.BytesIO()
        pa.csv.write_csv(table.select(list(columns)), buffer, options)
        yield buffer.getvalue()


def csv_table_pieces(schema: pa.Schema, tables: Iterable[pa.Table]) -> Iterator[bytes]:
    """A header line, then one line per row of Arrow tables; text that holds commas is quoted, an absent value is empty.

    Truth values are 0 or 1, times ISO 8601 in UTC, decimals as many digits as they need.
    """
    yield ",".join(schema.names).encode() + b"\n"
    options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
    for table in tables:
        plain = [_plain(column) for column in table.columns]
        buffer = io.BytesIO()
        pa.csv.write_csv(pa.Table.from_arrays(plain, names=schema.names), buffer, options)
        yield buffer.getvalue()


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_boolean(kind):
        return column.cast(pa.int8())
    if pa.types.is_timestamp(kind):
        return pa.compute.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
    if pa.types.is_decimal(kind) and kind.scale > 0:
        text = pa.compute.utf8_rtrim(column.cast(pa.string()), characters="0")
        return pa.compute.utf8_rtrim(text, characters=".")
    return column


def arrow_pieces(schema: pa.Schema, tables: Iterable[pa.Table]) -> Iterator[bytes]:
    """An Arrow IPC stream, some batches at a time."""
    return _written(lambda sink: pa.ipc.new_stream(sink, schema), tables)


def parquet_pieces(schema: pa.Schema, tables: Iterable[pa.Table]) -> Iterator[bytes]:
    """A Parquet file, one row group per table."""
    return _written(lambda sink: pa.parquet.ParquetWriter(sink, schema, compression="zstd"), tables)


class _Drain(io.RawIOBase):
    """A file that only remembers what was written since it was last emptied."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._position += len(part)
        return len(part)

    def tell(self) -> int:
        return self._position

    def take(self) -> bytes:
        """Everything written since the last call."""
        taken, self._parts = b"".join(self._parts), []
        return taken


def _written(
    open_writer: Callable[[io.RawIOBase], AbstractContextManager[Any]], tables: Iterable[pa.Table]
) -> Iterator[bytes]:
    drain = _Drain()
    with open_writer(drain) as writer:
        for table in tables:
            writer.write_table(table)
            yield drain.take()
    yield drain.take()
