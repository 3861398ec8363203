"""The seeded market: about sixty instruments over all boards whose whole history follows from one number."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from qmt.calendar import TradingCalendar
from qmt.codes import Board, Kind, Market
from qmt.reference import FinancialTable
from qmt.terminal.catalogue import LISTINGS, Listing, instrument_of
from qmt.terminal.chance import key_of
from qmt.terminal.company import Company
from qmt.terminal.generator import Profile
from qmt.terminal.market import Basis
from qmt.terminal.pathmarket import PathMarket
from qmt.terminal.products import Products
from qmt.terminal.types import CorporateAction

HISTORY_START = dt.date(2020, 1, 2)
_RULES_DAY = dt.date(2026, 1, 5)  # ticks are those of today on the whole history: no instrument changes its step midway


class SeededMarket(PathMarket):
    """Deterministic market.

    Parameters
    ----------
    seed
        Everything follows from it.
    calendar
        Trading days; one more published year never changes the days before it.
    """

    kind = "seeded"
    interpolated = False
    basis = Basis.RAW

    def __init__(self, *, seed: int, calendar: TradingCalendar) -> None:
        self._seed = seed
        self._listings = {listing.symbol: listing for listing in LISTINGS}
        self._products = Products(seed, LISTINGS, calendar, HISTORY_START)
        profiles = [_profile(listing, seed, calendar) for listing in LISTINGS]
        super().__init__(profiles, seed=seed, calendar=calendar)

    @property
    def identity(self) -> str:
        """The seed."""
        return f"seeded-{self._seed}"

    @property
    def history_start(self) -> dt.date:
        """First day of the history."""
        return HISTORY_START

    def first_session(self, wall_date: dt.date) -> dt.date:
        """Today when it is a trading day, else the next one."""
        return self.calendar.on_or_after(wall_date)

    def sectors(self, day: dt.date | None = None) -> Mapping[str, Sequence[str]]:
        """Boards, exchanges, funds, bonds, indices and industries (板块); on a day, of those listed by then."""
        csi_300 = self.index_weights("000300.SH", day)
        result: dict[str, list[str]] = {name: [] for name in ("沪深A股", "沪深京A股", "上证A股", "深证A股", "京市A股")}
        for instrument in self.instruments():
            symbol = instrument.symbol
            if day is not None and instrument.list_date > day:
                continue
            names = [f"SW1{self._listings[symbol].industry}"]
            if instrument.kind is Kind.STOCK:
                names = [*names, "沪深京A股", _EXCHANGE_SECTOR[instrument.market]]
                if instrument.market is not Market.BJ:
                    names.append("沪深A股")
            names.extend(_BOARD_SECTORS.get(instrument.board, ()))
            if instrument.kind in (Kind.INDEX, Kind.CONVERTIBLE, Kind.ETF):
                names = names[1:]
            if symbol in csi_300:
                names.append("沪深300")
            for name in names:
                result.setdefault(name, []).append(symbol)
        return result

    def index_weights(self, symbol: str, day: dt.date | None = None) -> Mapping[str, float]:
        """CSI 300 and SSE 50: their members here, weighted by market value at the base prices."""
        return self._products.index_weights(symbol, day)

    def financials(self, symbol: str, table: FinancialTable, until: dt.date) -> Sequence[Mapping[str, Any]]:
        """Invented statements of a share; see `qmt.terminal.company`."""
        listing = self._listings.get(symbol)
        if listing is None or self._by_symbol[symbol].kind is not Kind.STOCK:
            return ()
        return Company(self._seed, listing).rows(table, until)

    def bond_facts(self, symbol: str, day: dt.date) -> Mapping[str, Any]:
        """Terms of the two convertibles."""
        return self._products.bond_facts(symbol, day)

    def basket_records(self, market: str, day: dt.date) -> Sequence[Mapping[str, Any]]:
        """Creation baskets of the funds."""
        return self._products.basket_records(market, day)

    def new_issues(self, day: dt.date) -> Sequence[Mapping[str, Any]]:
        """Subscriptions of the catalogue's new listings."""
        return self._products.new_issues(day)


_EXCHANGE_SECTOR = {Market.SH: "上证A股", Market.SZ: "深证A股", Market.BJ: "京市A股"}
_BOARD_SECTORS: dict[Board, tuple[str, ...]] = {
    Board.CHINEXT: ("创业板",),
    Board.STAR: ("科创板",),
    Board.BSE: ("北交所",),
    Board.ETF: ("沪深ETF", "沪深基金"),
    Board.CONVERTIBLE: ("沪深转债",),
    Board.INDEX: ("沪深指数",),
}


def _profile(listing: Listing, seed: int, calendar: TradingCalendar) -> Profile:
    instrument = instrument_of(listing, _RULES_DAY)
    is_new = instrument.list_date > HISTORY_START
    step = instrument.tick_milli
    base = round(listing.price * 1000 / step) * step
    # Old listings start somewhere around their base price, new ones at an issue price below it.
    share = 0.62 if is_new else 0.75 + key_of(seed, listing.symbol, "start") % 1000 / 2500
    if instrument.kind is not Kind.STOCK:
        share = 1.0 if is_new else 0.9 + key_of(seed, listing.symbol, "start") % 1000 / 5000
    return Profile(
        instrument=instrument,
        start=calendar.on_or_after(max(HISTORY_START, instrument.list_date)),
        start_close_milli=max(round(base * share / step) * step, step),
        base_milli=base,
        volatility=listing.volatility,
        typical_lots=listing.daily_lots,
        beta=0.97 if instrument.kind is Kind.INDEX else 0.6,
        is_st="st" in listing.traits,
        is_wide_fund="wide" in listing.traits,
        is_eventful="eventful" in listing.traits,
        actions=_Dividends(listing, seed) if listing.pays or "allot" in listing.traits else None,
    )


class _Dividends:
    """Yearly corporate actions of one listing: an ex-date between mid-May and mid-July."""

    def __init__(self, listing: Listing, seed: int) -> None:
        self._listing, self._seed = listing, seed

    def __call__(self, calendar: TradingCalendar, year: int) -> list[CorporateAction]:
        listing = self._listing
        draw = key_of(self._seed, listing.symbol, "dividend", year)
        ex_date = calendar.on_or_after(dt.date(year, 5, 15) + dt.timedelta(days=draw % 60))
        cash = (Decimal(str(listing.pays)) * (90 + draw // 60 % 25) / 100).quantize(Decimal("0.001"))
        gift = bonus = ratio = price = Decimal(0)
        if "gift" in listing.traits and draw // 1500 % 3 == 0:
            gift = Decimal(2 + draw // 4500 % 4) / 10
        elif "gift" in listing.traits and draw // 1500 % 3 == 1:
            bonus = Decimal("0.1")
        if "allot" in listing.traits and year % 4 == 2:
            ratio = Decimal("0.3")
            price = (Decimal(str(listing.price)) * Decimal("0.7")).quantize(Decimal("0.01"))
        return [CorporateAction(listing.symbol, ex_date, cash, bonus, gift, ratio, price)]
