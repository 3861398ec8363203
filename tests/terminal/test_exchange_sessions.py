"""What the phases of the day do to orders, and matching against a moving market."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest

from qmt.calendar import Phase
from qmt.gateway import Side
from qmt.money import milli_of
from qmt.terminal.checks import Reject
from qmt.terminal.seeded import SeededMarket
from qmt.terminal.types import AccountConfig, PhaseEvent, QuoteEvent
from tests.terminal.desk import ALPHA, DAY, Desk, at

Opener = Callable[..., Desk]
NEXT = dt.date(2026, 11, 19)
RICH = AccountConfig(
    ALPHA, opening_cash=Decimal(100_000_000), opening_positions={"600001.SH": 10_000, "113009.SH": 1_000}
)
SEEDED = AccountConfig(ALPHA, opening_cash=Decimal(100_000_000), opening_positions={"600519.SH": 1_000})


@pytest.mark.parametrize("time", ["15:00:00", "15:10:00", "15:30:00", "23:00:00"])
def test_submit_after_the_close_is_refused(open_desk: Opener, time: str) -> None:
    assert open_desk(RICH, time=time).buy(100, "10.00").error_id == Reject.SESSION.error_id


@pytest.mark.parametrize(
    ("time", "opens"), [("08:40:00", "09:15:00"), ("09:26:00", "09:30:00"), ("11:40:00", "13:00:00")]
)
def test_submit_between_sessions_waits_for_the_next_one(open_desk: Opener, time: str, opens: str) -> None:
    desk = open_desk(RICH, time=time)
    order_id = desk.buy(100, "9.90").order_id
    assert desk.view(order_id).order_sysid == ""
    desk.until(opens)
    assert desk.statuses(order_id) == [48, 49, 50]
    assert desk.view(order_id).order_sysid == f"SIM{order_id}"


def test_submit_at_lunch_beyond_the_limits_is_junk_when_reported(open_desk: Opener) -> None:
    desk = open_desk(RICH, time="11:40:00")
    order_id = desk.buy(100, "12.00").order_id
    assert desk.status(order_id) == 49
    desk.until("13:00:00")
    assert desk.status(order_id) == 57
    assert desk.exchange.asset(ALPHA).frozen_cash == 0


def test_opening_auction_fills_better_orders_at_the_opening_price(open_desk: Opener) -> None:
    desk = open_desk(RICH, time="09:16:00")
    order_id = desk.buy(1_000, "10.50").order_id
    desk.until("09:24:59")
    assert desk.status(order_id) == 50
    desk.until("09:25:00")
    [trade] = desk.exchange.trades(ALPHA)
    assert (trade.price, trade.quantity, trade.traded_time) == (Decimal("10.00"), 1_000, at("09:25") // 1000)
    assert desk.status(order_id) == 56


def test_opening_auction_leaves_worse_orders_for_continuous_trading(open_desk: Opener) -> None:
    desk = open_desk(RICH, time="09:16:00")
    order_id = desk.buy(1_000, "9.99").order_id
    desk.until("09:31:00")
    assert desk.status(order_id) == 50


@pytest.mark.parametrize(
    ("time", "reject"),
    [("09:21:00", Reject.CANCEL_SESSION), ("14:58:00", Reject.CANCEL_SESSION), ("15:05:00", Reject.CANCEL_SESSION)],
)
def test_cancel_in_a_phase_without_cancels_is_refused(open_desk: Opener, time: str, reject: Reject) -> None:
    desk = open_desk(RICH, time="09:16:00")
    order_id = desk.buy(100, "9.50").order_id
    desk.until(time)
    assert desk.cancel(order_id).error_id == reject.error_id
    assert desk.status(order_id) == 50


@pytest.mark.parametrize(
    ("time", "done"), [("09:16:30", "09:16:31"), ("09:27:00", "09:30:00"), ("12:00:00", "13:00:00")]
)
def test_cancel_in_other_phases_is_done_when_the_exchange_takes_it(open_desk: Opener, time: str, done: str) -> None:
    desk = open_desk(RICH, time="09:16:00")
    order_id = desk.buy(100, "9.50").order_id
    desk.until(time)
    assert desk.cancel(order_id).ok
    assert desk.status(order_id) == 51
    assert desk.cancel(order_id).error_id == Reject.CANCEL_PENDING.error_id or desk.status(order_id) == 54
    desk.until(done)
    assert desk.status(order_id) == 54


def test_cancel_of_a_waiting_order_is_done_at_once(open_desk: Opener) -> None:
    desk = open_desk(RICH, time="11:40:00")
    order_id = desk.buy(100, "9.50").order_id
    assert desk.cancel(order_id).ok
    assert desk.statuses(order_id) == [48, 49, 54]


def test_closing_auction_collects_orders_and_trades_them_at_the_close(open_desk: Opener) -> None:
    desk = open_desk(RICH, time="14:58:00")
    order_id = desk.sell(1_000, "9.50").order_id  # the cage does not hold in auctions
    desk.until("14:59:59")
    assert desk.status(order_id) == 50
    desk.until("15:00:00")
    [trade] = desk.exchange.trades(ALPHA)
    assert (trade.price, trade.traded_time) == (Decimal("10.00"), at("15:00") // 1000)


def test_bonds_in_shanghai_trade_continuously_until_the_close(open_desk: Opener) -> None:
    desk = open_desk(RICH, time="14:58:00")
    assert desk.status(desk.sell(10, "99.900", "113009.SH").order_id) == 56
    resting = desk.sell(10, "101.000", "113009.SH").order_id
    assert desk.cancel(resting).ok
    desk.wait(1)
    assert desk.status(resting) == 54


def test_phases_of_a_day_are_told_once_each_in_order(open_desk: Opener) -> None:
    desk = open_desk(RICH, time="08:31:00")
    desk.exchange.drain_events()
    for time in ("09:14:00", "09:15:01", "09:28:00", "12:00:00", "15:40:00"):
        desk.until(time)
    phases = [event.phase for event in desk.exchange.drain_events() if isinstance(event, PhaseEvent)]
    assert phases == [
        Phase.OPEN_AUCTION, Phase.OPEN_AUCTION_NO_CANCEL, Phase.PRE_OPEN, Phase.CONTINUOUS, Phase.LUNCH,
        Phase.CONTINUOUS, Phase.CLOSE_AUCTION, Phase.AFTER_HOURS, Phase.CLOSED,
    ]  # fmt: skip


def test_quotes_in_continuous_trading_come_every_three_seconds_for_the_whole_market(open_desk: Opener) -> None:
    desk = open_desk(RICH, time="10:00:00")
    desk.exchange.drain_events()
    for _ in range(60):
        desk.wait(0.2)
    quotes = [event for event in desk.exchange.drain_events() if isinstance(event, QuoteEvent)]
    assert [event.at_ms for event in quotes] == [at("10:00:03"), at("10:00:06"), at("10:00:09"), at("10:00:12")]
    assert len(quotes[0].ticks) == len(desk.exchange.positions(ALPHA)) + 7


def test_quotes_at_lunch_do_not_come(open_desk: Opener) -> None:
    desk = open_desk(RICH, time="11:40:00")
    desk.exchange.drain_events()
    desk.wait(600)
    assert not [event for event in desk.exchange.drain_events() if isinstance(event, QuoteEvent)]


def test_resting_orders_fill_when_the_path_comes_to_their_price(open_desk: Opener, seeded: SeededMarket) -> None:
    desk = open_desk(SEEDED, market=seeded, time="09:31:00")
    ticks = seeded.ticks("600519.SH", DAY, now_ms=at("16:00"))
    later = ticks[ticks["time"] > at("09:31")]
    low = Decimal(str(round(float(later["lastPrice"].min()), 2)))
    order_id = desk.order(Side.BUY, 100, str(low), "600519.SH").order_id
    never = desk.order(Side.BUY, 100, str(low - Decimal("0.50")), "600519.SH").order_id
    first_touch = int(later["time"][later["lastPrice"] <= float(low)][0])
    desk.clock.set(first_touch - 1)
    desk.exchange.step()
    assert desk.view(order_id).traded_quantity == 0
    desk.until("15:00:00")
    trades = [trade for trade in desk.exchange.trades(ALPHA) if trade.order_id == order_id]
    assert all(trade.price == low for trade in trades)
    assert all(trade.traded_time * 1000 >= first_touch for trade in trades)
    assert desk.status(never) == 50


def test_fills_in_a_slot_never_exceed_what_the_market_traded_or_offered(
    open_desk: Opener, seeded: SeededMarket
) -> None:
    desk = open_desk(SEEDED, market=seeded, time="10:00:00")
    tape = seeded.tape(DAY)
    position = tape.index["600519.SH"]
    last = Decimal(tape.price(position, tape.slot_at(at("10:00")))) / 1000
    price = (last + Decimal("5.00")).quantize(Decimal("0.01"))
    order_id = desk.order(Side.BUY, 50_000, str(price), "600519.SH").order_id
    before = desk.view(order_id).traded_quantity
    for second in range(3, 60, 3):
        desk.until(f"10:00:{second:02d}")
        slot = tape.slot_at(desk.exchange.now_ms)
        depth = tape.depth(position, slot)
        offered = sum(size for level, size in depth.asks if level <= milli_of(price))
        now = desk.view(order_id).traded_quantity
        assert now - before <= tape.volume_in(position, slot) + offered
        before = now
    assert before > 0


def test_steps_of_any_length_give_the_same_fills(open_desk: Opener, seeded: SeededMarket) -> None:
    fills = []
    for file, pace in (("one", 0.7), ("two", 3_600.0)):
        desk = open_desk(SEEDED, market=seeded, time="10:00:00", file=file)
        desk.order(
            Side.BUY,
            3_000,
            str(seeded.snapshot(["600519.SH"], now_ms=at("10:00"))["600519.SH"].last_price),
            "600519.SH",
        )
        end = at("10:20")
        while desk.clock.now_ms() < end:
            desk.wait(min(pace, (end - desk.clock.now_ms()) / 1000))
        fills.append([(trade.price, trade.quantity, trade.traded_time) for trade in desk.exchange.trades(ALPHA)])
    assert fills[0] == fills[1]
    assert fills[0]
