"""The SDK's ``xtdata`` over the platform: existing scripts change one import.

::

    from qmtdesk import xtdata  # instead of: from xtquant import xtdata

The platform is found by ``QMTDESK_URL`` and ``QMTDESK_TOKEN``, or named by `use`. Shapes, types, order and units are the
SDK's: times in epoch milliseconds, volumes in lots (手). Reads complete themselves, so ``download_history_data`` is not
needed, and harmless. What the platform does not keep raises `NotImplementedError` and names the address that has it; that
holds for single fields of a record as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from qmtdesk.errors import InvalidRequest, JobEnded, NotFound, StillDownloading
from qmtdesk.queries import SHANGHAI
from qmtdesk.xtdata import shapes
from qmtdesk.xtdata.connection import connect, disconnect, here, known, lot, pushing, reconnect, run, use
from qmtdesk.xtdata.names import NOT_COVERED
from qmtdesk.xtdata.pushes import Callback
from qmtdesk.xtdata.shapes import not_covered

__all__ = [
    "connect",
    "datetime_to_timetag",
    "disconnect",
    "download_financial_data",
    "download_financial_data2",
    "download_history_data",
    "download_history_data2",
    "download_holiday_data",
    "download_index_weight",
    "download_sector_data",
    "get_divid_factors",
    "get_financial_data",
    "get_full_tick",
    "get_holidays",
    "get_index_weight",
    "get_instrument_detail",
    "get_instrument_detail_list",
    "get_instrument_type",
    "get_local_data",
    "get_market_data",
    "get_market_data_ex",
    "get_market_last_trade_date",
    "get_sector_list",
    "get_stock_list_in_sector",
    "get_trading_calendar",
    "get_trading_dates",
    "reconnect",
    "run",
    "subscribe_quote",
    "subscribe_whole_quote",
    "timetag_to_datetime",
    "unsubscribe_quote",
    "use",
]

_PERIODS = {"1h": "60m"}
#: The Shanghai exchange opened on it.
FIRST_DAY = "19901219"


def _day(text: str) -> str | None:
    """The day of ``YYYYMMDD`` or ``YYYYMMDDHHMMSS``; None of blank text."""
    return text[:8] or None


# --------------------------------------------------------------------------------------------------------------- bars
def get_market_data_ex(
    field_list: Sequence[str] = (),
    stock_list: Sequence[str] = (),
    period: str = "1d",
    start_time: str = "",
    end_time: str = "",
    count: int = -1,
    dividend_type: str = "none",
    fill_data: bool = True,
) -> dict[str, pd.DataFrame]:
    """Bars: a DataFrame per instrument, times × fields. Completed first, the growing daily bar included.

    `fill_data` puts flat bars on days of a proven suspension; other holes are never filled.
    """
    terms = (field_list, stock_list, period, start_time, end_time, count, dividend_type, fill_data)
    return _bars("get_market_data_ex", *terms, wait=None)


def get_market_data(
    field_list: Sequence[str] = (),
    stock_list: Sequence[str] = (),
    period: str = "1d",
    start_time: str = "",
    end_time: str = "",
    count: int = -1,
    dividend_type: str = "none",
    fill_data: bool = True,
) -> dict[str, pd.DataFrame]:
    """Bars: a DataFrame per field, instruments × times."""
    terms = (field_list, stock_list, period, start_time, end_time, count, dividend_type, fill_data)
    return shapes.transposed(_bars("get_market_data", *terms, wait=None), field_list)


def get_local_data(
    field_list: Sequence[str] = (),
    stock_list: Sequence[str] = (),
    period: str = "1d",
    start_time: str = "",
    end_time: str = "",
    count: int = -1,
    dividend_type: str = "none",
    fill_data: bool = True,
    data_dir: str | None = None,
) -> dict[str, pd.DataFrame]:
    """As `get_market_data_ex`: what is local to the platform is complete."""
    terms = (field_list, stock_list, period, start_time, end_time, count, dividend_type, fill_data)
    return _bars("get_local_data", *terms, wait=None)


def _bars(
    function: str,
    field_list: Sequence[str],
    stock_list: Sequence[str],
    period: str,
    start_time: str,
    end_time: str,
    count: int,
    dividend_type: str,
    fill_data: bool,
    *,
    wait: float | None,
) -> dict[str, pd.DataFrame]:
    named = _PERIODS.get(period, period)
    if named not in ("1m", "5m", "15m", "30m", "60m", *shapes.DAILY):
        raise not_covered(f"the period {period} (ticks: Desk.ticks, GET /api/v1/ticks)", function)
    if not stock_list:
        return {}
    frame = here().bars(
        list(stock_list),
        named,
        start=start_time or None,
        end=end_time or None,
        count=count,
        adjust=dividend_type,
        fill="previous_close" if fill_data else "none",
        open_day=named in shapes.DAILY,
        wait=wait,
    )
    known(stock_list)
    groups = dict(tuple(frame.groupby("symbol", sort=False)))
    nothing = frame.iloc[:0]
    return {
        symbol: shapes.bar_frame(groups.get(symbol, nothing), field_list, named, lot(symbol)) for symbol in stock_list
    }


def download_history_data(
    stock_code: str,
    period: str,
    start_time: str = "",
    end_time: str = "",
    incrementally: bool | None = None,
) -> None:
    """Have the platform complete bars; returns when it has."""
    download_history_data2([stock_code], period, start_time, end_time, None, incrementally)


def download_history_data2(
    stock_list: Sequence[str],
    period: str,
    start_time: str = "",
    end_time: str = "",
    callback: Callable[[dict[str, Any]], object] | None = None,
    incrementally: bool | None = None,
) -> dict[str, dict[str, str]]:
    """Have the platform complete bars of several instruments, telling `callback` of the progress.

    The progress counts what the platform counts: instrument-days that are missing.

    Raises
    ------
    JobEnded
        It could not; the SDK would stay silent.
    """
    desk = here()
    started = desk.sync(list(stock_list), period, start=start_time or None, end=end_time or None)
    job = started.job
    while job is not None and not job.is_over:
        try:
            job = desk.follow(job, wait=1.0)
        except StillDownloading:
            job = desk.job(job.id)
        if callback is not None:
            callback({"finished": job.done, "total": job.total, "stockcode": "", "message": job.message})
    if job is not None and job.status != "DONE":
        raise JobEnded("JOB_ENDED", f"{job.status}: {job.error or job.message}", facts={"job": job.id})
    return {symbol: {"start_time": start_time, "end_time": end_time} for symbol in stock_list}


# ------------------------------------------------------------------------------------------------------------- quotes
def get_full_tick(code_list: Sequence[str]) -> dict[str, shapes.Partial]:
    """The newest snapshot of each instrument; whole markets (``["SH"]``) are `subscribe_whole_quote`'s."""
    markets = [code for code in code_list if "." not in code]
    if markets:
        raise not_covered(f"the market {markets[0]} at once", "get_full_tick")
    found = here().quotes(list(code_list)) if code_list else {}
    known(list(found))
    return {symbol: shapes.full_tick(found[symbol], lot(symbol)) for symbol in code_list if symbol in found}


def subscribe_quote(
    stock_code: str,
    period: str = "1d",
    start_time: str = "",
    end_time: str = "",
    count: int = 0,
    callback: Callback | None = None,
) -> int:
    """Have `callback` called with ``{symbol: [record]}`` at each tick, or each change of a ``1m`` or ``5m`` bar."""
    if period not in ("tick", "1m", "5m"):
        raise not_covered(f"a subscription to {period}", "subscribe_quote")
    if start_time or end_time or count:
        raise not_covered("history before the pushes (get_market_data_ex has it)", "subscribe_quote")
    known([stock_code])
    return pushing().subscribe(period, [stock_code], callback or _nobody)


def subscribe_whole_quote(code_list: Sequence[str], callback: Callback | None = None) -> int:
    """Have `callback` called with ``{symbol: snapshot}``; a market (``"SH"``) stands for all its instruments."""
    symbols = [code for code in code_list if "." in code]
    markets = set(code_list) - set(symbols)
    symbols = [*known(symbols), *(name for name in (known(None) if markets else ()) if name[-2:] in markets)]
    return pushing().subscribe("tick", symbols, callback or _nobody, whole=True)


def unsubscribe_quote(seq: int) -> None:
    """End a subscription."""
    pushing().unsubscribe(seq)


def _nobody(_news: dict[str, Any]) -> None:
    """The callback of a script that names none."""


# -------------------------------------------------------------------------------------------------------- static data
def get_instrument_detail(stock_code: str, iscomplete: bool = False) -> shapes.Partial | None:
    """Facts of an instrument on the present trade date; None when there is none of this code."""
    if iscomplete:
        raise not_covered("the complete form", "get_instrument_detail")
    try:
        return shapes.detail(here().instrument(stock_code))
    except (InvalidRequest, NotFound) as error:
        if error.code == "SYMBOL_UNKNOWN":
            return None
        raise


def get_instrument_detail_list(
    stock_list: Sequence[str],
    iscomplete: bool = False,
) -> dict[str, shapes.Partial | None]:
    """`get_instrument_detail` of each."""
    return {symbol: get_instrument_detail(symbol, iscomplete) for symbol in stock_list}


def get_instrument_type(stock_code: str, variety_list: Sequence[str] | None = None) -> dict[str, bool]:
    """``{"stock": True}``, ``etf``, ``bond`` or ``index``; with `variety_list` whether it is each of those."""
    return shapes.kinds(known([stock_code])[stock_code], variety_list)


def get_sector_list() -> list[str]:
    """Names of the sectors."""
    return [sector.name for sector in here().sectors()]


def get_stock_list_in_sector(sector_name: str, real_timetag: int | str = -1) -> list[str]:
    """Members of a sector, now or on a day (``20171209`` or epoch ms); none of a sector that does not exist."""
    on: str | None = None
    if isinstance(real_timetag, str):
        on = real_timetag or None
    elif real_timetag >= 0:
        on = shapes.compact(datetime.fromtimestamp(real_timetag / 1000, SHANGHAI).date())
    try:
        return [member.symbol for member in here().sector_members(sector_name, on=on)]
    except NotFound:
        return []


def get_index_weight(index_code: str) -> dict[str, float]:
    """Constituents of an index and their weights in per cent."""
    return {row.symbol: row.weight for row in here().index_weights(index_code)}


def get_trading_dates(market: str, start_time: str = "", end_time: str = "", count: int = -1) -> list[int]:
    """Trading days up to the present one, as epoch ms of their midnights; the last `count` of them."""
    calendar = here().calendar(market=market, start=_day(start_time) or FIRST_DAY, end=_day(end_time))
    days = [day for day in calendar.trading_days if day <= calendar.trade_date]
    return [shapes.millis(day) for day in (days if count < 0 else days[len(days) - min(count, len(days)) :])]


def get_market_last_trade_date(market: str) -> int:
    """The newest trading day, as epoch ms of its midnight."""
    return get_trading_dates(market, count=1)[-1]


def get_trading_calendar(market: str, start_time: str = "", end_time: str = "") -> list[str]:
    """Trading days as ``YYYYMMDD``, those to come included as far as holidays are published."""
    if market not in ("SH", "SZ"):
        raise not_covered(f"the calendar of {market}", "get_trading_calendar")
    days = here().calendar(market=market, start=_day(start_time) or FIRST_DAY, end=_day(end_time)).trading_days
    return [shapes.compact(day) for day in days]


def get_holidays() -> list[str]:
    """Published weekdays without trading, as ``YYYYMMDD``."""
    return [shapes.compact(day) for day in here().calendar(start="20000101").holidays]


def get_divid_factors(stock_code: str, start_time: str = "", end_time: str = "") -> pd.DataFrame:
    """Ex-rights events, indexed by their day."""
    return shapes.factor_frame(here().factors(stock_code, start=_day(start_time), end=_day(end_time)))


def get_financial_data(
    stock_list: Sequence[str],
    table_list: Sequence[str] = (),
    start_time: str = "",
    end_time: str = "",
    report_type: str = "report_time",
) -> dict[str, dict[str, pd.DataFrame]]:
    """Financial tables: ``{symbol: {table: DataFrame}}``, by the period's end or (``announce_time``) the announcement."""
    tables = here().financials(list(stock_list), list(table_list) or None) if stock_list else {}

    def keep(day: str) -> bool:
        return (not start_time or day >= start_time[:8]) and (not end_time or day <= end_time[:8])

    named = {table.lower(): frame for table, frame in tables.items()}
    result: dict[str, dict[str, pd.DataFrame]] = {}
    for symbol in stock_list:
        result[symbol] = {}
        for table in table_list or tables:
            frame = named.get(table.lower())
            rows = None if frame is None else frame[frame["symbol"] == symbol]
            if rows is None or rows.empty:
                result[symbol][table] = pd.DataFrame()
            else:
                result[symbol][table] = shapes.statement_frame(rows, keep, report_type)
    return result


def download_financial_data(
    stock_list: Sequence[str],
    table_list: Sequence[str] = (),
    start_time: str = "",
    end_time: str = "",
    incrementally: bool | None = None,
) -> None:
    """Nothing to do: the platform refreshes statements by itself (docs/static-data.md)."""
    here()


def download_financial_data2(
    stock_list: Sequence[str],
    table_list: Sequence[str] = (),
    start_time: str = "",
    end_time: str = "",
    callback: Callable[[dict[str, Any]], object] | None = None,
) -> None:
    """Nothing to do, as `download_financial_data`; the callback is told so."""
    here()
    if callback is not None:
        callback({"finished": len(stock_list), "total": len(stock_list), "stockcode": "", "message": ""})


def download_sector_data() -> None:
    """Nothing to do: the platform refreshes sectors by itself."""
    here()


def download_index_weight() -> None:
    """Nothing to do: the platform refreshes weights by itself."""
    here()


def download_holiday_data(incrementally: bool = True) -> None:
    """Nothing to do: the platform refreshes holidays by itself."""
    here()


# ---------------------------------------------------------------------------------------------------------------- times
def datetime_to_timetag(datetime: str, format: str = "%Y%m%d%H%M%S") -> float:
    """Shanghai time as text to epoch ms, whatever the machine's time zone."""
    chosen = "%Y%m%d" if len(datetime) == 8 else format
    return pd.to_datetime(datetime, format=chosen).tz_localize(SHANGHAI).timestamp() * 1000


def timetag_to_datetime(timetag: float, format: str) -> str:
    """Epoch ms to Shanghai time as text."""
    return datetime.fromtimestamp(timetag / 1000, SHANGHAI).strftime(format)


def __getattr__(name: str) -> Callable[..., Any]:
    """Functions that are not covered: there, so that a script fails where it calls them, with where to ask instead."""
    if name not in NOT_COVERED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def absent(*_args: object, **_kwargs: object) -> Any:
        raise not_covered(f"xtdata.{name} is not covered", name)

    absent.__name__ = absent.__qualname__ = name
    return absent
