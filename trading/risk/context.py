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
    live_allowed
        The installation's own switch for live trading.
    quote
        The newest stored quote of the instrument; None before the first. Its age is the reader's to judge.
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
        return self.asset.confirmed_cash - self.book.promised_cash

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
