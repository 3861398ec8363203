"""A fed exchange: what it may trade with, and what it must not."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmt.calendar import Phase, date_of_ms, time_of_ms
from qmt.gateway import DividendFactor, Side
from qmt.pricetypes import FIX_PRICE
from qmt.terminal.clock import ManualClock
from qmt.terminal.fed import FedExchange, FedMarket
from qmt.terminal.fedfeed import Feed
from qmt.terminal.history import HistoryError
from qmt.terminal.inprocess import DEFAULT_DAY, InProcessTerminal, default_calendar
from qmt.terminal.state import StateStore
from qmt.terminal.terminal import Terminal
from qmt.terminal.types import AccountConfig, OrderTicket
from tests.terminal.desk import ALPHA, DAY, at
from tests.terminal.fedsource import AUCTION, BREAK, CLOSED, CLOSING, OTHER, SYMBOL, FedDesk, snapshot

NEXT = dt.date(2026, 11, 19)
REPORTED, CANCELED, PART_FILLED, FILLED = 50, 54, 55, 56
TEN = Decimal("10.00")


# --- the displayed book ---------------------------------------------------------------------------


def test_buy_takes_the_displayed_asks_at_their_own_prices() -> None:
    desk = FedDesk()
    desk.show(asks=[(10.00, 300), (10.01, 500)], bids=[(9.99, 900)])

    order = desk.buy(1000, "10.01")

    assert desk.fills() == [(TEN, 300), (Decimal("10.01"), 500)]
    assert desk.view(order).status == PART_FILLED


def test_level_that_stays_on_display_trades_once() -> None:
    desk = FedDesk()
    desk.show(asks=[(10.00, 300)])
    order = desk.buy(1000, "10.00")

    desk.wait(3)
    desk.show(asks=[(10.00, 300)])

    assert desk.view(order).traded_quantity == 300


def test_what_is_added_to_a_level_trades() -> None:
    desk = FedDesk()
    desk.show(asks=[(10.00, 300)])
    order = desk.buy(1000, "10.00")

    desk.wait(3)
    desk.show(asks=[(10.00, 500)])

    assert desk.view(order).traded_quantity == 500


def test_two_orders_share_what_is_displayed() -> None:
    desk = FedDesk()
    desk.show(asks=[(10.00, 500)])
    first, second = desk.buy(400, "10.00"), desk.buy(400, "10.00")

    assert [desk.view(one).traded_quantity for one in (first, second)] == [400, 100]


def test_resting_order_gets_nothing_from_volume_that_trades_elsewhere() -> None:
    desk = FedDesk()
    desk.show(asks=[(10.02, 300)], bids=[(10.00, 900)], volume=1000)
    order = desk.buy(1000, "10.00")

    desk.wait(3)
    desk.show(asks=[(10.02, 300)], bids=[(9.99, 900)], last=9.99, volume=500_000)

    assert desk.view(order).traded_quantity == 0


def test_resting_order_trades_when_the_market_offers_at_its_price() -> None:
    desk = FedDesk()
    desk.show(asks=[(10.02, 300)])
    order = desk.buy(1000, "10.00")

    desk.wait(3)
    desk.show(asks=[(9.99, 200), (10.00, 100), (10.01, 900)])

    assert desk.fills() == [(Decimal("9.99"), 200), (TEN, 100)]
    assert desk.view(order).status == PART_FILLED


def test_snapshot_of_another_date_shows_no_book() -> None:
    desk = FedDesk()
    assert desk.source.callback is not None
    desk.source.callback({SYMBOL: snapshot(at("14:59:00", dt.date(2026, 11, 17)), asks=[(10.00, 900)])})

    order = desk.buy(100, "10.00")

    assert desk.view(order).traded_quantity == 0


def test_halted_instrument_does_not_trade() -> None:
    desk = FedDesk()
    desk.show(asks=[(10.00, 900)], status=17)

    assert desk.view(desk.buy(100, "10.00")).traded_quantity == 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(st.integers(995, 1005), st.integers(1, 9)), max_size=5, unique_by=lambda row: row[0]),
            st.lists(st.tuples(st.integers(997, 1005), st.integers(1, 12)), max_size=3),
        ),
        max_size=12,
    )
)
def test_fills_never_exceed_what_was_displayed(
    rounds: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]],
) -> None:
    desk = FedDesk()
    offered: dict[int, int] = {}
    shown: dict[int, int] = {}
    for levels, orders in rounds:
        now = {cents: lots * 100 for cents, lots in levels}
        for cents, size in now.items():  # every share that newly came on display
            offered[cents] = offered.get(cents, 0) + max(size - shown.get(cents, 0), 0)
        shown = now
        desk.wait(3)
        desk.show(asks=[(cents / 100, size) for cents, size in sorted(now.items())])
        for cents, lots in orders:
            desk.order(Side.BUY, lots * 100, str(Decimal(cents) / 100))
    traded: dict[int, int] = {}
    for price, quantity in desk.fills():
        traded[int(price * 100)] = traded.get(int(price * 100), 0) + quantity
    assert all(quantity <= offered.get(cents, 0) for cents, quantity in traded.items())


# --- a silent source ------------------------------------------------------------------------------


def test_new_order_is_refused_with_the_reason_while_the_source_is_away() -> None:
    desk = FedDesk()
    desk.show(asks=[(10.00, 900)])
    desk.source.is_up = False
    desk.wait(11)

    result = desk.order(Side.BUY, 100, "10.00")

    assert not result.accepted
    assert result.error_id == 260020
    assert "live1 has not answered for 11 s" in result.message
    assert desk.exchange.orders(ALPHA) == []


def test_source_that_answers_but_sends_no_quote_is_stale_too() -> None:
    desk = FedDesk()
    desk.show(asks=[(10.00, 900)])
    desk.wait(11)

    assert "has sent no quote for 11 s" in desk.order(Side.BUY, 100, "10.00").message


def test_open_order_stays_and_can_be_cancelled_while_the_source_is_away() -> None:
    desk = FedDesk()
    desk.show(asks=[(10.02, 900)])
    order = desk.buy(100, "10.00")
    desk.source.is_up = False
    desk.wait(60)
    assert desk.view(order).status == REPORTED

    assert desk.exchange.cancel(ALPHA, order_id=order).ok
    desk.wait(1)

    assert desk.view(order).status == CANCELED


def test_book_from_before_a_gap_is_not_traded_with() -> None:
    desk = FedDesk()
    desk.show(asks=[(10.00, 900)])
    desk.source.is_up = False
    desk.wait(30)
    desk.source.is_up, desk.source.present = True, None
    desk.wait(1)
    assert desk.source.callback is not None
    desk.source.callback({OTHER: replace(snapshot(desk.source.now_ms), symbol=OTHER)})

    order = desk.buy(100, "10.00")
    assert desk.view(order).traded_quantity == 0

    desk.show(asks=[(10.00, 900)])
    assert desk.view(order).status == FILLED


def test_reconnect_brings_the_present_book_and_matching_goes_on() -> None:
    desk = FedDesk()
    desk.show(asks=[(10.02, 900)])
    order = desk.buy(100, "10.00")
    desk.source.is_up = False
    desk.wait(30)
    desk.source.is_up = True
    desk.source.present = snapshot(desk.source.now_ms, asks=[(10.00, 900)], volume=90_000)

    desk.wait(1)

    assert (desk.view(order).status, desk.market.trouble()) == (FILLED, "")


def test_lunch_is_no_silence() -> None:
    desk = FedDesk("11:29:58")
    desk.show(asks=[(10.00, 900)])
    for _ in range(60):
        desk.wait(90.1)  # to 13:00:04, with an answer now and then

    assert desk.exchange.phase is Phase.CONTINUOUS
    assert desk.market.trouble() == ""
    assert desk.order(Side.BUY, 100, "9.99").accepted


def test_book_of_the_morning_does_not_trade_after_lunch() -> None:
    desk = FedDesk("11:29:58")
    desk.until("11:30:00")
    desk.show(asks=[(10.00, 900)], status=BREAK)
    desk.until("13:00:01")
    order = desk.buy(100, "10.00")
    assert desk.view(order).traded_quantity == 0

    desk.wait(2)
    desk.show(asks=[(10.00, 900)])

    assert desk.view(order).status == FILLED


# --- auctions -------------------------------------------------------------------------------------


def _opening(desk: FedDesk) -> None:
    desk.until("09:25:01")
    desk.source.now_ms = at("09:25:01")
    desk.show(asks=[(10.06, 700)], bids=[(10.05, 300)], last=10.05, open_=10.05, volume=800, status=AUCTION)


def test_opening_auction_fills_better_orders_at_the_official_price() -> None:
    desk = FedDesk("09:15:00")
    desk.show(asks=[(10.04, 500)], bids=[(10.04, 500)], last=0.0, volume=0, status=AUCTION, open_=0.0)
    better, at_price, worse = desk.buy(300, "10.10"), desk.buy(300, "10.05"), desk.buy(300, "10.00")

    _opening(desk)

    assert desk.fills() == [(Decimal("10.05"), 300)]
    assert [desk.view(one).traded_quantity for one in (better, at_price, worse)] == [300, 0, 0]


def test_auction_gives_no_more_than_it_matched() -> None:
    desk = FedDesk("09:15:00")
    desk.show(last=0.0, volume=0, status=AUCTION, open_=0.0)
    first, second = desk.buy(500, "10.20"), desk.buy(500, "10.10")

    _opening(desk)

    assert [desk.view(one).traded_quantity for one in (first, second)] == [500, 300]


def test_auction_that_was_not_followed_from_its_start_fills_nothing() -> None:
    desk = FedDesk("09:15:00")
    desk.show(last=0.0, volume=0, status=AUCTION, open_=0.0)
    order = desk.buy(300, "10.10")
    desk.source.is_up = False
    desk.until("09:25:30")
    desk.source.is_up = True
    desk.source.present = None
    desk.wait(1)
    desk.show(last=10.05, open_=10.05, volume=800, status=AUCTION)

    assert desk.view(order).traded_quantity == 0


def test_closing_auction_fills_at_the_close_when_it_arrives_after_three() -> None:
    desk = FedDesk("14:56:50")
    desk.show(asks=[(10.02, 500)], bids=[(10.00, 500)], volume=50_000)
    desk.until("14:58:00")
    desk.show(last=10.0, volume=50_000, status=CLOSING, asks=[(10.00, 100)], bids=[(10.00, 100)])
    order = desk.buy(500, "10.10")
    assert desk.view(order).traded_quantity == 0

    desk.until("15:00:03")
    desk.show(last=10.03, volume=50_400, status=CLOSED)

    assert desk.fills() == [(Decimal("10.03"), 400)]
    assert desk.exchange.phase is Phase.AFTER_HOURS
    assert desk.view(order).status == PART_FILLED


def test_auction_of_a_simulated_source_fills_at_its_official_price() -> None:
    source = InProcessTerminal(clock=ManualClock(at("09:16:00", DEFAULT_DAY)))
    seconds = [0.0]
    feed = Feed("sim", gateway=source.quote_gateway(), address=lambda: "-", monotonic=lambda: seconds[0])
    assert feed.poll()
    market = FedMarket(feed, default_calendar())
    exchange = FedExchange(market=market, store=StateStore(":memory:", identity=""), accounts=[AccountConfig(ALPHA)])
    facts = market.day_facts("600000.SH", DEFAULT_DAY)
    assert facts is not None
    assert facts.limit_up_milli is not None
    price = Decimal(facts.limit_up_milli) / 1000
    assert exchange.submit(OrderTicket(ALPHA, "600000.SH", Side.BUY, 300, FIX_PRICE, price)).accepted
    for _ in range(10 * 60):
        source.advance(1)
        seconds[0] += 1
        feed.poll()
        exchange.step()

    official = source.market.snapshot(["600000.SH"], now_ms=source.exchange.now_ms)["600000.SH"].open
    assert [(trade.price, trade.quantity) for trade in exchange.trades(ALPHA)] == [(Decimal(str(official)), 300)]
    assert exchange.phase is Phase.PRE_OPEN
    source.close()


# --- clock and days -------------------------------------------------------------------------------


def test_clock_of_a_real_market_runs_while_its_host_is_away() -> None:
    desk = FedDesk("14:50:00")
    desk.source.is_up = False
    desk.wait(15 * 60)

    assert time_of_ms(desk.exchange.now_ms) == dt.time(15, 5)
    assert desk.exchange.phase is Phase.AFTER_HOURS


def test_clock_of_a_simulated_market_stands_still_while_its_host_is_away() -> None:
    desk = FedDesk("14:50:00", simulated=True)
    desk.source.is_up = False
    desk.wait(15 * 60)

    assert time_of_ms(desk.exchange.now_ms) == dt.time(14, 50, 1)


def test_market_time_never_goes_back() -> None:
    desk = FedDesk("10:00:00")
    desk.wait(60)
    desk.source.now_ms -= 30_000
    desk.wait(1)

    assert time_of_ms(desk.exchange.now_ms) == dt.time(10, 1)


def test_new_day_begins_with_its_facts_and_frees_what_was_bought() -> None:
    desk = FedDesk()
    desk.show(asks=[(10.00, 900)])
    desk.buy(500, "10.00")
    resting = desk.buy(500, "9.50")

    desk.next_day(NEXT)

    (holding,) = desk.exchange.positions(ALPHA)
    assert (desk.exchange.trade_date, holding.sellable, holding.on_road) == (NEXT, 500, 0)
    assert desk.exchange.orders(ALPHA) == [], resting


def test_day_does_not_begin_before_its_facts_are_known() -> None:
    desk = FedDesk()
    desk.next_day(NEXT, known=False)
    desk.wait(60)

    assert desk.exchange.trade_date == DAY
    assert date_of_ms(desk.exchange.now_ms) == NEXT

    desk.source.known_date = NEXT
    desk.wait(1)
    assert desk.exchange.trade_date == NEXT


def test_dividend_of_the_source_is_booked_on_the_ex_date() -> None:
    desk = FedDesk()
    desk.show(asks=[(10.00, 900)])
    desk.buy(500, "10.00")
    cash = desk.exchange.asset(ALPHA).cash
    zero = Decimal(0)
    desk.source.factor_rows = [
        DividendFactor(SYMBOL, NEXT, Decimal("0.35"), zero, Decimal("0.3"), zero, zero, zero, Decimal("1.3"))
    ]

    desk.next_day(NEXT)

    (holding,) = desk.exchange.positions(ALPHA)
    assert holding.quantity == 650
    assert desk.exchange.asset(ALPHA).cash - cash == Decimal("175.00")


def test_restart_days_later_passes_through_the_days_it_did_not_see(tmp_path: Path) -> None:
    state = str(tmp_path / "fed.sqlite3")
    desk = FedDesk(state=state)
    desk.show(asks=[(10.00, 900)])
    desk.buy(500, "10.00")
    desk.store.close()

    later = dt.date(2026, 11, 23)
    again = FedDesk(state=state, day=later)
    exchange = again.exchange
    exchange.step()

    (holding,) = exchange.positions(ALPHA)
    assert (exchange.trade_date, holding.quantity, holding.sellable) == (later, 500, 500)


# --- what it does not answer ----------------------------------------------------------------------


def test_history_is_not_available_and_says_where_it_is() -> None:
    desk = FedDesk()
    terminal = Terminal(exchange=desk.exchange, market=desk.market)

    with pytest.raises(HistoryError, match=r"NOT_AVAILABLE: this terminal is fed from live1"):
        terminal.read_bars([SYMBOL], "1d", "", "", count=-1, dividend_type="none", fill=False, from_server=False)
    terminal.close()


def test_instruments_without_rules_are_left_out() -> None:
    assert [one.symbol for one in FedDesk().market.instruments()] == [SYMBOL, OTHER]
