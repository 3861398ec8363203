"""A quote host that says exactly what a test has it say, and a fed terminal that follows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import cast

from qmt.calendar import phase_at, time_of_ms
from qmt.codes import Kind
from qmt.errors import TerminalDown
from qmt.gateway import ClockReading, DividendFactor, InstrumentDetail, Quote, QuoteCallback, QuoteGateway, Side
from qmt.pricetypes import FIX_PRICE
from qmt.terminal.fed import FedExchange, FedMarket
from qmt.terminal.fedfeed import Feed
from qmt.terminal.inprocess import default_calendar
from qmt.terminal.state import StateStore
from qmt.terminal.types import AccountConfig, OrderTicket, OrderView, SubmitResult, TradeEvent, TradeView
from tests.terminal.desk import ALPHA, DAY, at

SYMBOL, OTHER = "600001.SH", "600002.SH"
CONTINUOUS, BREAK, AUCTION, CLOSING, CLOSED = 13, 14, 12, 18, 15
Level = tuple[float, int]


def detail(symbol: str, day: dt.date) -> InstrumentDetail:
    """Facts of a share at 10.00 with limits of ten per cent."""
    return InstrumentDetail(
        symbol=symbol,
        name="平盘",
        kind=Kind.STOCK,
        trade_date=day,
        list_date=dt.date(2015, 1, 5),
        delist_date=None,
        pre_close=Decimal("10.00"),
        limit_up=Decimal("11.00"),
        limit_down=Decimal("9.00"),
        tick=Decimal("0.01"),
        volume_unit=100,
        suspended=False,
        tradable=True,
        min_limit_quantity=100,
        max_limit_quantity=1_000_000,
        min_market_quantity=100,
        max_market_quantity=1_000_000,
        float_volume=0,
        total_volume=0,
    )


def snapshot(
    now_ms: int,
    *,
    asks: Sequence[Level] = (),
    bids: Sequence[Level] = (),
    last: float = 10.0,
    volume: int = 1000,
    status: int = CONTINUOUS,
    open_: float = 10.0,
) -> Quote:
    """One snapshot of `SYMBOL`; sizes in shares."""
    ask, bid = ([*levels, *[(0.0, 0)] * (5 - len(levels))] for levels in (asks, bids))
    return Quote(
        symbol=SYMBOL,
        ts=now_ms,
        last=last,
        open=open_,
        high=last,
        low=last,
        pre_close=10.0,
        volume=volume,
        amount=last * volume,
        bid=tuple(price for price, _ in bid),
        ask=tuple(price for price, _ in ask),
        bid_volume=tuple(size for _, size in bid),
        ask_volume=tuple(size for _, size in ask),
        status=status,
    )


@dataclass
class Source:
    """The host: its clock, its link, what it shows. ``simulated`` is what it says of itself."""

    now_ms: int
    trade_date: dt.date = DAY
    simulated: bool = False
    is_up: bool = True
    known_date: dt.date = DAY
    """The date whose facts it states."""
    factor_rows: list[DividendFactor] = field(default_factory=list)
    callback: QuoteCallback | None = None
    present: Quote | None = None

    def connect(self, address: str) -> None:
        self._answer()
        if self.callback is not None and self.present is not None:
            self.callback({SYMBOL: self.present})

    def close(self) -> None:
        """Nothing to end."""

    def market_clock(self) -> ClockReading:
        self._answer()
        return ClockReading(self.trade_date, phase_at(time_of_ms(self.now_ms)), self.now_ms, 0, self.simulated)

    def full_tick(self, symbols: Sequence[str]) -> dict[str, Quote]:
        self._answer()
        return dict.fromkeys((SYMBOL, OTHER, "204001.SH"), self.present or snapshot(self.now_ms))

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentDetail]:
        self._answer()
        return [detail(symbol, self.known_date) for symbol in symbols]

    def trading_days(self, market: str, start: str, end: str) -> list[dt.date]:
        first, last = (dt.datetime.strptime(text, "%Y%m%d").date() for text in (start, end))  # noqa: DTZ007
        return default_calendar().between(first, last)

    def factors(self, symbol: str) -> list[DividendFactor]:
        return [row for row in self.factor_rows if row.symbol == symbol]

    def subscribe_quotes(self, targets: Sequence[str], callback: QuoteCallback) -> int:
        self.callback = callback
        if self.present is not None:
            callback({SYMBOL: self.present})
        return 1

    def _answer(self) -> None:
        if not self.is_up:
            raise TerminalDown("the host is away")


class FedDesk:
    """A fed exchange with its source, and few words to trade on it."""

    def __init__(
        self, time: str = "10:00:00", *, day: dt.date = DAY, simulated: bool = False, state: str = ":memory:"
    ) -> None:
        self.source = Source(at(time, day), trade_date=day, known_date=day, simulated=simulated)
        self.seconds = 0.0
        self.feed = Feed(
            "live1",
            gateway=cast(QuoteGateway, self.source),
            address=lambda: "127.0.0.1:1",
            monotonic=lambda: self.seconds,
        )
        assert self.feed.poll()
        self.market = FedMarket(self.feed, default_calendar())
        self.store = StateStore(state, identity=self.market.identity)
        self.exchange = FedExchange(market=self.market, store=self.store, accounts=[AccountConfig(ALPHA)])
        self.feed.follow_holdings(lambda: {one.symbol for one in self.exchange.positions(ALPHA) if one.quantity})

    def show(self, **changes: object) -> None:
        """The source shows a snapshot now."""
        self.source.present = snapshot(self.source.now_ms, **changes)  # type: ignore[arg-type]
        if self.source.callback is not None and self.source.is_up:
            self.source.callback({SYMBOL: self.source.present})
        self.exchange.step()

    def wait(self, seconds: float) -> None:
        """Time passes for everybody; the feed is polled each half second."""
        self.source.now_ms += round(seconds * 1000)
        self.seconds += seconds
        self.feed.poll()
        self.exchange.step()

    def until(self, time: str, day: dt.date = DAY) -> None:
        """Go to a moment."""
        self.wait((at(time, day) - self.source.now_ms) / 1000)

    def order(self, side: Side, quantity: int, price: str) -> SubmitResult:
        return self.exchange.submit(OrderTicket(ALPHA, SYMBOL, side, quantity, FIX_PRICE, Decimal(price)))

    def buy(self, quantity: int, price: str) -> int:
        result = self.order(Side.BUY, quantity, price)
        assert result.accepted, result.message
        return result.order_id

    def view(self, order_id: int) -> OrderView:
        return next(view for view in self.exchange.orders(ALPHA) if view.order_id == order_id)

    def fills(self) -> list[tuple[Decimal, int]]:
        """(price, shares) of today's fills, in order."""
        return [(trade.price, trade.quantity) for trade in self.trades()]

    def trades(self) -> list[TradeView]:
        return self.exchange.trades(ALPHA)

    def told_fills(self) -> int:
        """Fills told since the last call."""
        return sum(isinstance(event, TradeEvent) for event in self.exchange.drain_events())

    def next_day(self, day: dt.date, *, known: bool = True) -> None:
        """The source's trade date changes at 08:30; its facts with it, or not yet."""
        self.source.trade_date = day
        if known:
            self.source.known_date = day
        self.source.present = self.source.present and replace(self.source.present)
        self.until("08:30:00", day)
