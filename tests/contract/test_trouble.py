"""What goes wrong on the way to a terminal, and the end state each trouble must have."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from qmt.errors import QueryFailed, QueryTimeout, SessionClosed, SubmitUncertain, TerminalDown
from qmt.gateway import Disconnected, OrderError, OrderResponse, OrderUpdate, TradeUpdate
from tests.contract.conftest import Desk, wait_until
from tests.contract.faces import Face

pytestmark = pytest.mark.faults

FILLED = 56


def test_lost_response_does_not_block_and_the_order_is_found_by_its_tag(desk: Desk) -> None:
    desk.face.arm("lose", "orderStock")
    request = desk.resting()
    before = time.monotonic()

    desk.gateway.submit(request)

    assert time.monotonic() - before < 1
    assert wait_until(lambda: desk.queried(request.tag) is not None)
    assert desk.of(OrderResponse) == []


def test_duplicated_response_is_told_at_least_once_and_harmless(desk: Desk) -> None:
    desk.face.arm("duplicate", "orderStock")
    request = desk.resting()

    desk.gateway.submit(request)

    order_id = desk.response(request.tag).order_id
    time.sleep(0.1)
    assert {event.order_id for event in desk.of(OrderResponse)} == {order_id}


def test_delayed_response_arrives_with_its_tag(desk: Desk) -> None:
    desk.face.arm("delay", "orderStock", seconds=0.4)
    request = desk.resting()

    seq = desk.gateway.submit(request)

    assert desk.of(OrderResponse) == []
    response = desk.response(request.tag)
    assert response.seq == seq
    assert response.order_id is not None


def test_response_may_come_behind_the_order_push(desk: Desk) -> None:
    desk.face.arm("reorder", "orderStock")
    request = desk.resting()

    desk.gateway.submit(request)

    desk.response(request.tag)
    kinds = [type(event) for event in desk.events if isinstance(event, OrderUpdate | OrderResponse)]
    assert kinds[0] is OrderUpdate


def test_fill_may_come_in_front_of_its_order_and_twice(desk: Desk) -> None:
    desk.face.arm("duplicate", "push:trade", count=5)
    request = desk.request()

    desk.gateway.submit(request)
    desk.face.advance(6)

    assert wait_until(lambda: FILLED in desk.states(request.tag))
    fills = [trade.traded_id for trade in desk.of(TradeUpdate) if trade.tag == request.tag]
    assert wait_until(lambda: len(desk.of(TradeUpdate)) >= 2)
    assert len(set(fills)) <= len(fills)
    assert sum({trade.traded_id: trade.quantity for trade in desk.of(TradeUpdate)}.values()) == 100


def test_silent_refusal_is_told_as_it_is(desk: Desk) -> None:
    desk.face.arm("refuse_silently", "orderStock")
    request = desk.resting()

    seq = desk.gateway.submit(request)

    assert wait_until(lambda: bool(desk.of(OrderResponse)))
    (response,) = desk.of(OrderResponse)
    assert (response.seq, response.tag, response.order_id, response.error) == (seq, request.tag, None, "")


def test_reject_in_the_broker_words_carries_the_tag(desk: Desk) -> None:
    desk.face.arm("reject", "orderStock", message="账户已冻结")
    request = desk.resting()

    desk.gateway.submit(request)

    assert desk.response(request.tag).error == "账户已冻结"
    assert wait_until(lambda: bool(desk.of(OrderError)))
    assert [(error.tag, error.message) for error in desk.of(OrderError)] == [(request.tag, "账户已冻结")]


def test_error_in_front_of_its_response_is_not_given_to_the_next_order(desk: Desk) -> None:
    # Both errors carry order id −1; the SDK files the first under −1 and would hand it to whoever fails next.
    desk.face.arm("reorder", "orderStock")
    first, second = desk.request(quantity=900_000), desk.request(quantity=800_000)

    desk.gateway.submit(first)
    assert wait_until(lambda: len(desk.of(OrderError)) >= 1)
    desk.response(first.tag)
    desk.gateway.submit(second)
    desk.response(second.tag)

    assert wait_until(lambda: {error.tag for error in desk.of(OrderError)} >= {first.tag})
    by_seq = {response.seq: response.tag for response in desk.of(OrderResponse)}
    assert all(by_seq[error.seq] == error.tag for error in desk.of(OrderError))


def test_hanging_call_is_uncertain_within_its_deadline_and_the_session_is_sick(desk: Desk) -> None:
    request, next_request = desk.resting(), desk.resting()
    desk.face.arm("hang", "orderStock")
    before = time.monotonic()

    with pytest.raises(SubmitUncertain):
        desk.gateway.submit(request)

    assert time.monotonic() - before < 5
    with pytest.raises(SessionClosed):
        desk.gateway.submit(next_request)
    desk.face.clear()  # the call goes through after all, and the pushes tell of it
    assert wait_until(lambda: bool(desk.states(request.tag)))
    desk.gateway.open([desk.account])
    assert desk.queried(request.tag) is not None
    assert desk.queried(next_request.tag) is None


def test_lost_query_answer_is_a_timeout_not_an_empty_list(desk: Desk) -> None:
    desk.face.arm("lose", "queryStockPositions")
    before = time.monotonic()

    with pytest.raises(QueryTimeout):
        desk.gateway.query_positions(desk.account, timeout_seconds=0.5)

    assert time.monotonic() - before < 2
    assert desk.gateway.query_positions(desk.account, timeout_seconds=5) == ()


def test_announced_link_loss_is_told_and_a_new_session_takes_another_id(desk: Desk) -> None:
    desk.face.drop()

    assert wait_until(lambda: bool(desk.of(Disconnected)))
    with pytest.raises(QueryFailed):
        desk.gateway.probe(timeout_seconds=0.5)
    old, opened = desk.gateway.session_id, desk.gateway.opened_at_ns
    desk.gateway.open([desk.account])
    desk.gateway.probe()
    assert desk.gateway.session_id != old
    assert desk.gateway.opened_at_ns > opened


def test_silent_link_loss_is_noticed_by_the_probe_only(desk: Desk) -> None:
    desk.face.drop(announce=False)

    with pytest.raises(QueryFailed):
        desk.gateway.probe(timeout_seconds=0.5)

    assert desk.of(Disconnected) == []


def test_order_on_a_lost_link_is_uncertain_or_unanswered_but_never_blocks(desk: Desk) -> None:
    request = desk.resting()
    desk.face.drop()
    assert wait_until(lambda: bool(desk.of(Disconnected)))
    before = time.monotonic()

    desk.gateway.submit(request)

    assert time.monotonic() - before < 5
    desk.gateway.open([desk.account])
    assert desk.of(OrderResponse) == []
    assert desk.queried(request.tag) is None


def test_restarted_terminal_still_has_the_orders_of_the_day(desk: Desk) -> None:
    request = desk.resting()
    desk.gateway.submit(request)
    order_id = desk.response(request.tag).order_id

    desk.face.restart()
    with pytest.raises(QueryFailed):
        desk.gateway.probe(timeout_seconds=0.5)
    desk.gateway.open([desk.account])

    found = desk.queried(request.tag)
    assert found is not None
    assert found.order_id == order_id


def test_refused_connect_leaves_nothing_open_and_the_next_try_succeeds(desk: Desk) -> None:
    desk.gateway.close()
    desk.face.arm("refuse_connect", "connect", count=-1)

    with pytest.raises(TerminalDown):
        desk.gateway.open([desk.account])

    assert desk.gateway.session_id == 0
    desk.face.clear()
    desk.gateway.open([desk.account])
    desk.gateway.probe()


def test_sink_that_raises_does_not_stop_later_events(face: Face, desk: Desk) -> None:
    seen: list[object] = []

    def sink(event: object) -> None:
        seen.append(event)
        raise RuntimeError("a mistake in the platform")

    gateway = face.trade(sink)
    account = face.account()
    gateway.open([account])
    request = desk.request()
    gateway.submit(replace(request, account_no=account.account_no))
    face.advance(6)

    assert wait_until(lambda: any(isinstance(event, TradeUpdate) for event in seen))
    gateway.close()
