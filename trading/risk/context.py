"""What a pre-trade check looks at: plain facts, read before, judged without a database."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from accounts.choices import SessionState
from accounts.models import BrokerAccount
from marketdata.models import Instrument, InstrumentDay
from marketdata.quotes.models import LatestQuote
from ops.clocks import MarketClock
from qmt.gateway import PriceType, Side
from trading.ledger.models import AccountBook, AssetSnapshot, Position
from trading.risk.facts import LimitFacts

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class CheckContext:
    """One order and everything that decides about it.

    Attributes
    ----------
    day
        The instrument's facts of the market clock's trade date; None when the stored
        ones are of another date.
    reserved_quantity
        Shares of this instrument promised to other sells that the broker's figure does
        not contain yet.
    pledged_cash
        What orders that are judged together with this one, and go before it, take of the account's cash.
    live_allowed
        The installation's own switch for live trading.
    quote
        The newest stored quote of the instrument; None before the first. Its age is the reader's to judge.
    facts
        What the configurable limits look at; None: there is none to ask.
    flattening
        The order carries out a kill switch's decision to sell: no trading state and no limit of
        ours stands against it, every rule of the market does.
    """

    account: BrokerAccount
    session_state: SessionState
    clock: MarketClock
    instrument: Instrument
    day: InstrumentDay | None
    book: AccountBook
    asset: AssetSnapshot | None
    position: Position | None
    reserved_quantity: int
    side: Side
    quantity: int
    price_type: PriceType
    price: Decimal | None
    live_allowed: bool = False
    quote: LatestQuote | None = None
    pledged_cash: Decimal = ZERO
    facts: LimitFacts | None = None
    flattening: bool = False

    @property
    def is_buy(self) -> bool:
        return self.side is Side.BUY

    @property
    def worst_price(self) -> Decimal | None:
        """What a share may cost at most: the (protection) limit, or limit-up where the market decides."""
        if self.price_type is PriceType.LIMIT or self.price is not None:
            return self.price
        return None if self.day is None else self.day.limit_up

    @property
    def available_cash(self) -> Decimal:
        """The broker's figure less everything of ours that it cannot contain yet."""
        if self.asset is None:
            return ZERO
        return self.asset.confirmed_cash - self.book.promised_cash - self.pledged_cash

    @property
    def available_quantity(self) -> int:
        """Shares that may be sold now (T+1 is in the broker's figure), less what is promised."""
        if self.position is None:
            return 0
        sellable = self.position.confirmed_sellable - self.position.unconfirmed_sold
        return max(0, sellable - self.reserved_quantity)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What an accepted order takes aside."""

    cash: Decimal = ZERO
    quantity: int = 0
