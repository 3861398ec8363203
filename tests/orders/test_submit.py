"""Submission: the transaction, its rows, its answers, and what it refuses."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.choices import AccountMode
from accounts.models import BrokerAccount
from ops.clocks import wall_now
from ops.errors import Code, Conflict, DeskError, Forbidden, Invalid, NotFound
from ops.models import AuditEvent
from tests.orders.bench import MOUTAI, TODAY, Bench, host_ready
from trading.ledger.models import AccountEvent, TradeDate
from trading.orders.choices import OrderEventKind, Status
from trading.orders.models import Order, OrderEvent

pytestmark = pytest.mark.django_db


def test_submit_good_order_is_queued_with_everything_that_belongs_to_it(bench: Bench) -> None:
    order = bench.submit()
    assert order.status == Status.QUEUED
    assert (order.account, order.created_by) == (bench.account, bench.alice)
    assert (order.symbol, order.side, order.quantity) == (MOUTAI, "BUY", 100)
    assert order.trade_date == TODAY
    assert order.epoch == bench.account.epoch
    assert order.simulated is True
    # 1,000.00 and at least 5.00 commission, 0.01 transfer fee.
    assert order.reserved_cash == Decimal("1005.01")
    assert bench.book.reserved_cash == Decimal("1005.01")
    event = OrderEvent.objects.get(order=order)
    assert (event.seq, event.kind, event.to_status) == (1, OrderEventKind.ACCEPTED, Status.QUEUED)
    audit = AuditEvent.objects.get(target=f"order:{order.pk}")
    assert (audit.action, audit.actor_label) == ("order.accepted", "alice")
    assert audit.after is not None
    assert audit.after["tag"] == order.tag


def test_submit_good_order_expires_after_its_time_to_live(bench: Bench) -> None:
    order = bench.submit()
    assert order.expires_at - order.submitted_at == pytest.approx(timedelta(seconds=30), abs=timedelta(seconds=1))


def test_submit_writes_versioned_events_of_order_and_account(bench: Bench) -> None:
    order = bench.submit()
    events = list(AccountEvent.objects.filter(account=bench.account).order_by("version"))
    assert [(event.version, event.kind) for event in events] == [(1, "order"), (2, "account")]
    assert events[0].payload["id"] == str(order.pk)
    assert events[1].payload["reserved_cash"] == "1005.01"
    assert bench.book.version == 2


def test_submit_first_order_of_a_date_opens_it(bench: Bench) -> None:
    bench.submit()
    assert TradeDate.objects.get(account=bench.account).date == TODAY
    assert bench.book.open_trade_date == TODAY


def test_submit_tag_is_short_ascii_and_unique(bench: Bench) -> None:
    tags = {bench.submit(quantity=100).tag for _ in range(5)}
    assert len(tags) == 5
    assert all(tag is not None and tag.isascii() and len(tag) <= 24 for tag in tags)


def test_submit_wakes_the_trade_worker_after_the_commit(
    bench: Bench, woken: list[dict[str, Any]], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        order = bench.submit()
        assert woken == []
    (call,) = woken
    assert call["args"] == (str(order.pk),)
    assert call["queue"] == "qmt.sim.trade"
    assert call["retry"] is False
    assert 0 < call["expires"] <= 30


def test_submit_with_redis_away_is_accepted(bench: Bench, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        order = bench.submit()
    assert bench.order(order).status == Status.QUEUED


def test_submit_sell_reserves_the_shares(bench: Bench) -> None:
    bench.hold(500)
    order = bench.submit(side="SELL", quantity=300)
    assert (order.reserved_quantity, order.reserved_cash) == (300, 0)
    refused = bench.submit(side="SELL", quantity=300)
    assert refused.deny_code == Code.SELLABLE_INSUFFICIENT
    assert refused.details["allowed_quantity"] == 200
    assert bench.submit(side="SELL", quantity=200).status == Status.QUEUED


def test_submit_latest_price_reserves_at_limit_up(bench: Bench) -> None:
    order = bench.submit(price_type="LATEST", price=None)
    assert order.price is None
    assert order.reserved_cash == Decimal("1105.02")


def test_submit_until_the_cash_is_promised_denies_the_next(bench: Bench) -> None:
    first = bench.submit(quantity=60_000)
    assert first.status == Status.QUEUED
    second = bench.submit(quantity=60_000)
    assert second.deny_code == Code.CASH_INSUFFICIENT
    assert second.details["allowed_quantity"] == 39_900
    assert bench.submit(quantity=39_900).status == Status.QUEUED
    assert bench.book.reserved_cash <= 1_000_000


# ------------------------------------------------------------------------ denials
def test_submit_denied_order_is_kept_and_promises_nothing(bench: Bench) -> None:
    order = bench.submit(price="11.01")
    assert order.status == Status.DENIED
    assert order.deny_code == Code.PRICE_ABOVE_LIMIT_UP
    assert order.details == {"price": "11.01", "limit_up": "11"}
    assert order.message == "PRICE_ABOVE_LIMIT_UP: price=11.01 limit_up=11"
    assert order.final_at is not None
    assert order.tag is None
    assert bench.book.reserved_cash == 0
    assert TradeDate.objects.count() == 0
    assert AuditEvent.objects.get(target=f"order:{order.pk}").action == "order.denied"


def test_submit_denied_order_wakes_nobody(
    bench: Bench, woken: list[dict[str, Any]], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        bench.submit(price="11.01")
    assert woken == []


def test_submit_on_a_read_only_account_is_denied_with_that_code(bench: Bench) -> None:
    BrokerAccount.objects.filter(pk=bench.account.pk).update(mode=AccountMode.READ_ONLY)
    assert bench.submit().deny_code == Code.ACCOUNT_READ_ONLY


def test_submit_on_a_host_that_never_reported_is_denied(bench: Bench) -> None:
    bench.team.host.status.delete()
    assert bench.submit().deny_code == Code.TERMINAL_DOWN


def test_submit_with_a_stale_market_clock_is_denied(bench: Bench) -> None:
    host_ready(bench.team, updated_at=wall_now() - timedelta(hours=1))
    assert bench.submit().deny_code == Code.MARKET_CLOCK_STALE


# ------------------------------------------------------------------------- access
def test_submit_to_an_unknown_and_to_a_foreign_account_answer_alike(bench: Bench) -> None:
    with pytest.raises(NotFound) as unknown:
        bench.submit(account_id=999_999)
    with pytest.raises(NotFound) as foreign:
        bench.submit(account_id=bench.team.beta.pk)
    assert unknown.value.code == foreign.value.code == Code.ACCOUNT_NOT_FOUND
    assert Order.objects.count() == 0


@pytest.mark.parametrize("name", ["bob", "risk", "admin"])
def test_submit_by_somebody_who_only_sees_is_forbidden(bench: Bench, name: str) -> None:
    with pytest.raises(Forbidden) as refusal:
        bench.submit(user=getattr(bench.team, name))
    assert refusal.value.code == Code.TRADE_NOT_GRANTED
    assert Order.objects.count() == 0


# ---------------------------------------------------------------- malformed fields
@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"symbol": "999999.SH"}, Code.SYMBOL_UNKNOWN, "symbol"),
        ({"symbol": ""}, Code.SYMBOL_UNKNOWN, "symbol"),
        ({"symbol": 600519}, Code.SYMBOL_UNKNOWN, "symbol"),
        ({"symbol": "x" * 1000}, Code.SYMBOL_UNKNOWN, "symbol"),
        ({"side": "HOLD"}, Code.SIDE_UNKNOWN, "side"),
        ({"side": None}, Code.FIELD_REQUIRED, "side"),
        ({"side": ["BUY"]}, Code.SIDE_UNKNOWN, "side"),
        ({"quantity": -100}, Code.QUANTITY_INVALID, "quantity"),
        ({"quantity": 0}, Code.QUANTITY_INVALID, "quantity"),
        ({"quantity": 100.5}, Code.QUANTITY_INVALID, "quantity"),
        ({"quantity": True}, Code.QUANTITY_INVALID, "quantity"),
        ({"quantity": None}, Code.FIELD_REQUIRED, "quantity"),
        ({"quantity": "1e3"}, Code.QUANTITY_INVALID, "quantity"),
        ({"quantity": 10**30}, Code.QUANTITY_INVALID, "quantity"),
        ({"quantity": Decimal("NaN")}, Code.QUANTITY_INVALID, "quantity"),
        ({"price": float("nan")}, Code.PRICE_INVALID, "price"),
        ({"price": "NaN"}, Code.PRICE_INVALID, "price"),
        ({"price": float("inf")}, Code.PRICE_INVALID, "price"),
        ({"price": "-Infinity"}, Code.PRICE_INVALID, "price"),
        ({"price": "-1"}, Code.PRICE_INVALID, "price"),
        ({"price": "0"}, Code.PRICE_INVALID, "price"),
        ({"price": "1e400"}, Code.PRICE_INVALID, "price"),
        ({"price": "1e9"}, Code.PRICE_INVALID, "price"),
        ({"price": "10.0000001"}, Code.PRICE_INVALID, "price"),
        ({"price": True}, Code.PRICE_INVALID, "price"),
        ({"price": {"a": 1}}, Code.PRICE_INVALID, "price"),
        ({"price": "1_0"}, Code.PRICE_INVALID, "price"),
        ({"price": None}, Code.PRICE_REQUIRED, "price"),
        ({"price_type": "LATEST", "price": "10"}, Code.PRICE_NOT_ALLOWED, "price"),
        ({"price_type": "MARKET"}, Code.PRICE_TYPE_UNKNOWN, "price_type"),
        ({"client_order_id": "x" * 65}, Code.FIELD_INVALID, "client_order_id"),
        ({"client_order_id": "a b"}, Code.FIELD_INVALID, "client_order_id"),
        ({"client_order_id": "中"}, Code.FIELD_INVALID, "client_order_id"),
        ({"client_order_id": 7}, Code.FIELD_INVALID, "client_order_id"),
    ],
)
def test_submit_malformed_field_is_refused_by_name_and_stores_nothing(
    bench: Bench, changes: dict[str, Any], code: Code, field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        bench.submit(**changes)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert Order.objects.count() == 0
    assert AccountEvent.objects.count() == 0


def test_submit_float_price_is_read_by_its_shortest_spelling(bench: Bench) -> None:
    assert bench.submit(price=10.1).price == Decimal("10.1")


def test_submit_bare_code_and_full_symbol_are_the_same_request(bench: Bench) -> None:
    first = bench.submission(symbol="600519", client_order_id="k")
    second = bench.submission(symbol="600519.SH", client_order_id="k", price="10.0")
    assert (first.created, second.created) == (True, False)
    assert first.order.pk == second.order.pk


# -------------------------------------------------------------------- idempotency
def test_submit_repeated_key_with_the_same_body_answers_the_stored_order(bench: Bench) -> None:
    first = bench.submission(client_order_id="once")
    second = bench.submission(client_order_id="once")
    assert second.created is False
    assert second.order.pk == first.order.pk
    assert Order.objects.count() == 1
    assert bench.book.reserved_cash == Decimal("1005.01")


def test_submit_repeated_key_of_a_denied_order_answers_the_denial(bench: Bench) -> None:
    first = bench.submit(client_order_id="once", price="11.01")
    second = bench.submission(client_order_id="once", price="11.01")
    assert second.order.pk == first.pk
    assert second.order.deny_code == Code.PRICE_ABOVE_LIMIT_UP
    assert Order.objects.count() == 1


def test_submit_repeated_key_with_another_body_is_a_conflict(bench: Bench) -> None:
    bench.submit(client_order_id="once")
    with pytest.raises(Conflict) as refusal:
        bench.submit(client_order_id="once", quantity=200)
    assert refusal.value.code == Code.IDEMPOTENCY_CONFLICT
    assert Order.objects.count() == 1


def test_submit_the_same_key_on_another_account_names_another_order(bench: Bench) -> None:
    first = bench.submit(client_order_id="once")
    other = bench.submit(client_order_id="once", user=bench.team.charlie, account_id=bench.team.beta.pk)
    assert first.pk != other.pk
    assert other.status == Status.QUEUED


def test_submit_failure_inside_leaves_nothing_behind(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from ops import audit

    def broken(**_: Any) -> None:
        raise DeskError(Code.INTERNAL_ERROR)

    monkeypatch.setattr(audit, "record", broken)
    with pytest.raises(DeskError):
        bench.submit()
    assert Order.objects.count() == 0
    assert bench.book.reserved_cash == 0
    assert AccountEvent.objects.count() == 0


def test_submit_asks_the_database_few_questions(bench: Bench) -> None:
    bench.submit()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        bench.submit(client_order_id="lean")
    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(statements) <= 20, "\n".join(statements)
