"""Market data: bars and ticks as DataFrames, quotes, instruments, calendar and static data."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from qmtdesk.errors import StillDownloading
from qmtdesk.flows.jobs import follow
from qmtdesk.flows.pages import json_of, pages, rows
from qmtdesk.frames import ARROW, frame_of
from qmtdesk.models import Calendar, Coverage, Instrument, Member, Pending, Quote, Sector, Weight, parsed, typed
from qmtdesk.queries import Moment, Symbols, batches, given
from qmtdesk.steps import Flow, Request, Settings, ask

#: How long the platform may hold a request before it answers with a job: from then on there is progress to show.
HOLD_SECONDS = 3.0
#: What a request may take beyond that.
READ_SECONDS = 120.0
#: Each turn completes what the turn before could not know; a history that needs more is not getting complete.
MAX_TURNS = 10
SYMBOLS_PER_REQUEST = 400


def bars(
    settings: Settings,
    symbols: Symbols,
    period: str = "1d",
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    count: int = -1,
    adjust: str = "none",
    fields: Symbols | None = None,
    fill: str = "none",
    open_day: bool = False,
    wait: float | None = None,
) -> Flow[pd.DataFrame]:
    """Bars, complete: what the platform lacks it downloads and verifies first.

    Parameters
    ----------
    symbols
        ``"600519.SH"``, ``"600519"``, ``"600519,000001"`` or a list of them.
    period
        ``1m 5m 15m 30m 60m 1d 1w 1mon 1q 1y``, or ``tick``.
    start, end
        Both included: text as the platform takes it, dates, or datetimes (without a zone: Shanghai's).
    count
        The last so many bars of each instrument; -1 for all.
    adjust
        ``none front back front_ratio back_ratio``.
    fields
        Columns besides symbol and time; all when None.
    fill
        ``previous_close`` for flat bars on days of a proven suspension.
    open_day
        Add the open day's daily bar so far.
    wait
        Seconds to follow a download, with a progress bar; None to its end.

    Returns
    -------
    DataFrame
        Columns ``symbol``, ``time`` (timestamps of Asia/Shanghai; midnight of a day, right edge of minutes), ``open``,
        ``high``, ``low``, ``close`` (CNY), ``volume`` (shares), ``amount`` (CNY), ``pre_close``, ``suspended``, in the order
        asked. ``attrs["desk"]`` says how complete it is and where it comes from.

    Raises
    ------
    StillDownloading
        `wait` is over; the download goes on.
    JobEnded
        Somebody cancelled the download.

    Warns
    -----
    IncompleteData
        The source could not deliver everything that the calendar expects.
    """
    query = given(
        period=period,
        start=start,
        end=end,
        count=count,
        adjust=adjust,
        fields=None if fields is None else next(batches(fields, 100), ""),
        fill=fill,
        open_day=open_day,
    )
    return (yield from _series(settings, "/bars", symbols, query, wait))


def ticks(
    settings: Settings,
    symbols: Symbols,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    count: int = -1,
    fields: Symbols | None = None,
    wait: float | None = None,
) -> Flow[pd.DataFrame]:
    """Five-level snapshots in the order of the symbols, then of time; of the last trading day without `start`.

    Sizes and volume are in shares. As `bars` otherwise.
    """
    chosen = None if fields is None else next(batches(fields, 100), "")
    query = given(start=start, end=end, count=count, fields=chosen)
    return (yield from _series(settings, "/ticks", symbols, query, wait))


def _series(
    settings: Settings, path: str, symbols: Symbols, query: dict[str, str], wait: float | None
) -> Flow[pd.DataFrame]:
    contents: list[bytes] = []
    # Without symbols the platform says what it thinks of that.
    for batch in list(batches(symbols, SYMBOLS_PER_REQUEST)) or [""]:
        content = yield from _complete(settings, path, {"symbols": batch, **query}, wait)
        contents += [content]
    return frame_of(contents)


def _complete(settings: Settings, path: str, query: dict[str, str], wait: float | None) -> Flow[bytes]:
    """The Arrow stream of a request; follows the downloads that it needs."""
    hold = HOLD_SECONDS if wait is None else min(HOLD_SECONDS, wait)
    request = Request("GET", path, {**query, "wait": f"{hold:g}"}, accept=ARROW, timeout_seconds=hold + READ_SECONDS)
    for _turn in range(MAX_TURNS):
        reply = yield from ask(settings, request)
        if reply.status != 202:
            return reply.content
        pending = parsed(Pending, reply.content)
        yield from follow(settings, pending.job, wait=wait)
    raise StillDownloading("STILL_DOWNLOADING", f"after {MAX_TURNS} downloads", facts={"job": pending.job.id})


def quotes(settings: Settings, symbols: Symbols) -> Flow[dict[str, Quote]]:
    """The newest snapshot of each symbol; symbols without one are absent."""
    found: dict[str, Quote] = {}
    for batch in list(batches(symbols, SYMBOLS_PER_REQUEST)) or [""]:
        reply = yield from ask(settings, Request("GET", "/quotes", {"symbols": batch}))
        results = typed(list[Quote], json_of(reply.content)["results"])
        found |= {quote.symbol: quote for quote in results}
    return found


def instruments(settings: Settings, q: str = "", *, kind: str | None = None, limit: int = 50) -> Flow[list[Instrument]]:
    """Instruments by the start of a code, of pinyin initials or part of a name; all of them without `q`."""
    query = given(q=q or None, kind=kind, limit=limit)
    reply = yield from ask(settings, Request("GET", "/instruments", query))
    return typed(list[Instrument], json_of(reply.content)["results"])


def instrument(settings: Settings, symbol: str) -> Flow[Instrument]:
    """One instrument with the facts of its latest trade date."""
    reply = yield from ask(settings, Request("GET", f"/instruments/{symbol}"))
    return parsed(Instrument, reply.content)


def calendar(
    settings: Settings, *, market: str = "SH", start: Moment | None = None, end: Moment | None = None
) -> Flow[Calendar]:
    """Trading days and holidays (of the market's year unless told otherwise), the market's date, time and phase."""
    query = given(market=market, start=start, end=end)
    reply = yield from ask(settings, Request("GET", "/calendar", query))
    return parsed(Calendar, reply.content)


def sectors(settings: Settings, *, on: date | str | None = None) -> Flow[list[Sector]]:
    """The sectors of a day, by name."""
    return (yield from pages(settings, "/sectors", Sector, given(on=on), limit=None))


def sector_members(settings: Settings, name: str, *, on: date | str | None = None) -> Flow[list[Member]]:
    """Who belonged to a sector on a day, those included that left later."""
    return (yield from pages(settings, f"/sectors/{name}/members", Member, given(on=on), limit=None))


def index_weights(settings: Settings, index: str, *, on: date | str | None = None) -> Flow[list[Weight]]:
    """Constituents of an index on a day with their weights in per cent."""
    return (yield from pages(settings, "/index-weights", Weight, given(index=index, on=on), limit=None))


def factors(
    settings: Settings, symbols: Symbols, *, start: Moment | None = None, end: Moment | None = None
) -> Flow[pd.DataFrame]:
    """Ex-rights events: symbol, date, interest, stock_bonus, stock_gift, allot_num, allot_price, gugai, dr."""
    query = given(start=start, end=end)
    found = yield from _by_batches(settings, "/factors", symbols, query)
    names = ["symbol", "date", "interest", "stock_bonus", "stock_gift", "allot_num", "allot_price", "gugai", "dr"]
    frame = pd.DataFrame(found, columns=names)
    frame["date"] = pd.to_datetime(frame["date"])
    return frame.astype(dict.fromkeys(names[2:], "float64"))


def financials(
    settings: Settings,
    symbols: Symbols,
    tables: Symbols | None = None,
    *,
    as_of: date | str | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
) -> Flow[dict[str, pd.DataFrame]]:
    """Rows of financial statements whose period ends between two days.

    Parameters
    ----------
    as_of
        Only what was public on this day, the latest announcement of each period; None for every announcement.

    Returns
    -------
    dict
        A DataFrame per table: symbol, report_date, announced_on, then the table's own columns.
    """
    query = given(tables=None if tables is None else next(batches(tables, 100), ""), as_of=as_of, start=start, end=end)
    found = yield from _by_batches(settings, "/financials", symbols, query)
    by_table: dict[str, list[dict[str, Any]]] = {}
    for row in found:
        head = {name: row[name] for name in ("symbol", "report_date", "announced_on")}
        by_table.setdefault(row["table"], []).append({**head, **row["values"]})
    frames = {}
    for table, records in by_table.items():
        frame = pd.DataFrame(records)
        for name in ("report_date", "announced_on"):
            frame[name] = pd.to_datetime(frame[name])
        frames[table] = frame
    return frames


def _by_batches(settings: Settings, path: str, symbols: Symbols, query: dict[str, str]) -> Flow[list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []
    for batch in list(batches(symbols, SYMBOLS_PER_REQUEST)) or [""]:
        found += yield from rows(settings, path, {"symbols": batch, **query}, limit=None)
    return found


def coverage(
    settings: Settings,
    symbols: Symbols | None = None,
    period: str = "1d",
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    state: str = "any",
    limit: int | None = None,
) -> Flow[list[Coverage]]:
    """What is stored, proven not to exist, and missing, per instrument; `state` ``missing`` for those with holes."""
    query = given(
        symbols=None if symbols is None else next(batches(symbols, 10_000), ""),
        period=period,
        start=start,
        end=end,
        state=state,
    )
    return (yield from pages(settings, "/coverage", Coverage, query, limit=limit))
