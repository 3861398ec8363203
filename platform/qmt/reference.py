"""The seam's second half: static data of a terminal (index weights, statements, bonds, funds, new issues).

Like `qmt.gateway`: frozen dataclasses cross it, never SDK objects. Money and ratios that decide are `Decimal`; the many figures of
a financial statement stay floats under the terminal's own field names. Dates are Shanghai dates; None where the terminal has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

Fact = str | int | float | None


class FinancialTable(StrEnum):
    """The terminal's financial tables (财务数据), by the names its download takes."""

    BALANCE = "Balance"
    INCOME = "Income"
    CASH_FLOW = "CashFlow"
    CAPITAL = "Capital"
    HOLDER_NUM = "HolderNum"
    TOP10_HOLDER = "Top10Holder"
    TOP10_FLOW_HOLDER = "Top10FlowHolder"
    PERSHARE_INDEX = "PershareIndex"


@dataclass(frozen=True, slots=True)
class FinancialRow:
    """One row of a financial table.

    Attributes
    ----------
    report_date : date
        End of the period reported (报告截止日).
    announced_on : date or None
        When it became public (公告日). Only this decides what was known on a day; None: the terminal does not say, and such a
        row must not be used in a point-in-time read.
    rank : int
        Place in a table of holders, 0 in every other table.
    values : mapping
        The remaining fields under the terminal's names; NaN is None.
    """

    symbol: str
    table: FinancialTable
    report_date: date
    announced_on: date | None
    rank: int
    values: Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class ConvertibleTerms:
    """Terms of one convertible bond as the terminal states them now; ``facts`` holds every field it gave."""

    symbol: str
    name: str
    underlying: str
    conversion_price: Decimal | None
    remaining_size: Decimal | None
    maturity_date: date | None
    conversion_start: date | None
    conversion_end: date | None
    facts: Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class EtfComponent:
    """One security of a fund's creation basket (申赎清单).

    ``quantity`` in shares per creation unit; ``substitute`` is the exchange's cash-substitution flag (现金替代标志); amounts in CNY;
    ratios as the list states them.
    """

    symbol: str
    name: str
    quantity: int
    substitute: int
    creation_premium: float
    creation_amount: float
    redemption_discount: float
    redemption_amount: float


@dataclass(frozen=True, slots=True)
class EtfBasket:
    """Creation and redemption list of one fund for one day; ``unit`` is the smallest creation in fund units."""

    symbol: str
    name: str
    trade_date: date | None
    unit: int
    nav: float
    cash_difference: float
    estimated_cash: float
    facts: Mapping[str, Fact]
    components: tuple[EtfComponent, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class IpoInfo:
    """One new issue (新股申购); quantities in shares, 0 or None where the terminal does not say."""

    symbol: str
    name: str
    subscription_code: str
    subscribe_on: date | None
    listed_on: date | None
    lottery_on: date | None
    pay_on: date | None
    price: Decimal | None
    issue_quantity: int
    online_quantity: int
    min_quantity: int
    max_quantity: int
    facts: Mapping[str, Fact]


class ReferenceGateway(Protocol):
    """Static data of the terminal a quote session is connected to. Every call raises `QueryFailed`, `QueryTimeout` or `TerminalDown`."""

    def refresh_lists(self) -> None:
        """Have the terminal fetch its lists anew: sectors, index weights, convertible bonds, fund baskets."""

    def members_on(self, sector: str, day: date) -> list[str]:
        """Members of a sector on a past day, as far as the terminal kept them; empty when it did not."""

    def index_weights(self, symbol: str) -> dict[str, Decimal]:
        """Today's weight in per cent per constituent; empty for what is no weighted index."""

    def download_financials(
        self, symbols: Sequence[str], tables: Sequence[FinancialTable], start: str, end: str
    ) -> None:
        """Have the terminal fetch statements announced between two ``YYYYMMDD`` days (empty: all).

        Raises
        ------
        DownloadFailed, DownloadTimeout, TerminalDown
        """

    def financials(self, symbols: Sequence[str], tables: Sequence[FinancialTable]) -> list[FinancialRow]:
        """Every row that has landed."""

    def convertibles(self, symbols: Sequence[str]) -> list[ConvertibleTerms]:
        """Terms of the bonds that the terminal knows."""

    def etf_baskets(self) -> list[EtfBasket]:
        """Today's creation baskets of every fund."""

    def ipos(self, start: str = "", end: str = "") -> list[IpoInfo]:
        """New issues whose subscription lies between two ``YYYYMMDD`` days, all without bounds."""
