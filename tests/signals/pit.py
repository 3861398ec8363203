"""A bench for signals: a plan, positions, quotes that come in, and a broker's hand."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import BrokerAccount
from marketdata.models import InstrumentDay
from marketdata.quotes.models import LatestQuote
from ops.clocks import wall_now
from qmt.calendar import SHANGHAI
from tests.execution.floor import Floor
from tests.orders.bench import MOUTAI, TODAY, Bench, host_ready
from trading.ledger.models import Position
from trading.orders.choices import Side
from trading.orders.models import Order, Trade
from trading.signals.engine import SignalEngine
from trading.signals.models import ExitPlan, PositionTrack, Signal
from trading.signals.screen import Findings
from trading.signals.services import exit_plan_set
from trading.signals.services.detections import signals_record

HOST = "sim"


class Pit:
    """One account with a plan, and an engine whose threads are the test's own."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.floor = Floor(bench)
        self.engine = SignalEngine()
        self.now = "10:00:00"
        self.prices: dict[str, float] = {}

    # --- our side
    def plan(self, **changes: Any) -> ExitPlan:
        wish: dict[str, Any] = {"user": self.bench.alice, "account_id": self.bench.account.pk, "enabled": True}
        return exit_plan_set(**(wish | changes))

    def automatic(self, *, on: bool = True) -> None:
        BrokerAccount.objects.filter(pk=self.bench.account.pk).update(auto_trading=on)

    def hold(
        self, quantity: int = 1000, cost: str = "10.00", symbol: str = MOUTAI, sellable: int | None = None
    ) -> Position:
        """The account holds shares that were opened elsewhere."""
        self.bench.hold(quantity, symbol, sellable)
        Position.objects.filter(symbol=symbol).update(
            avg_price=Decimal(cost), last_price=Decimal(cost), instrument_id=self.bench.instruments[symbol].pk
        )
        return Position.objects.get(account=self.bench.account, symbol=symbol)

    def bought(self, quantity: int, price: str, symbol: str = MOUTAI, side: Side = Side.BUY, **fields: Any) -> Trade:
        """A fill in the books."""
        values: dict[str, Any] = {
            "account": self.bench.account,
            "trade_date": TODAY,
            "exchange": symbol[-2:],
            "order_sysid": f"X{Trade.objects.count()}",
            "traded_id": f"X{Trade.objects.count()}",
            "symbol": symbol,
            "instrument_id": self.bench.instruments[symbol].pk,
            "side": side,
            "price": Decimal(price),
            "quantity": quantity,
            "amount": Decimal(price) * quantity,
            "traded_at": wall_now(),
            "received_at": wall_now(),
        }
        return Trade.objects.create(**(values | fields))

    def sync(self) -> None:
        """Have everything read again."""
        self.engine._next_full = 0.0
        self.engine.sync()

    def restart(self) -> None:
        """The engine ends in good order, and another one begins."""
        self.engine._store_memory()
        self.crash()

    def crash(self) -> None:
        """The engine is killed, and another one begins."""
        self.engine = SignalEngine()
        self.sync()

    # --- the market
    def at(self, text: str) -> None:
        """Set the market's time of day."""
        self.now = text
        offset = datetime.combine(TODAY, time.fromisoformat(text), SHANGHAI) - wall_now()
        host_ready(self.bench.team, clock_offset_ms=int(offset.total_seconds() * 1000))
        self.engine.sync()

    def quote(
        self, last: str, symbol: str = MOUTAI, *, stamp: str | None = None, host: str = HOST, **fields: Any
    ) -> list[Signal]:
        """One quote comes in, as the reading thread gets it; what it leads to is written and begun."""
        self.take(last, symbol, stamp=stamp, host=host, **fields)
        return self.write()

    def take(
        self, last: str, symbol: str = MOUTAI, *, stamp: str | None = None, host: str = HOST, **fields: Any
    ) -> None:
        price = float(last)
        self.prices[symbol] = price
        moment = datetime.combine(TODAY, time.fromisoformat(stamp or self.now), SHANGHAI)
        quote: dict[str, Any] = {
            "ts": int(moment.timestamp() * 1000),
            "last": price,
            "open": price,
            "high": price,
            "low": price,
            "pre_close": 10.0,
            "volume": 1000,
            "amount": 10000.0,
            "bid": [price - 0.01, 0, 0, 0, 0],
            "ask": [price + 0.01, 0, 0, 0, 0],
            "bidv": [100, 0, 0, 0, 0],
            "askv": [100, 0, 0, 0, 0],
            "status": 0,
        }
        quote |= fields
        self._store(symbol, quote, host)
        self.engine.quotes({"t": 0, "host": host, "q": {symbol: quote}})

    def _store(self, symbol: str, quote: dict[str, Any], host: str) -> None:
        """The data worker stores what it publishes: the checks of an order go by it."""
        names = ("ts", "last", "open", "high", "low", "pre_close", "volume", "amount", "bid", "ask", "status")
        LatestQuote.objects.update_or_create(
            instrument_id=self.bench.instruments[symbol].pk,
            defaults={name: quote[name] for name in names}
            | {"bid_volume": quote["bidv"], "ask_volume": quote["askv"], "received_at": quote["ts"], "host": host},
        )

    def write(self) -> list[Signal]:
        """What the writing thread does with what was found so far."""
        signals: list[Signal] = []
        while not self.engine._found.empty():
            findings = self.engine._found.get()
            assert isinstance(findings, Findings)
            before = set(Signal.objects.values_list("pk", flat=True))
            assert self.engine._write_one(findings, last=True)
            signals += Signal.objects.exclude(pk__in=before).order_by("pk")
        return signals

    def walk(self, *prices: str, symbol: str = MOUTAI) -> list[str]:
        """Prices a second apart; the kinds of signals they lead to, with the price of each."""
        kinds = []
        for price in prices:
            moment = datetime.combine(TODAY, time.fromisoformat(self.now)) + timedelta(seconds=1)
            self.now = moment.time().isoformat()
            kinds += [f"{signal.kind} {price}" for signal in self.quote(price, symbol)]
        return kinds

    # --- what is there
    @property
    def track(self) -> PositionTrack:
        return PositionTrack.objects.get(ended_at__isnull=True)

    @property
    def signal(self) -> Signal:
        return Signal.objects.latest("pk")

    def orders(self) -> list[Order]:
        return list(Order.objects.filter(source="SIGNAL").order_by("submitted_at"))

    def limits(self, up: str | None, down: str | None, symbol: str = MOUTAI, **fields: Any) -> None:
        InstrumentDay.objects.filter(instrument__symbol=symbol).update(
            limit_up=None if up is None else Decimal(up),
            limit_down=None if down is None else Decimal(down),
            **fields,
        )


def recorded(pit: Pit) -> list[Signal]:
    """Signals without beginning to carry them out."""
    signals = []
    while not pit.engine._found.empty():
        findings = pit.engine._found.get()
        assert findings is not None
        signals += signals_record(findings.hits)
    return signals
