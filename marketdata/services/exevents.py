"""Stored ex-rights events, as adjustment takes them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from marketdata.models import DividendFactor
from marketdata.quotes.periods import day_number
from marketdata.services.adjust import ExEvent


def ex_events(instrument_ids: Collection[int], *, until: date | None = None) -> dict[int, list[ExEvent]]:
    """The ex-dates of some instruments, ascending; instruments without one are left out.

    Parameters
    ----------
    until
        Last date, included; None for every stored one.
    """
    rows = DividendFactor.objects.filter(instrument__in=instrument_ids)
    if until is not None:
        rows = rows.filter(date__lte=until)
    events: dict[int, list[ExEvent]] = {}
    for row in rows.order_by("instrument_id", "date"):
        events.setdefault(row.instrument_id, []).append(
            ExEvent(
                day=day_number(row.date),
                interest=row.interest,
                stock_bonus=row.stock_bonus,
                stock_gift=row.stock_gift,
                allot_num=row.allot_num,
                allot_price=row.allot_price,
                dr=row.dr,
            )
        )
    return events
