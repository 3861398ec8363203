"""From a terminal's own market-data shapes to the gateway's: field names, dtypes, and lots (手) to shares."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from qmt.calendar import Phase, date_of_ms
from qmt.codes import Board, CodeError, Kind, board_of, kind_of, parse_symbol
from qmt.gateway import ClockReading, DividendFactor, InstrumentDetail, Quote

LEVELS: Final = 5
SHARES_PER_LOT: Final = 100
BONDS_PER_LOT: Final = 10
NEVER_DELISTED: Final = 99_999_999

BAR_FIELDS: Final = (
    "time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "amount",
    "preClose",
    "suspendFlag",
)
"""What is asked for when bars are read."""

_BAR_COLUMNS: Final = (
    ("open", "open"),
    ("high", "high"),
    ("low", "low"),
    ("close", "close"),
    ("amount", "amount"),
    ("pre_close", "preClose"),
)
_TICK_COLUMNS: Final = (
    ("last", "lastPrice"),
    ("open", "open"),
    ("high", "high"),
    ("low", "low"),
    ("pre_close", "lastClose"),
    ("amount", "amount"),
)
_TRADING_STATUS: Final = "openInt"
_NOT_SUSPENDED: Final = 0


def volume_unit(symbol: str) -> int:
    """Shares (bonds: 张) in one lot of an instrument's bars and ticks, by its exchange's number plan.

    Codes that no plan knows (whole-market pushes contain many) count as shares.
    """
    try:
        board = board_of(parse_symbol(symbol))
    except CodeError:
        return SHARES_PER_LOT
    return BONDS_PER_LOT if board is Board.CONVERTIBLE else SHARES_PER_LOT


def instrument_kind(symbol: str) -> Kind:
    """Kind of an instrument by its exchange's number plan."""
    return kind_of(board_of(parse_symbol(symbol)))


def bars_frame(columns: Mapping[str, Any], unit: int) -> pd.DataFrame:
    """Bars as documented at `qmt.gateway.QuoteGateway.read_local`.

    Parameters
    ----------
    columns : mapping of str to array
        The terminal's fields (`BAR_FIELDS`), all of one length; ``volume`` in lots.
    unit : int
        Shares per lot.
    """
    frame: dict[str, npt.NDArray[Any]] = {"time": np.asarray(columns["time"], np.int64)}
    for name, field in _BAR_COLUMNS:
        frame[name] = np.asarray(columns[field], np.float64)
    frame["volume"] = _shares(columns["volume"], unit)
    frame["suspended"] = np.asarray(columns["suspendFlag"]).astype(np.int8)
    order = ("time", "open", "high", "low", "close", "volume", "amount", "pre_close", "suspended")
    return pd.DataFrame({name: frame[name] for name in order}, copy=False)


def ticks_frame(columns: Mapping[str, Any], unit: int) -> pd.DataFrame:
    """Ticks as documented at `qmt.gateway.QuoteGateway.read_ticks`.

    Parameters
    ----------
    columns : mapping of str to array or sequence
        The terminal's fields; the level fields hold five values a row, ``volume`` and level sizes in lots.
    """
    frame: dict[str, npt.NDArray[Any]] = {"time": np.asarray(columns["time"], np.int64)}
    for name, field in _TICK_COLUMNS:
        frame[name] = np.asarray(columns[field], np.float64)
    counted = np.asarray(columns["pvolume"], np.int64)
    frame["volume"] = np.where(counted > 0, counted, _shares(columns["volume"], unit))
    frame["pvolume"] = counted
    frame["transactions"] = np.asarray(columns["transactionNum"], np.int64)
    frame["status"] = np.asarray(columns[_TRADING_STATUS]).astype(np.int16)
    for name, field in (("bid", "bidPrice"), ("ask", "askPrice")):
        frame |= _levels(name, _matrix(columns[field], np.float64))
    for name, field in (("bid_volume", "bidVol"), ("ask_volume", "askVol")):
        frame |= _levels(name, _matrix(columns[field], np.int64) * unit)
    return pd.DataFrame(frame, copy=False)


def quote(symbol: str, tick: Mapping[str, Any], unit: int) -> Quote:
    """One pushed or asked snapshot."""
    counted = int(tick.get("pvolume") or 0)
    return Quote(
        symbol=symbol,
        ts=int(tick["time"]),
        last=float(tick["lastPrice"]),
        open=float(tick["open"]),
        high=float(tick["high"]),
        low=float(tick["low"]),
        pre_close=float(tick["lastClose"]),
        volume=counted or int(tick["volume"]) * unit,
        amount=float(tick["amount"]),
        bid=_five(tick["bidPrice"], 0.0),
        ask=_five(tick["askPrice"], 0.0),
        bid_volume=tuple(int(lots) * unit for lots in _five(tick["bidVol"], 0)),
        ask_volume=tuple(int(lots) * unit for lots in _five(tick["askVol"], 0)),
        status=int(tick.get(_TRADING_STATUS) or 0),
        pvolume=None if (counted_shares := tick.get("pvolume")) is None else int(counted_shares),
        transactions=None if (trades := tick.get("transactionNum")) is None else int(trades),
    )


def pushes(pushed: Mapping[str, Any], *, single: bool) -> Iterator[Mapping[str, Any]]:
    """Ticks per symbol, at most one each, in the order they came.

    A whole-market push is {symbol: tick}; a single subscription's is {symbol: [tick, …]}.
    """
    if not single:
        yield pushed
        return
    for symbol, ticks in pushed.items():
        for tick in ticks:
            yield {symbol: tick}


def instrument_detail(symbol: str, detail: Mapping[str, Any]) -> InstrumentDetail:
    """Facts of an instrument from the SDK's complete detail."""
    status = int(detail.get("InstrumentStatus") or 0)
    return InstrumentDetail(
        symbol=symbol,
        name=str(detail.get("InstrumentName") or ""),
        kind=instrument_kind(symbol),
        trade_date=_date(detail.get("TradingDay")),
        list_date=_date(detail.get("OpenDate")),
        delist_date=_date(detail.get("ExpireDate")),
        pre_close=_decimal(detail.get("PreClose")),
        limit_up=_decimal(detail.get("UpStopPrice")),
        limit_down=_decimal(detail.get("DownStopPrice")),
        tick=_decimal(detail.get("PriceTick")),
        volume_unit=volume_unit(symbol),
        suspended=status > _NOT_SUSPENDED,
        tradable=bool(detail.get("IsTrading")),
        min_limit_quantity=_whole(detail.get("MinLimitOrderVolume")),
        max_limit_quantity=_whole(detail.get("MaxLimitOrderVolume")),
        min_market_quantity=_whole(detail.get("MinMarketOrderVolume")),
        max_market_quantity=_whole(detail.get("MaxMarketOrderVolume")),
        float_volume=_whole(detail.get("FloatVolume")),
        total_volume=_whole(detail.get("TotalVolume")),
    )


def complete(detail: Mapping[str, Any]) -> dict[str, Any]:
    """A native instrument detail flattened as the SDK does for ``iscomplete=True``."""
    flat = {**{name: value for name, value in detail.items() if name != "ExtendInfo"}, **detail.get("ExtendInfo", {})}
    flat.setdefault("FloatVolume", flat.get("FloatVolumn"))
    flat.setdefault("TotalVolume", flat.get("TotalVolumn"))
    return flat


def clock_reading(document: Mapping[str, Any], wall_ms: int) -> ClockReading:
    """The market clock that a simulated terminal states, compared with a wall clock."""
    market_ms = int(document["market_time_ms"])
    return ClockReading(
        trade_date=dt.date.fromisoformat(document["trade_date"]),
        phase=Phase(document["phase"]),
        market_time_ms=market_ms,
        offset_ms=market_ms - wall_ms,
        simulated=bool(document["simulated"]),
    )


def real_phase(trade_date: dt.date, now: dt.datetime, phase: Phase) -> Phase:
    """Phase of a real market: the timetable's on the terminal's trade date, else closed."""
    return phase if trade_date == now.date() else Phase.CLOSED


def full_bounds(start: str, end: str) -> tuple[str, str]:
    """Bounds of 14 digits, as a read needs them; an empty one stays empty."""
    lower = start.ljust(14, "0") if start else ""
    upper = f"{end}235959" if len(end) == 8 else end
    return lower, upper


def day_of_stamp(stamp_ms: int) -> dt.date:
    """Shanghai date of an epoch stamp."""
    return date_of_ms(int(stamp_ms))


def day_of_text(text: str) -> dt.date:
    """Date written YYYYMMDD, anything behind it ignored."""
    return dt.date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def dividend_factor(symbol: str, day: str, row: Mapping[str, Any]) -> DividendFactor:
    """One ex-rights event from a row of the SDK's factor table."""
    return DividendFactor(
        symbol=symbol,
        date=day_of_text(day),
        interest=_decimal(row["interest"]),
        stock_bonus=_decimal(row["stockBonus"]),
        stock_gift=_decimal(row["stockGift"]),
        allot_num=_decimal(row["allotNum"]),
        allot_price=_decimal(row["allotPrice"]),
        gugai=_decimal(row["gugai"]),
        dr=_decimal(row["dr"]),
    )


def _shares(lots: Any, unit: int) -> npt.NDArray[np.int64]:
    counted: npt.NDArray[Any] = np.asarray(lots)
    if np.issubdtype(counted.dtype, np.floating):
        counted = np.rint(np.nan_to_num(counted) * unit)
        unit = 1
    shares: npt.NDArray[np.int64] = counted.astype(np.int64) * unit
    return shares


def _matrix(rows: Any, dtype: type[np.float64 | np.int64]) -> npt.NDArray[Any]:
    made = np.asarray(rows if isinstance(rows, np.ndarray) and rows.dtype != object else list(rows), dtype)
    return made.reshape(-1, LEVELS)


def _levels(name: str, matrix: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    return {f"{name}{level + 1}": np.ascontiguousarray(matrix[:, level]) for level in range(LEVELS)}


def _five(values: Sequence[Any], absent: Any) -> tuple[Any, ...]:
    return tuple(values[:LEVELS]) + (absent,) * (LEVELS - len(values))


def _decimal(value: Any) -> Decimal:
    """A price or ratio; absent ones and the SDK's huge "no limit" marks are 0."""
    number = float(value or 0.0)
    return Decimal(repr(round(number, 8))) if np.isfinite(number) and abs(number) < 1e12 else Decimal(0)


def _whole(value: Any) -> int:
    number = float(value or 0)
    return int(number) if np.isfinite(number) and 0 <= number < 2**62 else 0


def _date(value: Any) -> dt.date | None:
    """A date written YYYYMMDD; None for 0 and for "never"."""
    text = str(value or "")
    if len(text) != 8 or not text.isdigit() or int(text) == NEVER_DELISTED:
        return None
    try:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
