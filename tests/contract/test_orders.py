"""Orders, fills, cancels and queries: what every face of the gateway promises."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from qmt.errors import NotSent, QueryFailed, RequestInvalid, SessionClosed, SubscribeFailed
from qmt.gateway import (
    AccountRef,
    AccountStatus,
    AssetUpdate,
    CancelResponse,
    OrderError,
    OrderUpdate,
    PositionUpdate,
    Side,
    TradeUpdate,
)
from tests.contract.conftest import Desk, wait_until
from tests.contract.faces import Face

REPORTED, CANCELED, PART_FILLED, FILLED = 50, 54, 55, 56


def test_buy_at_the_ask_is_reported_filled_and_booked(desk: Desk) -> None:
    request = desk.request()

    seq = desk.gateway.submit(request)

    response = desk.response(request.tag)
    assert (response.seq, response.error) == (seq, "")
    desk.face.advance(6)
    assert wait_until(lambda: FILLED in desk.states(request.tag))
    fills = [trade for trade in desk.of(TradeUpdate) if trade.tag == request.tag]
    assert sum(fill.quantity for fill in fills) == 100
    assert {fill.order_id for fill in fills} == {response.order_id}
    assert all(fill.amount == fill.price * fill.quantity for fill in fills)


def test_order_statuses_never_go_back(desk: Desk) -> None:
    request = desk.request(quantity=300)

    desk.gateway.submit(request)
    desk.face.advance(6)

    assert wait_until(lambda: FILLED in desk.states(request.tag))
    assert desk.states(request.tag) == sorted(desk.states(request.tag))
    assert REPORTED in desk.states(request.tag)


@pytest.mark.faults
def test_large_order_fills_in_parts(desk: Desk) -> None:
    symbol = desk.liquid()
    best = desk.quote(symbol)
    request = desk.request(symbol=symbol, quantity=best.ask_volume[0] + 1000, price=Decimal(str(best.ask[0])))

    desk.gateway.submit(request)

    assert wait_until(lambda: PART_FILLED in desk.states(request.tag))
    update = next(one for one in desk.of(OrderUpdate) if one.tag == request.tag and one.status == PART_FILLED)
    assert 0 < update.traded_quantity < request.quantity


def test_bought_shares_are_on_the_road_and_not_sellable(desk: Desk) -> None:
    request = desk.request()
    desk.gateway.submit(request)
    desk.face.advance(6)
    assert wait_until(lambda: FILLED in desk.states(request.tag))

    (position,) = desk.gateway.query_positions(desk.account, timeout_seconds=5)

    assert (position.symbol, position.quantity, position.on_road, position.sellable) == (request.symbol, 100, 100, 0)
    sale = desk.request(symbol=request.symbol, side=Side.SELL, price=Decimal(str(desk.quote(request.symbol).bid[0])))
    desk.gateway.submit(sale)
    refusal = desk.response(sale.tag)
    assert refusal.order_id is None
    assert refusal.error != ""


def test_money_moves_with_the_fill(desk: Desk) -> None:
    before = desk.gateway.query_asset(desk.account, timeout_seconds=5)
    request = desk.request()

    desk.gateway.submit(request)
    desk.face.advance(6)
    assert wait_until(lambda: FILLED in desk.states(request.tag))

    after = desk.gateway.query_asset(desk.account, timeout_seconds=5)
    cost = sum((trade.amount for trade in desk.of(TradeUpdate) if trade.tag == request.tag), Decimal(0))
    fees = before.cash - after.cash - cost
    assert Decimal("5.00") <= fees <= Decimal("5.00") + cost / 1000
    assert after.frozen_cash == 0
    assert wait_until(lambda: bool(desk.of(AssetUpdate)) and bool(desk.of(PositionUpdate)))


def test_resting_order_is_cancelled(desk: Desk) -> None:
    request = desk.resting()
    desk.gateway.submit(request)
    order_id = desk.response(request.tag).order_id
    assert order_id is not None
    assert wait_until(lambda: REPORTED in desk.states(request.tag))

    seq = desk.gateway.cancel(desk.account, order_id)

    assert wait_until(lambda: any(event.seq == seq for event in desk.of(CancelResponse)))
    assert next(event for event in desk.of(CancelResponse) if event.seq == seq).result == 0
    desk.face.advance(3)
    assert wait_until(lambda: desk.states(request.tag)[-1] == CANCELED)
    assert desk.gateway.query_asset(desk.account, timeout_seconds=5).frozen_cash == 0


def test_cancel_of_an_unknown_order_is_refused(desk: Desk) -> None:
    seq = desk.gateway.cancel(desk.account, 999_999_999)

    assert wait_until(lambda: any(event.seq == seq for event in desk.of(CancelResponse)))
    assert next(event for event in desk.of(CancelResponse) if event.seq == seq).result != 0


def test_order_beyond_the_cash_is_rejected_with_words(desk: Desk) -> None:
    request = desk.request(quantity=900_000)

    desk.gateway.submit(request)

    response = desk.response(request.tag)
    assert response.order_id is None
    assert response.error != ""
    assert wait_until(lambda: any(error.tag == request.tag for error in desk.of(OrderError)))
    assert desk.queried(request.tag) is None


def test_queries_of_an_untouched_account_are_empty_not_failed(desk: Desk) -> None:
    assert desk.gateway.query_orders(desk.account, timeout_seconds=5) == ()
    assert desk.gateway.query_trades(desk.account, timeout_seconds=5) == ()
    assert desk.gateway.query_positions(desk.account, timeout_seconds=5) == ()


def test_query_shows_the_order_with_its_tag(desk: Desk) -> None:
    request = desk.resting()
    desk.gateway.submit(request)
    response = desk.response(request.tag)

    found = desk.queried(request.tag)

    assert found is not None
    assert (found.order_id, found.symbol, found.side, found.quantity, found.price) == (
        response.order_id,
        request.symbol,
        Side.BUY,
        100,
        request.price,
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quantity", 0),
        ("quantity", -100),
        ("quantity", 100.0),
        ("quantity", True),
        ("quantity", "100"),
        ("quantity", 1 << 40),
        ("price", Decimal("NaN")),
        ("price", Decimal("Infinity")),
        ("price", Decimal(-1)),
        ("price", 10.5),
        ("price", Decimal("10.1234567890123456789012345")),
        ("tag", ""),
        ("tag", "x" * 25),
        ("tag", "标签"),
        ("tag", None),
        ("symbol", "600000"),
        ("symbol", "600000.XX"),
        ("side", "HOLD"),
        ("price_type", 11.0),
        ("account_no", 8000000001),
        ("account_no", ""),
    ],
)
def test_odd_arguments_are_refused_before_anything_is_sent(desk: Desk, field: str, value: Any) -> None:
    request = replace(desk.request(symbol="600000.SH", price=Decimal("10.00")), **{field: value})

    with pytest.raises(RequestInvalid):
        desk.gateway.submit(request)

    assert desk.gateway.query_orders(desk.account, timeout_seconds=5) == ()


def test_account_that_is_not_followed_cannot_be_traded(desk: Desk) -> None:
    with pytest.raises(SessionClosed):
        desk.gateway.submit(replace(desk.request(), account_no="1234567890"))


def test_closed_session_proves_that_nothing_was_sent(desk: Desk) -> None:
    request = desk.request()
    desk.gateway.close()

    with pytest.raises(NotSent):
        desk.gateway.submit(request)

    assert (desk.gateway.session_id, desk.gateway.opened_at_ns) == (0, 0)


def test_unknown_account_cannot_be_followed(face: Face) -> None:
    gateway = face.trade(lambda _: None)

    with pytest.raises(SubscribeFailed):
        gateway.open([AccountRef("1234567890")])

    assert gateway.session_id == 0


def test_unknown_account_beside_a_known_one_blocks_only_itself(face: Face) -> None:
    known, unknown = face.account(), AccountRef("1234567890")
    gateway = face.trade(lambda _: None)
    try:
        gateway.open([unknown, known])

        assert list(gateway.refused) == [unknown]
        assert gateway.query_asset(known, timeout_seconds=5).account_no == known.account_no
        with pytest.raises(QueryFailed):
            gateway.query_asset(unknown, timeout_seconds=5)
        gateway.follow()
        assert list(gateway.refused) == [unknown]
    finally:
        gateway.close()


@pytest.mark.faults
def test_order_placed_by_hand_is_told_without_a_tag(desk: Desk) -> None:
    symbol = desk.liquid()
    order_id = desk.face.order_by_hand(desk.account, symbol, 100, round(desk.quote(symbol).last * 0.96, 2))

    assert wait_until(lambda: any(update.order_id == order_id for update in desk.of(OrderUpdate)))
    assert {update.tag for update in desk.of(OrderUpdate) if update.order_id == order_id} == {""}


@pytest.mark.faults
def test_account_status_is_told(desk: Desk) -> None:
    desk.face.set_account_status(desk.account, 3)

    assert wait_until(lambda: any(event.status == 3 for event in desk.of(AccountStatus)))
    desk.face.set_account_status(desk.account, 0)


@pytest.mark.faults
def test_pushes_go_only_to_sessions_that_follow_the_account(desk: Desk) -> None:
    other = Desk(desk.face, desk.quotes)
    request = desk.request()

    desk.gateway.submit(request)
    desk.face.advance(6)

    assert wait_until(lambda: FILLED in desk.states(request.tag))
    assert other.of(OrderUpdate) == []
    other.gateway.close()
