"""The platform's answers in the SDK's shapes: names, types, order and units (lots, not shares)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from qmtdesk.live.messages import LiveBar
from qmtdesk.models import Instrument, Quote
from qmtdesk.queries import SHANGHAI

FUNCTIONS = "/api/v1/qmt/functions"

#: Columns of a bar and their types, as the SDK has them. `settelementPrice` is its own spelling.
BAR_TYPES: dict[str, Any] = {
    "time": "int64",
    "open": "float64",
    "high": "float64",
    "low": "float64",
    "close": "float64",
    "volume": "int64",
    "amount": "float64",
    "settelementPrice": "float64",
    "openInterest": "int32",
    "preClose": "float64",
    "suspendFlag": "int32",
}
DAILY = frozenset({"1d", "1w", "1mon", "1q", "1y"})
_KINDS = {"STOCK": "stock", "ETF": "etf", "CONVERTIBLE": "bond", "INDEX": "index"}


def not_covered(what: str, function: str) -> NotImplementedError:
    """What this façade does not have, and where it can be asked for."""
    return NotImplementedError(f"{what}: ask POST {FUNCTIONS}/{function}")


class Partial(dict[str, Any]):
    """A record of the SDK with the fields that the platform knows; any other says where it can be had."""

    def __init__(self, function: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._function = function

    def __missing__(self, name: str) -> Any:
        raise not_covered(f"the field {name}", self._function)


def millis(value: date) -> int:
    """Shanghai midnight of a day as epoch milliseconds."""
    return int(datetime(value.year, value.month, value.day, tzinfo=SHANGHAI).timestamp() * 1000)


def compact(value: date) -> str:
    """A date as the SDK writes it, YYYYMMDD."""
    return value.strftime("%Y%m%d")


def labels(stamps: pd.Series, period: str) -> pd.Index:
    """``20260105`` of days and longer, ``20260105093100`` of minutes."""
    texts = stamps.dt.strftime("%Y%m%d" if period in DAILY else "%Y%m%d%H%M%S")
    found: pd.Index = pd.Index(texts.to_numpy(), dtype="str")
    return found


def bar_frame(rows: pd.DataFrame, fields: Sequence[str], period: str, lot: int) -> pd.DataFrame:
    """One instrument's bars as `get_market_data_ex` has them.

    Settlement price and open interest are 0, as a terminal answers for securities.
    """
    stamps = rows["time"]
    columns = {
        "time": stamps.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[ms]").astype("int64"),
        **{name: rows[name].to_numpy("float64") for name in ("open", "high", "low", "close")},
        "volume": rows["volume"].to_numpy("int64") // lot,
        "amount": rows["amount"].to_numpy("float64"),
        "settelementPrice": np.zeros(len(rows)),
        "openInterest": np.zeros(len(rows)),
        "preClose": rows["pre_close"].to_numpy("float64"),
        "suspendFlag": rows["suspended"].to_numpy("int64"),
    }
    wanted = list(fields) or list(BAR_TYPES)
    unknown = [name for name in wanted if name not in columns]
    if unknown:
        raise not_covered(f"the field {unknown[0]}", "get_market_data_ex")
    return pd.DataFrame({name: columns[name].astype(BAR_TYPES[name]) for name in wanted}, index=labels(stamps, period))


def transposed(frames: Mapping[str, pd.DataFrame], fields: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Per field a DataFrame of instruments × times, as `get_market_data` has them; float64 throughout."""
    wanted = list(fields) or list(BAR_TYPES)
    times = sorted(set().union(*(frame.index for frame in frames.values()))) if frames else []
    columns = pd.Index(times, dtype="str")
    return {
        field: pd.DataFrame(
            [frame[field].astype("float64").reindex(columns).to_numpy() for frame in frames.values()],
            index=pd.Index(list(frames), dtype="str"),
            columns=columns,
        )
        for field in wanted
    }


def tick(quote: Quote, lot: int) -> Partial:
    """A snapshot as pushes have it."""

    def lots(shares: Sequence[int]) -> list[int]:
        return [size // lot for size in shares]

    volume = quote.volume or 0
    known = {
        "time": quote.ts,
        "lastPrice": quote.last,
        "open": quote.open,
        "high": quote.high,
        "low": quote.low,
        "lastClose": quote.pre_close,
        "amount": quote.amount,
        "volume": volume // lot,
        "pvolume": volume,
        "stockStatus": quote.status,
        "openInt": quote.status,
        "askPrice": list(quote.ask),
        "bidPrice": list(quote.bid),
        "askVol": lots(quote.ask_volume),
        "bidVol": lots(quote.bid_volume),
    }
    return Partial("get_full_tick", known)


def full_tick(quote: Quote, lot: int) -> Partial:
    """A snapshot as `get_full_tick` has it: with its time as text."""
    stamp = datetime.fromtimestamp(quote.ts / 1000, SHANGHAI).strftime("%Y%m%d %H:%M:%S")
    return Partial("get_full_tick", {"timetag": stamp, **tick(quote, lot)})


def live_bar(bar: LiveBar, lot: int) -> Partial:
    """A growing bar as `subscribe_quote` pushes it."""
    known = {
        "time": bar.ts,
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "volume": bar.volume // lot,
        "amount": bar.amount,
        "settelementPrice": 0.0,
        "openInterest": 0,
        "suspendFlag": 0,
    }
    return Partial("get_full_kline", known)


def detail(row: Instrument) -> Partial:
    """What `get_instrument_detail` says, as far as the platform keeps it."""

    def day(value: date | None, absent: str) -> str:
        return absent if value is None else compact(value)

    def price(value: Any) -> float:
        return 0.0 if value is None else float(value)

    code, _, market = row.symbol.partition(".")
    known = {
        "ExchangeID": market,
        "InstrumentID": code,
        "InstrumentName": row.name,
        "ExchangeCode": code,
        "UniCode": code,
        "OpenDate": day(row.list_date, "0"),
        "ExpireDate": day(row.delist_date, "99999999"),
        "TradingDay": day(row.trade_date, ""),
        "PreClose": price(row.pre_close),
        "UpStopPrice": price(row.limit_up),
        "DownStopPrice": price(row.limit_down),
        "PriceTick": float(row.tick),
        "IsTrading": row.tradable and not row.suspended,
    }
    return Partial("get_instrument_detail", known)


def kinds(row: Instrument, variety_list: Sequence[str] | None) -> dict[str, bool]:
    """What `get_instrument_type` says: the kinds that hold, or each of those asked about."""
    own = _KINDS[row.kind]
    return {own: True} if not variety_list else {name: name == own for name in variety_list}


def factor_frame(rows: pd.DataFrame) -> pd.DataFrame:
    """Ex-rights events of one instrument as `get_divid_factors` has them."""
    if rows.empty:
        return pd.DataFrame()
    names = ("interest", "stockBonus", "stockGift", "allotNum", "allotPrice", "gugai", "dr")
    own = ("interest", "stock_bonus", "stock_gift", "allot_num", "allot_price", "gugai", "dr")
    times = [float(millis(stamp.date())) for stamp in rows["date"]]
    columns = {"time": times, **{name: rows[mine].to_numpy() for name, mine in zip(names, own, strict=True)}}
    return pd.DataFrame(columns, index=pd.Index(rows["date"].dt.strftime("%Y%m%d").to_numpy(), dtype="str"))


def statement_frame(rows: pd.DataFrame, keep: Callable[[str], bool], by: str) -> pd.DataFrame:
    """Rows of one financial table as `get_financial_data` has them, those whose `by` day is kept."""
    known = rows.drop(columns=["symbol", "report_date", "announced_on"])
    ended = rows["report_date"].dt.strftime("%Y%m%d")
    told = rows["announced_on"].dt.strftime("%Y%m%d").fillna(ended)
    known.insert(0, "m_anntime", told)
    known.insert(0, "m_timetag", ended)
    chosen = known["m_anntime" if by == "announce_time" else "m_timetag"].map(keep)
    found: pd.DataFrame = known[chosen.astype(bool)].reset_index(drop=True)
    return found
