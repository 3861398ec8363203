"""What the limits look at: read before, in a handful of queries, judged without a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Final

from accounts.choices import TradingState
from qmt.gateway import Side
from trading.risk.limits import Limit

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Usage:
    """One subject's counters of the day, see `trading.risk.models.Tally`."""

    orders: int = 0
    cancels: int = 0
    turnover: Decimal = ZERO
    in_last_second: int = 0
    opening_equity: Decimal | None = None
    peak_equity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Working:
    """One order that has not ended. `price` is None where the market decides it.

    `worth` is what the rest of it may still come to in CNY: at its price, or what was reserved for it.
    """

    account_id: int
    symbol: str
    side: Side
    price: Decimal | None
    quantity: int
    remaining: int
    at: datetime
    worth: Decimal = ZERO
    user_id: int | None = None
    strategy: str = ""

    @property
    def key(self) -> tuple[str, Side, Decimal | None, int]:
        """What makes another order the same order again."""
        return self.symbol, self.side, self.price, self.quantity

    @property
    def subjects(self) -> tuple[str, ...]:
        """Everybody who counts it as their own."""
        return (
            f"a:{self.account_id}",
            f"u:{self.user_id}",
            f"ua:{self.user_id}:{self.account_id}",
            f"s:{self.strategy}",
        )


@dataclass(frozen=True, slots=True)
class Sum:
    """Several working orders together: how many, and what they may still come to."""

    count: int = 0
    worth: Decimal = ZERO

    def plus(self, order: Working) -> Sum:
        return Sum(self.count + 1, self.worth + order.worth)


_NOTHING: Final = Sum()


@dataclass(frozen=True)
class LimitFacts:
    """The limits that apply to one order, and everything they are held against.

    Attributes
    ----------
    version
        The word under which limits and approval rules are held.
    limits
        Those that apply, in the order of the checks.
    working
        Orders that have not ended: of the account, of its owner's other accounts in this symbol, and
        of the person or strategy where a limit counts over accounts.
    recent
        Orders of the person in this symbol placed lately, ended or not.
    positions
        Market value of each holding of the account.
    bought
        Shares of this instrument bought or being bought today on the account.
    listed_days
        Number of this trading day since the listing (first day = 1); None when unknown.
    """

    at: datetime
    trade_date: date
    version: str = ""
    user_id: int | None = None
    strategy: str = ""
    owner_accounts: frozenset[int] = frozenset()
    platform_state: TradingState = TradingState.ACTIVE
    user_state: TradingState = TradingState.ACTIVE
    limits: tuple[Limit, ...] = ()
    usage: Mapping[str, Usage] = field(default_factory=dict)
    working: tuple[Working, ...] = ()
    recent: tuple[Working, ...] = ()
    positions: Mapping[str, Decimal] = field(default_factory=dict)
    bought: int = 0
    listed_days: int | None = None

    @cached_property
    def working_of(self) -> Mapping[str, Sum]:
        """The working orders of each subject: added up once, however many limits ask."""
        sums: dict[str, Sum] = {}
        for order in self.working:
            for subject in order.subjects:
                sums[subject] = sums.get(subject, _NOTHING).plus(order)
        return sums

    @cached_property
    def buys_of(self) -> Mapping[tuple[int, str], Decimal]:
        """What the working buys of an account in a symbol may still come to."""
        sums: dict[tuple[int, str], Decimal] = {}
        for order in self.working:
            if order.side is Side.BUY:
                key = (order.account_id, order.symbol)
                sums[key] = sums.get(key, ZERO) + order.worth
        return sums

    @cached_property
    def held(self) -> Decimal:
        """Market value of all holdings of the account."""
        return sum(self.positions.values(), ZERO)

    def used(self, subject: str) -> Usage:
        """A subject's counters; zeros before its first order of the day."""
        return self.usage.get(subject) or Usage()
