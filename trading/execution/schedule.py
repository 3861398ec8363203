"""When the slices of a window are due: evenly in trading time, which stands still at lunch and at night."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from qmt.calendar import SHANGHAI

#: Continuous trading (SSE and SZSE 交易规则 2023 3.1.4): slices meet no auction.
SESSIONS = ((dt.time(9, 30), dt.time(11, 30)), (dt.time(13, 0), dt.time(14, 57)))


def trading_spans(start: dt.datetime, end: dt.datetime) -> list[tuple[dt.datetime, dt.datetime]]:
    """The parts of a window in which there is continuous trading, in order. Both moments are of one day, in Shanghai."""
    spans = []
    day = start.astimezone(SHANGHAI).date()
    for opens, closes in SESSIONS:
        begin = max(start, dt.datetime.combine(day, opens, SHANGHAI))
        finish = min(end, dt.datetime.combine(day, closes, SHANGHAI))
        if begin < finish:
            spans.append((begin, finish))
    return spans


def due_times(start: dt.datetime, end: dt.datetime, slices: int) -> list[dt.datetime]:
    """The moments of `slices` slices: each begins an equal part of the window's trading time.

    Returns
    -------
    list of datetime
        Empty when the window holds no trading time.
    """
    spans = trading_spans(start, end)
    total = sum((finish - begin for begin, finish in spans), dt.timedelta())
    return [_moment(spans, total * number / slices) for number in range(slices)] if spans else []


def _moment(spans: Sequence[tuple[dt.datetime, dt.datetime]], offset: dt.timedelta) -> dt.datetime:
    """The moment at which `offset` of trading time has passed."""
    for begin, finish in spans:
        if offset < finish - begin:
            return begin + offset
        offset -= finish - begin
    return spans[-1][1]


def slices_due(start: dt.datetime, end: dt.datetime, slices: int, now: dt.datetime) -> int:
    """How many slices have begun."""
    return sum(moment <= now for moment in due_times(start, end, slices))
