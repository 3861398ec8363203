"""Reference data in the shapes the SDK's native modules return: instrument details, calendar, sectors, factors."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from qmt import rules
from qmt.calendar import Phase, date_of_ms, midnight_ms
from qmt.codes import Kind
from qmt.terminal.faults import FaultAction, FaultPlan
from qmt.terminal.history import bound_ms
from qmt.terminal.market import Market
from qmt.terminal.types import DayFacts, Instrument

_OPEN_END: Final = 99_999_999
_STATUS_NORMAL: Final = 0
_STATUS_SUSPENDED: Final = 1
_MARKETS: Final = ("SH", "SZ", "BJ")
# (status of the SDK's documentation of get_trading_period, begin, end) as HHMMSS.
_SESSIONS: Final = ((2, 91500, 92500), (3, 93000, 113000), (3, 130000, 145700), (8, 145700, 150000))


class ReferenceDesk:
    """Answers reference reads for one market."""

    def __init__(self, market: Market, faults: FaultPlan) -> None:
        self._market = market
        self._faults = faults

    def instrument_detail(self, symbol: str, day: dt.date) -> dict[str, Any] | None:
        """Native detail of an instrument on a trade date; None for an unknown symbol."""
        instrument = self._market.instrument(symbol)
        if instrument is None:
            return None
        return _detail(instrument, self._market.day_facts(symbol, day), day)

    def instrument_types(self, symbol: str) -> dict[str, bool]:
        """Native type flags; empty for an unknown symbol."""
        instrument = self._market.instrument(symbol)
        if instrument is None:
            return {}
        kind = instrument.kind
        return {
            "index": kind is Kind.INDEX,
            "stock": kind is Kind.STOCK,
            "fund": kind is Kind.ETF,
            "etf": kind is Kind.ETF,
            "bond": kind is Kind.CONVERTIBLE,
        }

    def sectors(self, day: dt.date) -> list[str]:
        """Names of the sectors on a trade date."""
        return list(self._market.sectors(day))

    def sector_members(self, name: str, day: dt.date) -> list[str]:
        """Members of a sector on a day; a wrong name gives an empty list without a word, as the terminal does."""
        sectors = self._market.sectors(day)
        if self._faults.take(name, FaultAction.EMPTY_SECTOR) is not None:
            return []
        if self._faults.take(name, FaultAction.WRONG_SECTOR) is not None:
            return next((list(members) for other, members in sectors.items() if other != name), [])
        return list(sectors.get(name, ()))

    def index_weights(self, symbol: str, day: dt.date) -> dict[str, float]:
        """Weights of an index in per cent on a trade date."""
        return dict(self._market.index_weights(symbol, day))

    def trading_dates(self, market: str, start: str, end: str, count: int, last: dt.date) -> list[int]:
        """Trading days up to ``last`` as midnight stamps; an unknown market has none."""
        if market not in _MARKETS:
            return []
        first = max(_date(start), self._market.history_start) if start else self._market.history_start
        until = min(_date(end), last) if end else last
        days = [midnight_ms(day) for day in self._market.calendar.between(first, until)]
        return days if count < 0 else days[len(days) - min(count, len(days)) :]

    def coming_dates(self, last: dt.date) -> list[int]:
        """Trading days of the following year, the terminal's guess included."""
        following = self._market.calendar.between(last + dt.timedelta(days=1), last + dt.timedelta(days=366))
        return [midnight_ms(day) for day in following]

    def holidays(self, last: dt.date) -> list[int]:
        """Closed weekdays from the history's first year to the end of the present one, as YYYYMMDD numbers."""
        start = dt.date(self._market.history_start.year, 1, 1)
        days = self._market.calendar.holidays(start, dt.date(last.year, 12, 31))
        return [int(day.strftime("%Y%m%d")) for day in days]

    def factors(self, symbol: str, start: str, end: str, last: dt.date) -> dict[str, dict[str, float]]:
        """Ex-rights rows per ``YYYYMMDD``."""
        low = midnight_ms(_date(start)) if start else 0
        high = midnight_ms(min(_date(end), last) if end else last)
        rows = self._market.factors(symbol)
        chosen = rows[(rows["time"] >= low) & (rows["time"] <= high)]
        names = chosen.dtype.names or ()
        return {_day_text(int(row["time"])): {name: row[name].item() for name in names} for row in chosen}

    def trading_period(self, symbol: str) -> dict[str, Any]:
        """Sessions of an instrument in the shape of the SDK's documentation; empty for an unknown symbol."""
        instrument = self._market.instrument(symbol)
        if instrument is None:
            return {}
        return _sessions(str(instrument.market))

    def trading_periods(self) -> list[dict[str, Any]]:
        """Sessions of every market, each in the shape of `trading_period`."""
        return [_sessions(market) for market in _MARKETS]


def _sessions(market: str) -> dict[str, Any]:
    tradings = [{"status": status, "time": [0, [begin, 0], [end, 1]]} for status, begin, end in _SESSIONS]
    return {"market": market, "codeRegex": "", "product": [], "category": [], "tradings": tradings}


def clock_document(trade_date: dt.date, phase: Phase, now_ms: int) -> dict[str, Any]:
    """The market clock, which only a simulated terminal can be asked for."""
    return {
        "trade_date": trade_date.isoformat(),
        "phase": str(phase),
        "market_time_ms": now_ms,
        "simulated": True,
    }


def _detail(instrument: Instrument, facts: DayFacts | None, day: dt.date) -> dict[str, Any]:
    code, _, market = instrument.symbol.partition(".")
    lots = rules.lot_rule(instrument.board, day)
    suspended = facts is None or facts.suspended
    return {
        "ExchangeID": market,
        "InstrumentID": code,
        "InstrumentName": facts.name if facts else instrument.name,
        "ProductID": "",
        "ProductName": "",
        "ProductType": "",
        "ExchangeCode": code,
        "UniCode": code,
        "CreateDate": 0,
        "OpenDate": _number(instrument.list_date),
        "ExpireDate": _number(instrument.delist_date) if instrument.delist_date else _OPEN_END,
        "TradingDay": _number(day),
        "PreClose": facts.pre_close_milli / 1000 if facts else 0.0,
        "SettlementPrice": 0.0,
        "UpStopPrice": facts.limit_up_milli / 1000 if facts and facts.limit_up_milli else 0.0,
        "DownStopPrice": facts.limit_down_milli / 1000 if facts and facts.limit_down_milli else 0.0,
        "FloatVolumn": float(instrument.float_shares),  # sic: the SDK corrects the spelling
        "TotalVolumn": float(instrument.total_shares),
        "LongMarginRatio": 0.0,
        "ShortMarginRatio": 0.0,
        "PriceTick": instrument.tick_milli / 1000,
        "VolumeMultiple": 1,
        "MainContract": 0,
        "LastVolume": 0,
        "InstrumentStatus": _STATUS_SUSPENDED if suspended else _STATUS_NORMAL,
        "IsTrading": instrument.tradable and not suspended,
        "IsRecent": False,
        "ExtendInfo": {
            "OptionType": -1,
            "MinLimitOrderVolume": lots.minimum if lots else 0,
            "MaxLimitOrderVolume": lots.limit_most if lots else 0,
            "MinMarketOrderVolume": lots.minimum if lots else 0,
            "MaxMarketOrderVolume": lots.market_most if lots else 0,
        },
    }


def _date(text: str) -> dt.date:
    return date_of_ms(bound_ms(text[:8], upper=False))


def _number(day: dt.date) -> int:
    return int(day.strftime("%Y%m%d"))


def _day_text(stamp_ms: int) -> str:
    return date_of_ms(stamp_ms).strftime("%Y%m%d")
