"""Orders that a program places by itself: one per attempt, in the name of somebody who may."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import ApiToken, BrokerAccount, Grant
from ops.clocks import wall_now
from ops.errors import Code, Denied, Invalid
from tests.orders.bench import MOUTAI, Bench, make_bench
from trading.execution.automatic import Authority, Outcome, automatic_key, automatic_order, automatic_submit
from trading.orders.choices import Source, Status
from trading.orders.models import Order


@pytest.fixture
def bench(db: None) -> Bench:
    bench = make_bench()
    BrokerAccount.objects.filter(pk=bench.account.pk).update(auto_trading=True)
    return bench


def place(bench: Bench, **changes: Any) -> Outcome:
    wish: dict[str, Any] = {
        "authority": Authority(bench.alice.pk),
        "account_id": bench.account.pk,
        "lane": "sig:1",
        "attempt": 1,
        "source": Source.SIGNAL,
        "symbol": MOUTAI,
        "side": "BUY",
        "quantity": 100,
        "price": "10.00",
    }
    return automatic_submit(**(wish | changes))


def test_submit_by_a_program_places_one_order_in_the_persons_name(bench: Bench) -> None:
    outcome = place(bench)
    assert outcome.created
    assert not outcome.refused
    order = Order.objects.get()
    assert (order.status, order.source, order.created_by, order.client_order_id) == (
        Status.QUEUED,
        Source.SIGNAL,
        bench.alice,
        "auto:sig:1:1",
    )


def test_submit_repeated_with_other_terms_answers_the_stored_order(bench: Bench) -> None:
    first = place(bench)
    again = place(bench, price="9.90", quantity=200)
    assert (again.created, again.refused) == (False, False)
    assert again.order == first.order == automatic_order(bench.account.pk, "sig:1", 1)
    assert Order.objects.count() == 1


def test_submit_with_auto_trading_off_is_refused_and_stores_nothing(bench: Bench) -> None:
    BrokerAccount.objects.update(auto_trading=False)
    outcome = place(bench)
    assert (outcome.code, outcome.order) == (Code.AUTO_TRADING_OFF, None)
    assert not Order.objects.exists()


@pytest.mark.postgres
def test_submit_of_a_second_attempt_waits_for_the_first_to_end(bench: Bench) -> None:
    first = place(bench).order
    second = place(bench, attempt=2)
    assert first is not None
    assert (second.code, second.details["order"]) == (Code.ORDER_IN_FLIGHT, str(first.pk))
    Order.objects.filter(pk=first.pk).update(status=Status.CANCELLED, final_at=wall_now())
    assert place(bench, attempt=2).created


def test_submit_in_another_lane_minds_the_side_only_when_asked(bench: Bench) -> None:
    place(bench)
    assert place(bench, lane="sig:2", alone_on_side=True).code == Code.ORDER_IN_FLIGHT
    assert place(bench, lane="sig:2").created
    assert place(bench, lane="sig:11", alone_on_side=True, symbol="000001.SZ", price="12.00").created


def test_submit_alone_on_its_side_minds_orders_placed_by_hand(bench: Bench) -> None:
    bench.submit()
    assert place(bench, alone_on_side=True).code == Code.ORDER_IN_FLIGHT


def test_submit_after_the_grant_is_gone_is_refused(bench: Bench) -> None:
    Grant.objects.filter(account=bench.account).delete()
    assert place(bench).code == Code.TRADE_NOT_GRANTED
    assert not Order.objects.exists()


def test_submit_of_a_deactivated_person_is_refused(bench: Bench) -> None:
    bench.alice.is_active = False
    bench.alice.save(update_fields=["is_active"])
    assert place(bench).code == Code.TRADE_NOT_GRANTED


def test_submit_by_a_revoked_token_is_refused(bench: Bench) -> None:
    token = ApiToken.objects.create(user=bench.alice, name="bot", digest="d" * 64, prefix="12345678", scopes=["trade"])
    authority = Authority(bench.alice.pk, token.pk, by_token=True)
    assert place(bench, authority=authority).created
    ApiToken.objects.update(revoked_at=wall_now())
    assert place(bench, authority=authority, lane="sig:2").code == Code.TOKEN_ENDED
    assert place(bench, authority=Authority(bench.alice.pk, None, by_token=True), lane="sig:3").code == Code.TOKEN_ENDED


def test_submit_denied_by_a_check_keeps_the_order_and_its_reason(bench: Bench) -> None:
    outcome = place(bench, side="SELL")
    assert outcome.code == Code.SELLABLE_INSUFFICIENT
    assert outcome.order is not None
    assert outcome.order.status == Status.DENIED
    assert place(bench, side="SELL").code == Code.SELLABLE_INSUFFICIENT
    assert place(bench, attempt=2).created


def test_submit_with_a_malformed_field_is_refused_not_raised(bench: Bench) -> None:
    assert place(bench, quantity=0).code == Code.QUANTITY_INVALID


def test_submit_refused_by_the_guard_gives_its_reason(bench: Bench) -> None:
    def guard() -> None:
        raise Denied(Code.NOTHING_TO_TRADE, symbol=MOUTAI)

    outcome = place(bench, guard=guard)
    assert (outcome.code, outcome.details) == (Code.NOTHING_TO_TRADE, {"symbol": MOUTAI})
    assert not Order.objects.exists()


def test_key_that_a_program_could_have_is_refused_to_people(bench: Bench) -> None:
    with pytest.raises(Invalid) as refusal:
        bench.submit(client_order_id="auto:sig:1:1")
    assert refusal.value.field == "client_order_id"


@pytest.mark.parametrize(("lane", "attempt"), [("", 1), ("sig:1", 0), ("s" * 60, 1)])
def test_key_of_an_impossible_lane_is_a_mistake(lane: str, attempt: int) -> None:
    with pytest.raises(ValueError, match="no key"):
        automatic_key(lane, attempt)


def test_submit_from_a_source_for_people_is_a_mistake(bench: Bench) -> None:
    with pytest.raises(ValueError, match="by itself"):
        place(bench, source=Source.API)
