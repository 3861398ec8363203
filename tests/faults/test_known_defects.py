"""Defects that other systems of this field have, each with the proof that this one does not.

Over the in-process terminal and the whole order path. Each test names the defect in its first line.
"""

from __future__ import annotations

import time
from datetime import time as moment
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import BrokerAccount, QmtHost
from tests.faults.rig import ALPHA, BETA, BOTH_DATABASES, SYMBOL, Rig, until
from trading.ledger.models import AssetSnapshot, Position
from trading.orders.models import Order, Trade
from trading.orders.services import order_submit

pytestmark = [pytest.mark.faults, BOTH_DATABASES]

ORDERS = "/api/v1/orders"


def place_large(rig: Rig) -> tuple[Order, int]:
    """An order larger than the best offer: it fills in part and rests. Returns it and the filled shares."""
    quote = rig._quotes.full_tick([SYMBOL])[SYMBOL]
    offered = int(quote.ask_volume[0])
    order_id = rig.buy(offered // 100 * 100 + 500, price=Decimal(str(quote.ask[0])))
    rig.until_status(order_id, "PARTIALLY_FILLED")
    until(lambda: rig.booked(order_id) > 0, what="the first fill")
    return rig.order(order_id), rig.booked(order_id)


@pytest.fixture
def rich(rig: Rig) -> Rig:
    """Enough money for a large order of a dear stock."""
    with rig.terminal.terminal.lock:
        rig.terminal.exchange._broker.book(ALPHA).account.cash_cents = 10**13  # type: ignore[union-attr]
    return rig


def test_part_fill_does_not_end_tracking(rich: Rig) -> None:
    """A part fill that ends tracking: the rest fills, or is cancelled, unseen."""
    rich.start()
    order, filled = place_large(rich)
    rich.cancel(order.pk)
    ended = rich.until_status(order.pk, "PARTIALLY_CANCELLED", "FILLED")
    assert ended.traded_quantity >= filled
    assert ended.final_at is not None


def test_part_cancelled_order_keeps_and_books_its_fills(rich: Rig) -> None:
    """A part-cancelled order (53) whose fills are never booked: here even the fills' own pushes are lost."""
    rich.start()
    rich.terminal.arm("lose", "push:trade", count=-1)
    quote = rich._quotes.full_tick([SYMBOL])[SYMBOL]
    order_id = rich.buy(int(quote.ask_volume[0]) // 100 * 100 + 500, price=Decimal(str(quote.ask[0])))
    rich.until_status(order_id, "PARTIALLY_FILLED")
    rich.cancel(order_id)
    ended = rich.until_status(order_id, "PARTIALLY_CANCELLED")
    rich.terminal.faults.clear()
    assert rich.runtime is not None
    rich.runtime.session.request_reconcile()
    until(lambda: rich.booked(order_id) == rich.order(order_id).broker_traded_quantity > 0, what="the fills booked")
    held = Position.objects.get(account=rich.alpha, symbol=SYMBOL).quantity
    assert held == rich.booked(order_id) < ended.quantity


def test_pending_orders_survive_a_restart(rig: Rig) -> None:
    """In-memory pending orders lost by a restart: an order and its wanted cancel are rows."""
    rig.start()
    order_id = rig.rest()
    rig.until_status(order_id, "REPORTED")
    rig.terminal.arm("lose", "cancelOrderStock")
    rig.stop()
    rig.cancel(order_id)
    rig.start()
    rig.until_status(order_id, "CANCELLED")


def test_number_of_shares_asked_for_is_the_number_sent(rig: Rig) -> None:
    """A "fixed shares" request ignored."""
    rig.start()
    for shares in (100, 200, 300):
        rig.until_status(rig.rest(shares), "REPORTED")
    assert [view.quantity for view in rig.at_broker()] == [100, 200, 300]


def test_risk_checks_stand_on_the_way_of_every_order(rig: Rig) -> None:
    """Risk limits defined and never called: nothing that is denied reaches the terminal."""
    rig.start()
    limit_up = rig.detail.limit_up
    assert limit_up is not None
    answer = order_submit(
        user=rig.alice, account_id=rig.alpha.pk, symbol=SYMBOL, side="BUY", quantity=100, price_type="LIMIT",
        price=str(limit_up + Decimal("0.01")),
    )  # fmt: skip
    assert (answer.order.status, answer.order.deny_code) == ("DENIED", "PRICE_ABOVE_LIMIT_UP")
    assert rig.at_broker() == []


def test_lunch_is_no_trading_time(rig: Rig) -> None:
    """Lunch counted as trading time: a cancel waits for the afternoon instead of failing at the exchange."""
    rig.start()
    order_id = rig.rest()
    rig.until_status(order_id, "REPORTED")
    rig.jump_to(moment(12, 0))
    assert rig.runtime is not None
    runtime = rig.runtime
    until(lambda: (clock := runtime.clock.now()) is not None and str(clock.phase) == "LUNCH", what="lunch")
    rig.cancel(order_id)
    rig.runtime.sweep()
    time.sleep(0.2)
    assert rig.order(order_id).cancel_sent_at is None
    rig.jump_to(moment(13, 0, 5))
    rig.until_status(order_id, "CANCELLED")


def test_slow_acknowledgement_delays_no_other_order(rig: Rig) -> None:
    """One slow acknowledgement delaying every other order: here of the same account."""
    rig.start(response_deadline_seconds=5.0)
    rig.terminal.arm("delay", "orderStock", seconds=1.5)
    rig.terminal.arm("lose", "push:order")
    slow = rig.rest()
    until(lambda: len(rig.at_broker()) == 1, what="the slow one at the broker")
    began = time.monotonic()
    quick = rig.rest(200)
    rig.until_status(quick, "REPORTED")
    assert time.monotonic() - began < 1.2
    rig.until_status(slow, "SUBMITTED", "REPORTED")


def test_paper_account_sells_nothing_bought_today(rig: Rig) -> None:
    """Paper mode allowing T+0."""
    rig.start()
    order_id = rig.buy(100)
    rig.until_status(order_id, "FILLED")
    until(lambda: Position.objects.filter(account=rig.alpha, quantity=100).exists(), what="the position")
    answer = order_submit(
        user=rig.alice, account_id=rig.alpha.pk, symbol=SYMBOL, side="SELL", quantity=100, price_type="LIMIT",
        price=str(rig.detail.pre_close),
    )  # fmt: skip
    assert (answer.order.status, answer.order.deny_code) == ("DENIED", "SELLABLE_INSUFFICIENT")


def test_fill_told_again_after_a_reconnect_is_booked_once(rig: Rig) -> None:
    """Doubled fills."""
    rig.start()
    rig.terminal.arm("duplicate", "push:trade", count=-1)
    order_id = rig.buy(300)
    rig.until_status(order_id, "FILLED")
    assert rig.runtime is not None
    former = rig.runtime.session.key
    rig.terminal.drop_link()
    runtime = rig.runtime
    until(lambda: runtime.session.ready() is not None and runtime.session.key != former, what="another session")
    assert rig.booked(order_id) == 300
    with rig.terminal.terminal.lock:
        assert Trade.objects.count() == len(rig.terminal.exchange.trades(ALPHA))


def test_paper_order_reaches_no_live_terminal(rig: Rig) -> None:
    """A paper order that reached the live account: the terminal behind the worker is a broker's by now."""
    rig.start()
    assert rig.runtime is not None
    rig.runtime._sender._simulated = False
    order_id = rig.rest()
    order = rig.until_status(order_id, "EXPIRED")
    assert order.deny_code in ("PAPER_NEEDS_SIMULATED_HOST", "AUTHORITY_CHANGED")
    assert rig.at_broker() == []


def test_money_and_shares_follow_the_fills_in_paper_mode(rig: Rig) -> None:
    """Positions, trades and assets constant in every mode."""
    rig.start()
    before = AssetSnapshot.objects.get(account=rig.alpha).cash
    order_id = rig.buy(100)
    rig.until_status(order_id, "FILLED")
    until(lambda: AssetSnapshot.objects.get(account=rig.alpha).cash < before, what="less money")
    until(lambda: Position.objects.filter(account=rig.alpha, symbol=SYMBOL, quantity=100).exists(), what="the shares")


@pytest.fixture
def api(rig: Rig, client: Client) -> Client:
    client.force_login(rig.alice)
    return client


def test_orders_of_another_account_are_not_listed(rig: Rig, api: Client) -> None:
    """Another account's orders listed."""
    rig.start()
    rig.buy(100, price=rig.detail.limit_down, user=rig.charlie)
    mine = rig.rest()
    listed = api.get(ORDERS).json()["results"]
    assert [order["id"] for order in listed] == [str(mine)]
    assert BrokerAccount.objects.get(account_no=BETA).orders.count() == 1


def test_cancel_of_an_order_that_does_not_exist_answers_404(rig: Rig, api: Client) -> None:
    """Cancelling a nonexistent order "succeeds"."""
    answer = api.post(f"{ORDERS}/00000000-0000-4000-8000-000000000000/cancel")
    assert answer.status_code == 404


def test_order_of_123_shares_without_a_price_is_refused_and_nothing_is_stored(rig: Rig, api: Client) -> None:
    """123 shares at price null accepted."""
    body = {"account": rig.alpha.pk, "symbol": SYMBOL, "side": "BUY", "quantity": 123, "price_type": "LIMIT"}
    answer = api.post(ORDERS, {**body, "price": None}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "PRICE_REQUIRED")
    assert Order.objects.count() == 0


def test_order_of_an_odd_lot_is_denied_and_not_sent(rig: Rig, api: Client) -> None:
    """123 shares accepted at any price."""
    rig.start()
    body = {"account": rig.alpha.pk, "symbol": SYMBOL, "side": "BUY", "quantity": 123, "price_type": "LIMIT"}
    answer = api.post(ORDERS, {**body, "price": str(rig.detail.limit_down)}, content_type="application/json")
    assert answer.status_code == 422
    assert rig.at_broker() == []


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer desk_wrong"}])
def test_order_with_a_wrong_or_missing_key_answers_401(header: dict[str, str], client: Client) -> None:
    """A wrong or missing key answers 500."""
    answer = client.post(ORDERS, {}, content_type="application/json", headers=header)
    assert answer.status_code == 401
    assert QmtHost.objects.count() == Order.objects.count() == 0
