"""How long one reconciliation of a very busy day takes.

An account with 20,000 orders and 50,000 fills of one date in the database, and a terminal that answers with exactly
these (a synthetic gateway: the SDK's own transport is not part of it). Timed is a whole round: questions, sorting
out what is known, money and holdings, comparison of orders, fills, shares and cash.

    PYTHONPATH=platform:. python -m benchmarks.orders.reconcile                                SQLite
    PYTHONPATH=platform:. python -m tests.postgres python -m benchmarks.orders.reconcile       PostgreSQL

cold      the first round of a session: nothing is remembered, everything is read and compared
again     the next round of the same session
missed    a round that finds fills nobody told about (`--missed`, 500): booked, entered, compared
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

GOAL_SECONDS = 5.0
SYMBOL, PRICE = "600519.SH", Decimal("10.00")
SESSION = "bench"


@dataclass
class Terminal:
    """Answers every question from tuples that were made before."""

    orders: tuple[Any, ...]
    trades: tuple[Any, ...]
    asset: Any
    positions: tuple[Any, ...]

    def query_orders(self, account: Any, *, timeout_seconds: float) -> tuple[Any, ...]:
        return self.orders

    def query_trades(self, account: Any, *, timeout_seconds: float) -> tuple[Any, ...]:
        return self.trades

    def query_asset(self, account: Any, *, timeout_seconds: float) -> Any:
        return self.asset

    def query_positions(self, account: Any, *, timeout_seconds: float) -> tuple[Any, ...]:
        return self.positions


def prepare() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    for alias in ("default", "quotes"):
        call_command("migrate", database=alias, verbosity=0)


def fill_day(orders: int, trades: int, missed: int) -> tuple[Any, Terminal, Any]:
    """Store a day of finished orders; the last `missed` fills are the terminal's only."""
    from accounts.models import BrokerAccount, QmtHost
    from marketdata.models import Instrument
    from ops.clocks import wall_now
    from qmt.calendar import Phase, to_ms
    from qmt.gateway import AssetUpdate, ClockReading, OrderUpdate, PositionUpdate, Side, TradeUpdate
    from trading.ledger.choices import EntryKind
    from trading.ledger.entries import Posting
    from trading.ledger.journal import account_journal
    from trading.ledger.models import AccountBook
    from trading.orders.models import Order, Trade

    day = datetime(2026, 11, 20, tzinfo=UTC).date()
    at_ms = to_ms(day, datetime(2026, 11, 20, 10, 0, tzinfo=UTC).time())
    host = QmtHost.objects.create(name="sim")
    account = BrokerAccount.objects.create(host=host, account_no="8000000001", name="Alpha")
    instrument = Instrument.objects.create(
        symbol=SYMBOL, name="x", market="SH", board="MAIN", kind="STOCK", lot_size=100, min_quantity=100, quantity_step=100,
        tick=Decimal("0.01"), volume_unit=100, max_limit_quantity=1_000_000, max_market_quantity=1_000_000,
        tradable=True, updated_at=wall_now(),
    )  # fmt: skip
    per_order = -(-trades // orders)
    now = wall_now() - timedelta(minutes=5)
    rows = [
        Order(
            account=account, source="API", symbol=SYMBOL, instrument_id=instrument.pk, side="BUY", price_type="LIMIT",
            price=PRICE, quantity=100 * per_order, status="FILLED", epoch=1, trade_date=day, host_name="sim",
            simulated=True, tag=f"B{number:015d}", session_key=SESSION, seen_session=SESSION,
            broker_order_id=str(number + 1), order_sysid=f"S{number + 1}", broker_status=56, submitted_at=now,
            expires_at=now, reported_at=now, final_at=now,
        )
        for number in range(orders)
    ]  # fmt: skip
    told: list[Any] = []
    fills: list[Trade] = []
    for number in range(trades):
        row = rows[number % orders]
        told.append(
            TradeUpdate(account.account_no, row.tag or "", int(row.broker_order_id), row.order_sysid, f"T{number}",
                        SYMBOL, Side.BUY, PRICE, 100, PRICE * 100, at_ms)
        )  # fmt: skip
        if number < trades - missed:
            row.traded_quantity += 100
            fills.append(
                Trade(account=account, order=row, trade_date=day, exchange="SH", order_sysid=row.order_sysid,
                      traded_id=f"T{number}", symbol=SYMBOL, side="BUY", price=PRICE, quantity=100, amount=PRICE * 100,
                      traded_at=now, received_at=now)
            )  # fmt: skip
    shares: dict[str, int] = {}
    for update in told:
        shares[update.tag] = shares.get(update.tag, 0) + 100
    for row in rows:
        row.broker_traded_quantity = row.quantity = shares.get(row.tag or "", 0) or 100
        if row.traded_quantity < row.quantity:
            row.status, row.broker_status = "PARTIALLY_FILLED", 55
    Order.objects.bulk_create(rows, batch_size=500)
    Trade.objects.bulk_create(fills, batch_size=500)
    AccountBook.objects.create(account=account, ledger_since=day, open_trade_date=day)
    bought = 100 * (trades - missed)
    with account_journal(account.pk) as journal:
        journal.post(
            Posting(day, EntryKind.OPENING, "opening", cash=Decimal(10**9)),
            Posting(day, EntryKind.TRADE, "bench", symbol=SYMBOL, side="BUY", quantity=bought, price=PRICE, cash=-PRICE * bought),
        )  # fmt: skip
    spent = PRICE * 100 * trades
    zero = Decimal(0)
    terminal = Terminal(
        orders=tuple(
            OrderUpdate(account.account_no, row.tag or "", int(row.broker_order_id), row.order_sysid, SYMBOL, Side.BUY,
                        row.quantity, PRICE, row.quantity, PRICE, 56, "", at_ms)
            for row in rows
        ),
        trades=tuple(told),
        asset=AssetUpdate(account.account_no, Decimal(10**9) - spent, zero, spent, Decimal(10**9)),
        positions=(
            PositionUpdate(account.account_no, SYMBOL, 100 * trades, 0, 0, 100 * trades, 0, PRICE, PRICE, PRICE, spent),
        ),
    )  # fmt: skip
    return account, terminal, ClockReading(day, Phase.CONTINUOUS, at_ms, 0, True)


def run(orders: int, trades: int, missed: int) -> dict[str, float]:
    """Seconds per kind of round."""
    from trading.ledger.models import Difference
    from trading.orders.models import Trade
    from trading.orders.runtime.config import RuntimeConfig
    from trading.orders.runtime.reconcile import Reconciler
    from trading.orders.runtime.session import OpenSession

    account, terminal, reading = fill_day(orders, trades, missed)
    asked: list[object] = []
    reconciler = Reconciler(config=RuntimeConfig(), reading=lambda: reading, on_result=asked.append)
    session = OpenSession(1, SESSION, 1, time.time_ns(), terminal)  # type: ignore[arg-type]
    seconds = {}
    names = ["missed", "again"] if missed else ["cold", "again"]
    for name in names:
        began = time.perf_counter()
        verdict = reconciler.account(account, session)
        seconds[name] = time.perf_counter() - began
        print(f"  {name:<8} {seconds[name]:6.2f} s   {verdict.name}")
    if Difference.objects.exists() or Trade.objects.count() != trades:
        raise SystemExit(f"not reconciled: {Difference.objects.count()} differences, {Trade.objects.count()} fills")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--trades", type=int, default=50_000)
    parser.add_argument("--missed", type=int, default=0)
    given = parser.parse_args()
    state = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    os.environ |= {"DESK_ENV": "test", "DESK_STATE_DIR": str(state), "TZ": "Asia/Shanghai"}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "desk.settings")
    try:
        prepare()
        from django.db import connection

        print(f"{given.orders:,} orders, {given.trades:,} fills, {given.missed:,} of them missed, {connection.vendor}")
        seconds = run(given.orders, given.trades, given.missed)
        cold = seconds.get("cold")
        if cold is not None:
            print(f"  goal {GOAL_SECONDS:.0f} s: {'holds' if cold <= GOAL_SECONDS else 'MISSED'}")
    finally:
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
