"""What the tests of approval share: rules, an approver, the price that moves, time that passes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from accounts.choices import Role, TradeRight
from accounts.models import Grant, User
from marketdata.quotes.models import LatestQuote
from ops.clocks import wall_now
from qmt.calendar import to_ms
from tests.orders.bench import MARKET_NOW, MOUTAI, TODAY, Bench
from tests.people import TEST_ACTOR
from trading.orders.choices import Status
from trading.orders.models import Order
from trading.risk.models import ApprovalRule
from trading.risk.services.approval_rules import approval_rule_create


def set_rule(bench: Bench, **changes: Any) -> ApprovalRule:
    """Every order from 5,000 CNY on waits, unless told otherwise."""
    wish = {"scope": "PLATFORM", "min_value": "5000"} | changes
    return approval_rule_create(actor=TEST_ACTOR, user=bench.team.risk, wish=wish)


def make_approver(bench: Bench, name: str = "dora", **rights: Any) -> User:
    """A person who may approve on Alpha, and do nothing else there."""
    person = User.objects.create_user(name, password="correct horse battery", role=Role.TRADER)
    granted: dict[str, Any] = {"trade": TradeRight.NONE, "can_approve": True} | rights
    Grant.objects.create(user=person, account=bench.account, **granted)
    return person


def held(bench: Bench, **changes: Any) -> Order:
    """Alice buys 1,000 Moutai at 10.00, which waits."""
    order = bench.submit(**({"quantity": 1000} | changes))
    assert order.status == Status.PENDING_APPROVAL, order.deny_code
    return order


def quote(bench: Bench, last: str, symbol: str = MOUTAI) -> None:
    """The newest quote of the symbol."""
    price = float(Decimal(last))
    LatestQuote.objects.update_or_create(
        instrument_id=bench.instruments[symbol].pk,
        defaults={
            "ts": to_ms(TODAY, MARKET_NOW.time()),
            "received_at": int(wall_now().timestamp() * 1000),
            "last": price,
            "open": price,
            "high": price,
            "low": price,
            "pre_close": 10.0,
            "volume": 100,
            "amount": 1000.0,
            "bid": [price],
            "ask": [price],
            "bid_volume": [100],
            "ask_volume": [100],
            "status": 13,
        },
    )


def too_late(order: Order) -> None:
    """The time to decide is over."""
    Order.objects.filter(pk=order.pk).update(expires_at=wall_now() - timedelta(seconds=1))
