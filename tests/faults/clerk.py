"""The clerk's process: the platform's own services behind JSON lines (see `harness.Clerk`)."""

from __future__ import annotations

import json
import sys
import traceback
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import django

django.setup()

from django.db import connections  # noqa: E402
from django.db.models import Count, Sum  # noqa: E402

from accounts.actors import actor_for_user  # noqa: E402
from accounts.models import BrokerAccount, HostStatus, QmtHost, User  # noqa: E402
from accounts.services import account_auto_trading_set, account_halt, account_resume  # noqa: E402
from accounts.terminals import announced_address, userdata_folder  # noqa: E402
from marketdata.models import Instrument, InstrumentDay, RepairItem  # noqa: E402
from marketdata.quotes.models import QuoteSegment, RawQuote  # noqa: E402
from marketdata.services import MarketDataService  # noqa: E402
from marketdata.services.requests import DataRequest  # noqa: E402
from ops.audit import Actor  # noqa: E402
from ops.clocks import database_now, market_clock  # noqa: E402
from ops.errors import Conflict  # noqa: E402
from ops.models import Alert, ProcessHeartbeat  # noqa: E402
from trading.ledger.models import AccountBook, AssetSnapshot, Position  # noqa: E402
from trading.orders.models import Order, Trade  # noqa: E402
from trading.orders.services import order_cancel, order_submit  # noqa: E402
from trading.orders.states import OPEN  # noqa: E402
from trading.risk.models import RiskLimit  # noqa: E402
from trading.risk.services.limits import limit_update  # noqa: E402

ALPHA = "8000000001"
ORDER_FIELDS = (
    "id", "status", "tag", "broker_order_id", "order_sysid", "quantity", "traded_quantity", "deny_code",
    "message", "epoch", "submitted_at", "expires_at", "claimed_at", "sent_at", "cancel_requested_at",
    "cancel_sent_at", "reserved_cash", "reserved_quantity", "source", "symbol", "side",
)  # fmt: skip


def row(order: Order) -> dict[str, Any]:
    return {name: getattr(order, name) for name in ORDER_FIELDS} | {
        "events": list(order.events.order_by("seq").values_list("kind", flat=True)),
        "trades": Trade.objects.filter(order=order).count(),
    }


def account(account_no: str = ALPHA) -> BrokerAccount:
    return BrokerAccount.objects.get(account_no=account_no)


def quote_instrument(symbol: str) -> dict[str, Any]:
    """Ask the terminal for an instrument and store what it says, as the data worker would."""
    from qmt.sdk import open_quote_gateway

    host = QmtHost.objects.get(name="sim")
    gateway = open_quote_gateway(native="simulated")
    gateway.connect(announced_address(userdata_folder(host)))
    try:
        (detail,) = gateway.instruments([symbol])
        quote = gateway.full_tick([symbol])[symbol]
    finally:
        gateway.close()
    instrument(symbol, str(detail.limit_up), str(detail.limit_down), str(detail.pre_close))
    return {
        "limit_up": detail.limit_up,
        "limit_down": detail.limit_down,
        "pre_close": detail.pre_close,
        "last": quote.last,
    }


def instrument(symbol: str, limit_up: str, limit_down: str, pre_close: str) -> None:
    """State an instrument's facts as the data worker would."""
    day = market_clock("sim").trade_date
    found, _ = Instrument.objects.update_or_create(
        symbol=symbol,
        defaults={
            "name": symbol, "pinyin": "", "market": symbol[-2:], "board": "MAIN", "kind": "STOCK", "lot_size": 100,
            "min_quantity": 100, "quantity_step": 100, "tick": Decimal("0.01"), "volume_unit": 100,
            "list_date": date(2001, 8, 27), "t_plus": 1, "is_st": False, "max_limit_quantity": 1_000_000,
            "max_market_quantity": 1_000_000, "tradable": True, "updated_at": database_now(),
        },
    )  # fmt: skip
    InstrumentDay.objects.update_or_create(
        instrument=found,
        defaults={
            "trade_date": day, "pre_close": Decimal(pre_close), "limit_up": Decimal(limit_up),
            "limit_down": Decimal(limit_down), "suspended": False, "updated_at": database_now(),
        },
    )  # fmt: skip


def submit(order: dict[str, Any]) -> dict[str, Any]:
    alice = User.objects.get(username="alice")
    account_no = order.pop("account_no", ALPHA)
    submission = order_submit(user=alice, account_id=account(account_no).pk, **order)
    return row(Order.objects.get(pk=submission.order.pk))


def cancel(order_id: str) -> dict[str, Any]:
    alice = User.objects.get(username="alice")
    order_cancel(user=alice, order_id=UUID(order_id))
    return row(Order.objects.get(pk=order_id))


def cancel_open() -> int:
    """Have every open order cancelled; how many there were. One that ends meanwhile needs no cancel."""
    rows = list(Order.objects.filter(status__in=OPEN))
    for order in rows:
        with suppress(Conflict):
            cancel(str(order.pk))
    return len(rows)


def session() -> dict[str, Any]:
    found = HostStatus.objects.filter(host__name="sim").values().first()
    if found is None:
        return {"session_state": "DOWN", "alive": False}
    alive = bool(found["lease_holder"]) and found["lease_until"] is not None and found["lease_until"] > database_now()
    return {**found, "alive": alive}


def hold_books(state: str, opening: str) -> dict[str, Any]:
    """Compare our books with a copy of the terminal's state file; returns what is wrong, by kind."""
    from tests.faults.books import compare, own_cash, terminal_book

    book = terminal_book(Path(state), ALPHA)
    verdict = compare(account(), book)
    own = own_cash(Decimal(opening), account())
    if own != book.cash + book.frozen_cash:
        verdict.unexplained.append(f"{own} by our fills, {book.cash + book.frozen_cash} at the terminal")
    return vars(verdict)


def reconcile_age() -> str:
    """When the account was reconciled last."""
    return str(AccountBook.objects.values_list("reconciled_at", flat=True).get(account=account()))


def ensure(symbols: list[str], start: str, end: str, period: str) -> bool:
    """Have the data worker complete these bars; returns whether they are complete already."""
    request = DataRequest(symbols=symbols, period=period, start=start, end=end)
    return bool(MarketDataService("sim").ensure(request, wait_seconds=0).complete)


def repaired() -> dict[str, int]:
    """Rows that repairs have stored, and windows that wait for one."""
    rows = QuoteSegment.objects.aggregate(rows=Sum("rows"))["rows"] or 0
    return {
        "rows": rows + RawQuote.objects.count(),
        "waiting": RepairItem.objects.filter(status__in=("PENDING", "RUNNING")).count(),
    }


def limits_disabled() -> int:
    """Switch every limit off as an administrator does; how many there are."""
    admin = User.objects.get(username="admin")
    rows = list(RiskLimit.objects.filter(enabled=True))
    for limit in rows:
        limit_update(
            actor=actor_for_user(admin),
            user=admin,
            limit_id=limit.pk,
            version=limit.version,
            changes={"enabled": False},
        )
    return len(rows)


COMMANDS: dict[str, Any] = {
    "submit": submit,
    "instrument": instrument,
    "quote_instrument": quote_instrument,
    "account_id": lambda: account().pk,
    "order": lambda order_id: row(Order.objects.get(pk=order_id)),
    "orders": lambda: [row(order) for order in Order.objects.order_by("submitted_at")],
    "cancel": cancel,
    "session": session,
    "halt": lambda: account_halt(actor=Actor.system("test"), account=account()).epoch,
    "resume": lambda: account_resume(actor=Actor.system("test"), account=account()).epoch,
    "auto_trading": lambda: (
        account_auto_trading_set(actor=Actor.system("test"), account=account(), enabled=True).auto_trading
    ),
    "order_of": lambda key: row(Order.objects.get(client_order_id=key)),
    "book": lambda: AccountBook.objects.filter(account=account()).values().first(),
    "asset": lambda: AssetSnapshot.objects.filter(account=account()).values().first(),
    "positions": lambda: list(Position.objects.filter(account=account()).values()),
    "trades": lambda: list(Trade.objects.filter(account=account()).values()),
    "hold_books": hold_books,
    "reconcile_age": reconcile_age,
    "cancel_open": cancel_open,
    # What is measured or broken here is not what the limits are for.
    "limits_off": lambda: RiskLimit.objects.all().delete()[0],
    "limits_disabled": limits_disabled,
    "in_states": lambda states: Order.objects.filter(status__in=states).count(),
    "unnoted": lambda: Order.objects.filter(sent_at=None, reported_at__isnull=False).count(),
    "open_orders": lambda: Order.objects.filter(status__in=OPEN).count(),
    "orders_by_key": lambda: dict(Order.objects.values_list("client_order_id").annotate(n=Count("pk"))),
    "heartbeats": lambda: {row.name: [row.pid, row.last_loop_at.timestamp()] for row in ProcessHeartbeat.objects.all()},
    "alerts": lambda: list(Alert.objects.filter(cleared_at=None).values_list("kind", flat=True)),
    "counts": lambda: dict(Order.objects.values_list("status").annotate(n=Count("pk")).order_by("status")),
    "instruments": Instrument.objects.count,
    "ensure": ensure,
    "repaired": repaired,
    "reconcile": lambda: AccountBook.objects.update(reconcile_wanted_at=database_now()),
    "expire_lease": lambda: HostStatus.objects.update(lease_until=database_now() - timedelta(seconds=1)),
}


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": COMMANDS[request.pop("command")](**request)}
        except Exception as error:  # noqa: BLE001 -- the test reads it
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
            connections.close_all()  # as at the end of a web request: the next one opens its own
        print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    main()
