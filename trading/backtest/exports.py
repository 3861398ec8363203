"""Tables of a back-test as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from trading.backtest.models import Backtest
from trading.backtest.selectors import TABLES, table_rows

# What a spreadsheet would take as the beginning of a formula. Reasons are the strategy's author's words.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TEXT = frozenset({"reason", "entry_reason", "exit_reason", "id"})


def table_csv(row: Backtest, table: str) -> Iterator[str]:
    """One of `TABLES` as CSV, piece by piece, with a byte order mark so that spreadsheets read UTF-8."""
    model, _order, view = TABLES[table]
    columns = list(view(model()))
    yield "\ufeff" + _line(columns)
    for entry in table_rows(row, table):
        yield _line([_cell(name, entry[name]) for name in columns])


def _cell(name: str, value: Any) -> Any:
    if name in _TEXT and isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _line(values: list[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(values)
    return buffer.getvalue()
