"""Entries and statements as files: CSV for programs, Excel for people. No cell is ever taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import xlsxwriter

from trading.ledger.models import LedgerEntry
from trading.ledger.wire import entry_view

ENTRY_COLUMNS: Final = (
    "id",
    "trade_date",
    "kind",
    "symbol",
    "side",
    "quantity",
    "price",
    "cash",
    "realised",
    "user",
    "strategy",
    "reference",
    "rule",
    "note",
    "at",
)
#: What a spreadsheet would take as the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_TEXT: Final = frozenset({"symbol", "user", "strategy", "reference", "rule", "note"})


def entries_csv(entries: Iterable[LedgerEntry]) -> Iterator[str]:
    """The entries as CSV, piece by piece, with a byte order mark so that spreadsheets read UTF-8."""
    yield "\ufeff" + _csv_line(ENTRY_COLUMNS)
    for entry in entries:
        view = entry_view(entry)
        yield _csv_line([_plain(name, view[name]) for name in ENTRY_COLUMNS])


def entries_xlsx(entries: Iterable[LedgerEntry]) -> bytes:
    """The entries as one sheet."""
    return _workbook({"entries": (ENTRY_COLUMNS, _rows(map(entry_view, entries), ENTRY_COLUMNS))})


def statement_xlsx(statement: Mapping[str, Any], entries: Iterable[LedgerEntry]) -> bytes:
    """A statement as a workbook: totals, holdings, entries."""
    totals: list[Sequence[Any]] = []
    for name, value in statement.items():
        if isinstance(value, Mapping):
            totals += [(f"{name}.{inner}", amount) for inner, amount in value.items()]
        elif not isinstance(value, list):
            totals.append((name, value))
    positions = statement["positions"]
    columns = tuple(positions[0]) if positions else ("symbol",)
    return _workbook(
        {
            "statement": (("item", "value"), totals),
            "positions": (columns, _rows(positions, columns)),
            "entries": (ENTRY_COLUMNS, _rows(map(entry_view, entries), ENTRY_COLUMNS)),
        }
    )


def file_name(account_id: int, what: str, start: date | None, end: date | None, extension: str) -> str:
    """A name that says what is inside: ``ledger-3-2026-11-20.csv``."""
    days = "_".join(day.isoformat() for day in (start, end) if day is not None)
    return "-".join(filter(None, (what, str(account_id), days))) + f".{extension}"


def _rows(views: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[Sequence[Any]]:
    for view in views:
        yield [view[name] for name in columns]


def _workbook(sheets: Mapping[str, tuple[Sequence[str], Iterable[Sequence[Any]]]]) -> bytes:
    content = io.BytesIO()
    options = {"in_memory": True, "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(content, options) as book:
        head = book.add_format({"bold": True})
        for name, (columns, rows) in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, columns, head)
            for number, row in enumerate(rows, start=1):
                for column, value in enumerate(row):
                    _write(sheet, number, column, value)
    return content.getvalue()


def _write(sheet: Any, row: int, column: int, value: Any) -> None:
    """Whole numbers as numbers; money stays the text it is on the API, which no spreadsheet can round."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        sheet.write_string(row, column, str(value))
    else:
        sheet.write_number(row, column, value)


def _plain(name: str, value: Any) -> Any:
    """A cell of ours; words of people and other systems cannot begin a formula."""
    if value is None:
        return ""
    return f"'{value}" if name in _TEXT and str(value).startswith(_FORMULA) else value


def _csv_line(cells: Sequence[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
