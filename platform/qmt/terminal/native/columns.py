"""Market data on the wire, and the four shapes in which the native module returns it.

The terminal sends the rows of all symbols one after another, column by column, as raw little-endian
bytes; the shapes are cut out of them here without touching single values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qmt.calendar import datetime_of_ms
from qmt.terminal.protocol import Frame
from qmt.terminal.types import BAR_DTYPE, TICK_DTYPE

BARS: Final = "bars"
TICKS: Final = "ticks"

Rows = npt.NDArray[np.void]
CreateArray = Callable[[Rows], Any]


def pack(kind: str, period: str, found: Mapping[str, Rows], fields: Sequence[str]) -> Frame:
    """Rows per symbol as a frame.

    Parameters
    ----------
    fields : sequence of str
        What was asked for; everything when empty. Unknown names are left out, and the time is
        always sent.
    """
    layout = BAR_DTYPE if kind == BARS else TICK_DTYPE
    together = np.concatenate(list(found.values())) if found else np.empty(0, layout)
    names = [name for name in fields or layout.names or () if name in layout.fields] if layout.fields else []
    sent = {name: np.ascontiguousarray(together[name]).tobytes() for name in dict.fromkeys(["time", *names])}
    return {
        "kind": kind,
        "period": period,
        "symbols": list(found),
        "counts": [len(rows) for rows in found.values()],
        "fields": names,
        "columns": sent,
    }


def v4(frame: Frame) -> list[tuple[str, list[str], list[tuple[str, str, bytes]]]]:
    """K-lines for ``np.frombuffer``: (symbol, index texts, (field, dtype, bytes) per field)."""
    names: list[str] = frame["fields"]
    index = _index(frame)
    views = {name: memoryview(frame["columns"][name]) for name in names}
    made = []
    for symbol, first, last in _slices(frame):
        cut = []
        for name in names:
            dtype = BAR_DTYPE[name]
            cut.append((name, dtype.str, bytes(views[name][first * dtype.itemsize : last * dtype.itemsize])))
        made.append((symbol, index[first:last], cut))
    return made


def v3(frame: Frame) -> dict[str, Any]:
    """Records per symbol: dictionaries for ticks, whose levels are lists; structured arrays for K-lines."""
    if frame["kind"] == BARS:
        return {symbol: rows for symbol, rows in _records(frame) if len(rows)}
    return {symbol: _dictionaries(rows) for symbol, rows in _records(frame) if len(rows)}


def v2(frame: Frame, create_array: CreateArray) -> Any:
    """K-lines aligned over all symbols ([symbols], [times]), {field: matrix}; ticks as arrays over native memory."""
    if frame["kind"] == TICKS:
        return {symbol: create_array(rows) for symbol, rows in _records(frame)}
    stamps = np.frombuffer(frame["columns"]["time"], np.int64)
    axis, places = np.unique(stamps, return_inverse=True)
    matrices = {}
    for name in frame["fields"]:
        values = np.frombuffer(frame["columns"][name], BAR_DTYPE[name])
        matrix = np.full((len(frame["symbols"]), len(axis)), np.nan)
        for row, (_, first, last) in enumerate(_slices(frame)):
            matrix[row, places[first:last]] = values[first:last]
        matrices[name] = matrix
    return (frame["symbols"], _texts(axis, frame["period"])), matrices


def _slices(frame: Frame) -> Iterator[tuple[str, int, int]]:
    first = 0
    for symbol, count in zip(frame["symbols"], frame["counts"], strict=True):
        yield symbol, first, first + count
        first += count


def _records(frame: Frame) -> Iterator[tuple[str, Rows]]:
    layout = BAR_DTYPE if frame["kind"] == BARS else TICK_DTYPE
    names = list(frame["columns"])
    kept = np.dtype([(name, layout[name]) for name in names])
    rows = np.empty(sum(frame["counts"]), kept)
    for name in names:
        base = layout[name].base
        rows[name] = np.frombuffer(frame["columns"][name], base).reshape(-1, *layout[name].shape)
    for symbol, first, last in _slices(frame):
        yield symbol, rows[first:last]


def _dictionaries(rows: Rows) -> list[dict[str, Any]]:
    names = rows.dtype.names or ()
    columns = [rows[name].tolist() for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _index(frame: Frame) -> list[str]:
    stamps = np.frombuffer(frame["columns"]["time"], np.int64)
    axis, places = np.unique(stamps, return_inverse=True)
    texts: list[str] = np.array(_texts(axis, frame["period"]), object)[places].tolist() if len(axis) else []
    return texts


def _texts(axis: npt.NDArray[np.int64], period: str) -> list[str]:
    shape = "%Y%m%d" if period == "1d" else "%Y%m%d%H%M%S"
    return [datetime_of_ms(int(stamp)).strftime(shape) for stamp in axis]
