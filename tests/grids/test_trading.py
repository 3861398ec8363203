"""Grids from a price to a booked fill, through orders, fills and rows."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import BrokerAccount, Grant
from marketdata.models import InstrumentDay
from ops.errors import Code
from ops.models import Alert, AuditEvent
from tests.grids.field import Field
from tests.orders.bench import MOUTAI, TODAY
from tests.socketdocument import problems
from trading.grids.choices import Direction, GridEnd, GridSignalState, GridState
from trading.grids.models import GridAttempt, GridSession
from trading.grids.services import grid_pause, grid_resume, grid_stop
from trading.grids.watch import GridWatch
from trading.ledger.journal import event_view
from trading.ledger.models import AccountBook, AccountEvent, Position
from trading.ledger.sections import read_sections
from trading.orders.choices import Side, Source, Status
from trading.orders.models import Order

pytestmark = pytest.mark.django_db

D = Decimal
#: Beyond the levels of a moderate grid around 10.00, and back by the callback.
RISE_AND_TURN = ("10.60", "10.80", "10.74")
FALL_AND_TURN = ("9.40", "9.20", "9.25")


# ------------------------------------------------------------------ from price to order
def test_turn_below_the_peak_sells_a_quarter_of_what_is_sellable(field: Field) -> None:
    grid = field.start()
    field.price(*RISE_AND_TURN)
    (order,) = field.orders(grid)
    assert (order.side, order.quantity, order.price) == (Side.SELL, 500, D("10.73"))
    assert (order.source, order.created_by, order.client_order_id) == (
        Source.GRID,
        field.bench.alice,
        f"auto:grid:{grid.pk}:1:1",
    )
    (signal,) = field.signals(grid)
    assert (signal.state, signal.price, signal.extreme) == (GridSignalState.WORKING, D("10.74"), D("10.80"))


def test_turn_above_the_valley_buys_a_quarter_of_the_position(field: Field) -> None:
    grid = field.start()
    field.price(*FALL_AND_TURN)
    (order,) = field.orders(grid)
    assert (order.side, order.quantity, order.price) == (Side.BUY, 500, D("9.26"))


def test_price_within_the_band_does_nothing(field: Field) -> None:
    grid = field.start()
    field.price("10.50", "9.50", "10.49", "9.51")
    assert field.signals(grid) == []


def test_buy_stays_within_the_largest_investment(field: Field) -> None:
    grid = field.start(max_investment="4000")
    field.price(*FALL_AND_TURN)
    (order,) = field.orders(grid)
    assert order.quantity == 400  # 500 wished, 4,000 buys 431


def test_buy_with_the_investment_used_up_is_refused_with_its_reason(field: Field) -> None:
    grid = field.start(max_investment="4700")
    field.price(*FALL_AND_TURN)
    field.fill(field.orders(grid)[0])
    field.turn()
    field.wait(301)
    field.price("8.70", "8.75")
    second = field.signals(grid)[1]
    assert (second.state, second.code) == (GridSignalState.REFUSED, Code.NOTHING_TO_TRADE)
    assert len(field.orders(grid)) == 1


def test_sell_minds_what_other_orders_promise(field: Field) -> None:
    grid = field.start(ratio="1")
    field.bench.submit(side="SELL", quantity=1900, price="10.90")
    field.shares(2000)
    field.price(*RISE_AND_TURN)
    (signal,) = field.signals(grid)
    # 100 are free, and another sale of the same share is open: one order a side.
    assert (signal.quantity, signal.state, signal.code) == (100, GridSignalState.REFUSED, Code.ORDER_IN_FLIGHT)


def test_sell_without_a_sellable_lot_is_refused(field: Field) -> None:
    field.shares(2000, sellable=99)
    grid = field.start()
    field.price(*RISE_AND_TURN)
    (signal,) = field.signals(grid)
    assert (signal.state, signal.code) == (GridSignalState.REFUSED, Code.NOTHING_TO_TRADE)
    assert not Order.objects.exists()


def test_second_turn_of_a_side_waits_while_its_order_is_open(field: Field) -> None:
    grid = field.start()
    field.price(*RISE_AND_TURN)
    field.wait(301)
    field.price("10.90", "10.80")
    assert len(field.signals(grid)) == 1


def test_signal_is_recorded_while_automatic_trading_is_off(field: Field) -> None:
    BrokerAccount.objects.update(auto_trading=False)
    grid = field.start()
    field.price(*RISE_AND_TURN)
    (signal,) = field.signals(grid)
    assert (signal.state, signal.code, signal.quantity) == (GridSignalState.RECORDED, Code.AUTO_TRADING_OFF, 500)
    assert not Order.objects.exists()


def test_signal_of_a_person_without_the_right_is_refused(field: Field) -> None:
    grid = field.start()
    Grant.objects.filter(user=field.bench.alice).delete()
    field.price(*RISE_AND_TURN)
    (signal,) = field.signals(grid)
    assert (signal.state, signal.code) == (GridSignalState.REFUSED, Code.TRADE_NOT_GRANTED)
    assert not Order.objects.exists()


def test_signal_at_the_lower_limit_is_refused(field: Field) -> None:
    grid = field.start()
    InstrumentDay.objects.filter(instrument__symbol=MOUTAI).update(limit_down=D("10.74"))
    field.price(*RISE_AND_TURN)
    assert field.signals(grid)[0].code == Code.PRICE_AT_LIMIT


def test_signal_of_a_suspended_share_is_refused(field: Field) -> None:
    grid = field.start()
    InstrumentDay.objects.filter(instrument__symbol=MOUTAI).update(suspended=True)
    field.price(*RISE_AND_TURN)
    assert field.signals(grid)[0].code == Code.SYMBOL_SUSPENDED


def test_decision_that_was_not_placed_in_time_expires(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = field.start()
    with monkeypatch.context() as crash:
        crash.setattr("trading.grids.services.placing.attempt_place", lambda _attempt: None)
        crash.setattr("trading.grids.services.rounds.attempt_place", lambda _attempt: None)
        field.price(*RISE_AND_TURN)
    field.wait(61)
    field.turn()
    (signal,) = field.signals(grid)
    assert (signal.state, signal.code) == (GridSignalState.EXPIRED, Code.SIGNAL_EXPIRED)
    assert not Order.objects.exists()


def test_decision_is_not_placed_after_the_price_has_drifted(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = field.start()
    with monkeypatch.context() as crash:
        crash.setattr("trading.grids.services.rounds.attempt_place", lambda _attempt: None)
        field.price(*RISE_AND_TURN)
    field.price("10.60")  # 1.3% below the price of the signal
    (signal,) = field.signals(grid)
    assert (signal.state, signal.code) == (GridSignalState.REFUSED, Code.PRICE_DRIFTED)


# ------------------------------------------------------------------------- which quotes
@pytest.mark.parametrize(
    ("changes", "host"),
    [
        ({}, "another"),
        ({"ts": 0}, "sim"),
        ({"last": 0.0}, "sim"),
    ],
)
def test_quotes_of_others_and_old_ones_are_left_alone(field: Field, changes: dict[str, float], host: str) -> None:
    grid = field.start()
    field.price(*RISE_AND_TURN, host=host, **changes)
    assert field.signals(grid) == []
    assert field.watch.evaluated == 0


def test_quote_older_than_ten_seconds_is_left_alone(field: Field) -> None:
    field.start()
    stale = field.quote("10.80") | {"ts": int((field.market_time() - timedelta(seconds=11)).timestamp() * 1000)}
    field.watch.refresh()
    field.watch.evaluate("sim", [(MOUTAI, stale)])
    assert field.watch.evaluated == 0


def test_quotes_of_the_lunch_break_are_left_alone(field: Field) -> None:
    field.start()
    field.wait(1.5 * 3600 + 60)  # 11:31
    field.price("10.80")
    assert field.watch.evaluated == 0


# --------------------------------------------------------------------------- fills
def test_full_fill_moves_the_centre_to_its_price(field: Field) -> None:
    grid = field.start()
    field.price(*FALL_AND_TURN)
    field.fill(field.orders(grid)[0], price="9.24")
    field.turn()
    after = field.fresh(grid)
    assert (after.center, after.direction, after.extreme) == (D("9.24"), Direction.NONE, None)
    assert (after.bought_quantity, after.bought_amount, after.open_quantity) == (500, D("4620"), 500)
    assert field.signals(grid)[0].state == GridSignalState.DONE


def test_part_fills_are_booked_each_once_and_the_centre_waits(field: Field) -> None:
    grid = field.start()
    field.price(*FALL_AND_TURN)
    order = field.orders(grid)[0]
    field.fill(order, 200, "9.25")
    field.turn()
    field.turn()
    assert field.fresh(grid).center == D(10)
    assert [(fill.quantity, fill.price) for fill in field.fills(grid)] == [(200, D("9.25"))]
    field.fill(order, 300, "9.26")
    field.turn()
    after = field.fresh(grid)
    assert (after.bought_quantity, after.center) == (500, D("9.256"))


def test_filled_part_of_an_order_cancelled_by_hand_is_booked(field: Field) -> None:
    grid = field.start()
    field.price(*FALL_AND_TURN)
    order = field.orders(grid)[0]
    field.fill(order, 200)
    field.cancelled(order)
    field.turn()
    (signal,) = field.signals(grid)
    assert (signal.state, signal.traded_quantity) == (GridSignalState.INCOMPLETE, 200)
    after = field.fresh(grid)
    assert (after.bought_quantity, after.center) == (200, D(10))


def test_fill_that_arrives_after_the_cancel_is_booked(field: Field) -> None:
    grid = field.start()
    field.price(*FALL_AND_TURN)
    order = field.broker.report(field.orders(grid)[0])
    # 53 with 200 filled; the fill itself is still on its way.
    field.bench.apply(field.bench.update(order, 53, traded_quantity=200, traded_price=D("9.26")))
    field.turn()
    assert field.signals(grid)[0].final_at is None
    field.bench.apply(field.bench.fill(order, 200, "9.26"))
    field.turn()
    assert field.fresh(grid).bought_quantity == 200
    assert field.signals(grid)[0].state == GridSignalState.INCOMPLETE


def test_sale_closes_the_newest_lot_first(field: Field) -> None:
    grid = field.start(max_investment="20000", max_deviation="0.5", stop="-0.5")
    field.price(*FALL_AND_TURN)
    field.fill(field.orders(grid)[0])  # 500 @ 9.26
    field.turn()
    field.wait(301)
    field.price("9.75", "9.80", "9.74")
    field.fill(field.orders(grid)[1])  # sells 500 of 2,000 sellable @ 9.73
    field.turn()
    fills = field.fills(grid)
    assert [(fill.side, fill.quantity, fill.lot_quantity) for fill in fills] == [("BUY", 500, 0), ("SELL", 500, 0)]
    assert fills[1].realised == D("0.47") * 500
    after = field.fresh(grid)
    assert (after.realised, after.open_quantity) == (D("235.00"), 0)
    assert after.totals.profit(D("9.73")) == D("235.00")


# ------------------------------------------------------------------- time-outs, requotes
def reported(field: Field, grid: GridSession) -> Order:
    order = field.broker.report(field.orders(grid)[-1])
    Order.objects.filter(pk=order.pk).update(reported_at=field.now)
    return field.bench.order(order)


def test_order_that_stands_five_minutes_is_cancelled_and_the_rest_quoted_anew(field: Field) -> None:
    grid = field.start()
    field.price(*FALL_AND_TURN)
    order = reported(field, grid)
    field.fill(order, 200)
    field.wait(296)
    field.price("9.30")  # 299 s
    assert field.bench.order(order).cancel_requested_at is None
    field.price("9.31")  # 302 s
    assert field.bench.order(order).cancel_requested_at is not None
    assert len(field.orders(grid)) == 1, "not before the cancel is final"
    field.cancelled(order)
    field.turn()
    again = field.orders(grid)[1]
    assert (again.quantity, again.price, again.client_order_id) == (300, D("9.32"), f"auto:grid:{grid.pk}:1:2")
    field.fill(again)
    field.turn()
    assert field.signals(grid)[0].state == GridSignalState.DONE
    assert field.fresh(grid).bought_quantity == 500


def test_order_is_quoted_anew_three_times_then_people_are_told(
    field: Field, django_capture_on_commit_callbacks: Any
) -> None:
    grid = field.start()
    field.price(*FALL_AND_TURN)
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(4):
            order = reported(field, grid)
            field.wait(301)
            field.price("9.30")
            field.cancelled(order)
            field.turn()
    (signal,) = field.signals(grid)
    assert len(field.orders(grid)) == 4
    assert (signal.state, signal.code) == (GridSignalState.INCOMPLETE, Code.REQUOTES_USED_UP)
    assert Alert.objects.filter(kind="grid.trouble").count() == 1


def test_order_cancelled_by_a_person_is_not_quoted_anew(field: Field) -> None:
    grid = field.start()
    field.price(*FALL_AND_TURN)
    order = reported(field, grid)
    from trading.orders.services import order_cancel

    order_cancel(user=field.bench.alice, order_id=order.pk)
    field.wait(301)
    field.turn()
    field.cancelled(order)
    field.turn()
    assert len(field.orders(grid)) == 1
    assert field.signals(grid)[0].code == Status.CANCELLED


def test_requote_of_a_dearer_price_stays_within_the_investment(field: Field) -> None:
    grid = field.start(max_investment="4650")
    field.price(*FALL_AND_TURN)
    order = reported(field, grid)
    assert order.quantity == 500
    field.wait(301)
    field.price("9.45")
    field.cancelled(order)
    field.turn()
    assert field.orders(grid)[1].quantity == 400  # 500 at 9.46 would be 4,730


# -------------------------------------------------------------------------- restarts
def test_restart_goes_on_with_the_stored_peak(field: Field) -> None:
    grid = field.start()
    field.price("10.60", "10.80")
    field.watch.store(now=True)
    field.watch = GridWatch()
    field.price("10.74")
    assert field.signals(grid)[0].extreme == D("10.80")


def test_peak_is_stored_every_few_seconds(field: Field) -> None:
    grid = field.start()
    field.price("10.60", "10.80")
    field.wait(5)
    field.watch.store()
    assert (field.fresh(grid).extreme, field.fresh(grid).last_price) == (D("10.80"), D("10.80"))


def test_peak_of_an_older_revision_is_not_stored(field: Field) -> None:
    grid = field.start()
    field.price("10.60", "10.80")
    grid_pause(user=field.bench.alice, grid_id=grid.pk)
    field.watch.store(now=True)
    assert field.fresh(grid).extreme is None


def test_part_fill_of_the_other_side_keeps_the_peak_in_memory(field: Field) -> None:
    grid = field.start()
    field.price(*FALL_AND_TURN)
    field.price("10.60", "10.80")
    field.fill(field.orders(grid)[0], 100, "9.26")
    field.price("10.74")
    sale = field.signals(grid)[1]
    assert (sale.side, sale.extreme) == (Side.SELL, D("10.80"))


def test_crash_between_placing_and_noting_finds_the_order(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = field.start()
    with monkeypatch.context() as crash:
        crash.setattr("trading.grids.services.placing._note", lambda *_args: None)
        field.price(*RISE_AND_TURN)
    assert Order.objects.count() == 1
    assert field.orders(grid) == []
    field.wait(120)  # even long after: it is found, not placed again, and not given up
    field.turn()
    assert [order.pk for order in field.orders(grid)] == [Order.objects.get().pk]
    assert field.signals(grid)[0].state == GridSignalState.WORKING


def test_two_engines_raise_one_signal(field: Field) -> None:
    grid = field.start()
    twin = GridWatch()
    for price in RISE_AND_TURN:
        field.wait(3)
        quote = field.quote(price)
        field.watch.refresh()
        field.watch.evaluate("sim", [(MOUTAI, quote)])
        if price != RISE_AND_TURN[-1]:
            twin.refresh()
        twin.evaluate("sim", [(MOUTAI, quote)])
    assert len(field.signals(grid)) == 1


def test_grid_in_trouble_keeps_no_other_from_its_turn(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    from trading.grids.services import rounds

    first = field.start()
    seen: list[int] = []

    def watch(grid: GridSession) -> None:
        seen.append(grid.pk)
        raise RuntimeError("trouble")

    monkeypatch.setattr(rounds, "_watch", watch)
    rounds.round_turn()
    assert seen == [first.pk]


# ------------------------------------------------------------------------------- ends
def test_end_cancels_what_is_out_and_books_it_before_it_stops(field: Field) -> None:
    grid = field.start()
    field.price(*FALL_AND_TURN)
    order = reported(field, grid)
    field.fill(order, 200)
    grid_stop(user=field.bench.alice, grid_id=grid.pk)
    field.turn()
    assert field.bench.order(order).cancel_requested_at is not None
    assert field.fresh(grid).state == GridState.STOPPING
    field.cancelled(order)
    field.turn()
    after = field.fresh(grid)
    assert (after.state, after.end, after.bought_quantity) == (GridState.STOPPED, GridEnd.BY_HAND, 200)
    assert [event.action for event in AuditEvent.objects.filter(target=f"grid:{grid.pk}").order_by("pk")] == [
        "grid.started",
        "grid.stopping",
        "grid.stopped",
    ]


def test_end_by_deviation_once_the_centre_has_wandered(field: Field) -> None:
    grid = field.start(interval="0.05", max_deviation="0.05", callback="0.005")
    field.price(*FALL_AND_TURN)
    field.fill(field.orders(grid)[0])
    field.turn()
    field.price("9.26")
    field.turn()
    after = field.fresh(grid)
    assert (after.state, after.end) == (GridState.STOPPED, GridEnd.DEVIATION)


def test_end_by_stop_at_the_price_that_reaches_it(field: Field) -> None:
    grid = field.start(stop="-0.01", max_deviation="0.5")
    field.price(*FALL_AND_TURN)
    field.fill(field.orders(grid)[0])  # 500 @ 9.26; 1% of 10,000 is 100 = 0.20 a share
    field.turn()
    field.price("9.07")
    assert field.fresh(grid).state == GridState.ACTIVE
    field.price("9.06")
    assert field.fresh(grid).end == GridEnd.STOP


def test_end_by_time_needs_no_quote(field: Field) -> None:
    grid = field.start(days=1)
    field.wait(24 * 3600)
    field.turn()
    assert field.fresh(grid).end == GridEnd.EXPIRED


def test_end_when_the_holding_is_gone_takes_two_comparisons(field: Field) -> None:
    grid = field.start()
    field.shares(0)
    book = AccountBook.objects.filter(pk=field.bench.account.pk)
    for _ in range(2):
        book.update(reconciled_at=field.now)
        field.turn()
    assert field.fresh(grid).state == GridState.ACTIVE, "the same comparison twice proves nothing"
    field.wait(30)
    book.update(reconciled_at=field.now)
    field.turn()
    assert field.fresh(grid).end == GridEnd.POSITION_GONE


def test_holding_that_is_there_again_starts_the_count_anew(field: Field) -> None:
    grid = field.start()
    book = AccountBook.objects.filter(pk=field.bench.account.pk)
    for shares in (0, 2000, 0):
        field.shares(shares)
        field.wait(30)
        book.update(reconciled_at=field.now)
        field.turn()
    assert field.fresh(grid).state == GridState.ACTIVE


def test_paused_grid_detects_nothing_and_goes_on_from_the_price_as_it_is(field: Field) -> None:
    grid = field.start()
    field.price("10.60", "10.80")
    grid_pause(user=field.bench.alice, grid_id=grid.pk)
    field.price("10.74")
    assert field.signals(grid) == []
    grid_resume(user=field.bench.alice, grid_id=grid.pk)
    field.price("10.70")
    assert field.fresh(grid).state == GridState.ACTIVE
    assert field.signals(grid) == [], "the peak of before is forgotten"


def test_paused_grid_books_what_its_order_fills(field: Field) -> None:
    grid = field.start()
    field.price(*FALL_AND_TURN)
    grid_pause(user=field.bench.alice, grid_id=grid.pk)
    field.fill(field.orders(grid)[0])
    field.turn()
    assert field.fresh(grid).bought_quantity == 500


def test_orders_are_settled_once_their_trade_date_is_closed(field: Field) -> None:
    grid = field.start()
    field.price(*FALL_AND_TURN)
    field.fill(field.orders(grid)[0])
    field.turn()
    assert GridAttempt.objects.get().settled is False
    AccountBook.objects.filter(pk=field.bench.account.pk).update(closed_trade_date=TODAY)
    field.turn()
    assert GridAttempt.objects.get().settled is True


# ------------------------------------------------------------------------------- events
def test_clients_are_told_of_every_change(field: Field) -> None:
    grid = field.start()
    field.price(*FALL_AND_TURN)
    field.fill(field.orders(grid)[0])
    field.turn()
    events = AccountEvent.objects.filter(account=field.bench.account, kind="grid").order_by("version")
    told = [(event.payload["figures"]["bought_quantity"], event.payload["last_signal"]) for event in events]
    assert told[0] == (0, None)
    assert told[-1][0] == 500
    assert told[-1][1]["state"] == "DONE"


def test_events_and_snapshot_are_as_the_socket_document_says(field: Field) -> None:
    field.start()
    field.price(*FALL_AND_TURN)
    events = AccountEvent.objects.filter(account=field.bench.account, kind="grid").order_by("version")
    told = [event_view(event) for event in events]
    frame = {"type": "delta", "channel": f"account:{field.bench.account.pk}", "version": 99, "events": told}
    assert len(told) > 1
    assert problems(frame) == []
    (shown,) = read_sections(field.bench.account)["grids"]
    assert problems(frame | {"events": [told[0] | {"data": shown}]}) == []


def test_position_row_is_not_touched_by_grids(field: Field) -> None:
    field.start()
    before = Position.objects.values().get()
    field.price(*FALL_AND_TURN)
    assert Position.objects.values().get() == before
