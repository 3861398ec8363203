"""Following what a terminal says about a set of things: what it no longer says ends, what it says anew begins."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import date, timedelta
from typing import TypeVar

from django.db import transaction

from marketdata.models.dated import Dated, DatedQuerySet

Row = TypeVar("Row", bound=Dated)
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_PARTS = 500


def dated_follow(
    *,
    rows: DatedQuerySet,
    wanted: Mapping[Key, Value],
    day: date,
    key_of: Callable[[Row], Key],
    value_of: Callable[[Row], Value],
    make: Callable[[Key, Value], Row],
) -> int:
    """Make the rows in force equal to what is wanted from a day on. Returns the number of rows that began or ended.

    Parameters
    ----------
    rows
        The rows concerned, of any time.
    wanted
        What holds from `day` on.
    make
        Builds an unsaved row without its dates.

    Notes
    -----
    A row that began on the same day is corrected in place of being ended: within one trade date the last word counts. A day before
    the newest row changes nothing: the past is not rewritten by a terminal that stands still.
    """
    open_rows: dict[Key, Row] = {key_of(row): row for row in rows.current()}
    if any(row.valid_from > day for row in open_rows.values()):
        return 0
    ended = [row for key, row in open_rows.items() if key not in wanted or value_of(row) != wanted[key]]
    begun = [key for key in wanted if key not in open_rows or value_of(open_rows[key]) != wanted[key]]
    if not ended and not begun:
        return 0
    with transaction.atomic():
        _end(
            rows,
            [row.pk for row in ended if row.valid_from == day],
            [row.pk for row in ended if row.valid_from < day],
            day,
        )
        made = []
        for key in begun:
            row = make(key, wanted[key])
            row.valid_from = day
            made.append(row)
        rows.model._default_manager.bulk_create(made, batch_size=_PARTS)
    return len(ended) + len(begun)


def _end(rows: DatedQuerySet, corrected: list[int], ended: list[int], day: date) -> None:
    for at in range(0, len(corrected), _PARTS):
        rows.model._default_manager.filter(pk__in=corrected[at : at + _PARTS]).delete()
    for at in range(0, len(ended), _PARTS):
        rows.model._default_manager.filter(pk__in=ended[at : at + _PARTS]).update(valid_to=day - timedelta(days=1))
