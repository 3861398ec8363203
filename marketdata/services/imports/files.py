"""Opening a file that somebody brought: every way in which it could hurt is closed before a row is looked at."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ops.errors import Code, DeskError, Invalid
from ops.inputs import shown

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_EXPANDED_BYTES = 256 * 1024 * 1024
MAX_ROWS = 1_000_000
MAX_COLUMNS = 100
MAX_NAME = 200
ENCODINGS = ("utf-8", "gb18030")
FORMATS = {
    ".csv": "csv",
    ".csv.gz": "csv.gz",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
}
_CHUNK = 1 << 20
# No folders, no drive letters, nothing a shell or a terminal would act on.
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:*?\"<>|]+")


def safe_name(name: str) -> str:
    """The name of an upload when it is nothing but a name.

    Raises
    ------
    Invalid
        ``FILE_NAME_REFUSED``.
    """
    if not _NAME.fullmatch(name) or name.strip(". ") != name or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(Code.FILE_NAME_REFUSED, f"a file may not be called {shown(name)}", field="file")
    return name


def format_of(name: str) -> str:
    """``csv``, ``csv.gz``, ``parquet`` or ``arrow``, by the end of the name.

    Raises
    ------
    Invalid
        ``FILE_FORMAT_UNKNOWN``.
    """
    lowered = name.lower()
    found = [kind for end, kind in FORMATS.items() if lowered.endswith(end)]
    if not found:
        raise Invalid(
            Code.FILE_FORMAT_UNKNOWN, f"files may end in {', '.join(FORMATS)}", field="file", name=shown(name)
        )
    return found[-1]


def too_large(what: str, found: int, limit: int) -> DeskError:
    """The refusal of something too large."""
    return Invalid(
        Code.FILE_TOO_LARGE, f"{what}: {found}, at most {limit}; split the file", field="file", status=413, limit=limit
    )


def open_table(path: Path, kind: str, encoding: str) -> pd.DataFrame:
    """Read a whole file into columns as the file has them: text of a CSV, typed values of the others.

    Raises
    ------
    Invalid
        ``FILE_TOO_LARGE``, ``FILE_UNREADABLE`` or ``FILE_ENCODING_WRONG``.
    """
    try:
        if kind in ("csv", "csv.gz"):
            return _csv(path, encoding, compressed=kind == "csv.gz")
        return _parquet(path) if kind == "parquet" else _arrow(path)
    except DeskError:
        raise
    except (
        pa.ArrowException,
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
        OSError,
        EOFError,
        zlib.error,
        ValueError,
    ) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise Invalid(Code.FILE_UNREADABLE, f"the file cannot be read: {reason}", field="file") from error


def _csv(path: Path, encoding: str, *, compressed: bool) -> pd.DataFrame:
    with path.open("rb") as raw:
        content = _expanded(gzip.GzipFile(fileobj=raw)) if compressed else raw.read()
    text = _decoded(content, encoding)
    if "\x00" in text:
        raise Invalid(Code.FILE_UNREADABLE, "the file holds zero bytes: it is no text", field="file")
    columns = text.partition("\n")[0].count(",") + 1
    if columns > MAX_COLUMNS:
        raise too_large("columns", columns, MAX_COLUMNS)
    lines = text.count("\n")
    if lines > MAX_ROWS + 1:
        raise too_large("lines", lines, MAX_ROWS)
    return pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, skip_blank_lines=False)


def _expanded(stream: BinaryIO | gzip.GzipFile) -> bytes:
    """Decompress no further than the limit: a small file can claim to be endless."""
    parts: list[bytes] = []
    size = 0
    while part := stream.read(_CHUNK):
        size += len(part)
        if size > MAX_EXPANDED_BYTES:
            raise too_large("decompressed bytes", size, MAX_EXPANDED_BYTES)
        parts.append(part)
    return b"".join(parts)


def _decoded(content: bytes, encoding: str) -> str:
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        return codecs.decode(content, codec)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Invalid(
            Code.FILE_ENCODING_WRONG,
            f"line {line} is not {encoding}; other encodings: {', '.join(ENCODINGS)}",
            field="encoding",
            line=line,
        ) from error


def _parquet(path: Path) -> pd.DataFrame:
    with pq.ParquetFile(path) as file:
        facts = file.metadata
        expanded = sum(facts.row_group(at).total_byte_size for at in range(facts.num_row_groups))
        _refuse_large(facts.num_rows, facts.num_columns, expanded)
        return _frame(file.iter_batches(batch_size=65_536), file.schema_arrow)


def _arrow(path: Path) -> pd.DataFrame:
    with pa.memory_map(str(path)) as source:
        try:
            reader = pa.ipc.open_file(source)
            batches: Iterator[pa.RecordBatch] = (reader.get_batch(at) for at in range(reader.num_record_batches))
            schema = reader.schema
        except pa.ArrowInvalid:
            source.seek(0)
            stream = pa.ipc.open_stream(source)
            batches, schema = iter(stream), stream.schema
        return _frame(batches, schema)


def _frame(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> pd.DataFrame:
    """Batches as one frame, given up as soon as they exceed a limit, whatever the file's header claims."""
    kept: list[pa.RecordBatch] = []
    rows = expanded = 0
    for batch in batches:
        rows += batch.num_rows
        expanded += batch.nbytes
        _refuse_large(rows, batch.num_columns, expanded)
        kept.append(batch)
    frame: pd.DataFrame = pa.Table.from_batches(kept, schema).to_pandas()
    return frame.reset_index(drop=True)


def _refuse_large(rows: int, columns: int, expanded: int) -> None:
    for what, found, limit in (
        ("rows", rows, MAX_ROWS),
        ("columns", columns, MAX_COLUMNS),
        ("decompressed bytes", expanded, MAX_EXPANDED_BYTES),
    ):
        if found > limit:
            raise too_large(what, found, limit)


def number_of(row: int, kind: str) -> int:
    """How a person finds a row: the line of a CSV (the header is line 1), the row of another file, counted from 1."""
    return row + 2 if kind.startswith("csv") else row + 1


def head_of(frame: pd.DataFrame, rows: int) -> list[dict[str, Any]]:
    """The first rows as text, for a person to compare with the file."""
    return [{str(name): str(value)[:60] for name, value in row.items()} for row in frame.head(rows).to_dict("records")]
