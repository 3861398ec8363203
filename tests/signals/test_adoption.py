"""Positions that are taken up: open date, base cost and highest price from fills and bars; and fills that move them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from marketdata.models import DividendFactor
from marketdata.quotes.models import LatestQuote
from marketdata.quotes.periods import Period
from marketdata.quotes.store import bars_upsert
from ops.clocks import wall_now
from qmt.calendar import midnight_ms
from tests.orders.bench import MOUTAI, TODAY, Bench
from tests.quotes.builders import bars
from tests.signals.pit import Pit
from trading.ledger.models import Position
from trading.orders.choices import Side, Source, Status
from trading.orders.models import Order
from trading.signals.models import PositionTrack, Signal

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

LAST_WEEK = TODAY - timedelta(days=7)


@pytest.fixture
def pit(bench: Bench) -> Pit:
    """An account with the default plan and nothing in it."""
    pit = Pit(bench)
    pit.plan()
    return pit


def stored(pit: Pit, day: date, high: float, close: float) -> None:
    instrument = pit.bench.instruments[MOUTAI].pk
    bars_upsert(
        period=Period.DAY_1, rows=bars(instrument, [midnight_ms(day)], close, high=[high], low=[min(high, close)])
    )


def test_position_that_fills_explain_has_their_cost_and_date(pit: Pit) -> None:
    pit.bought(500, "8.00", trade_date=LAST_WEEK - timedelta(days=3))
    pit.bought(500, "8.50", side=Side.SELL, trade_date=LAST_WEEK - timedelta(days=2))
    pit.bought(600, "10.00", trade_date=LAST_WEEK)
    pit.bought(400, "11.00", trade_date=LAST_WEEK + timedelta(days=1))
    pit.hold(1000, "7.77")
    pit.at("10:00:00")
    track = pit.track
    assert (track.opened_on, str(track.cost), track.adopted) == (LAST_WEEK, "10.400000", False)


def test_position_opened_elsewhere_has_the_brokers_cost(pit: Pit) -> None:
    pit.hold(1000, "9.90")
    pit.at("10:00:00")
    assert (str(pit.track.cost), pit.track.adopted, pit.track.opened_on) == ("9.900000", True, TODAY)


def test_position_opened_elsewhere_and_added_to_here_averages_both(pit: Pit) -> None:
    pit.bought(500, "12.00", trade_date=LAST_WEEK)
    pit.hold(1000, "10.00")
    pit.at("10:00:00")
    assert (str(pit.track.cost), pit.track.adopted) == ("11.000000", True)


def test_highest_price_is_backfilled_from_bars_after_the_purchase(pit: Pit) -> None:
    pit.bought(1000, "10.00", trade_date=LAST_WEEK)
    stored(pit, LAST_WEEK - timedelta(days=1), 30.0, 29.0)
    stored(pit, LAST_WEEK, 20.0, 10.5)  # its high may lie before the purchase
    stored(pit, LAST_WEEK + timedelta(days=1), 12.5, 12.0)
    pit.hold(1000)
    pit.at("10:00:00")
    assert str(pit.track.hi) == "12.500000"


def test_highest_price_of_today_counts_for_a_position_of_yesterday(pit: Pit) -> None:
    pit.bought(1000, "10.00", trade_date=LAST_WEEK)
    pit.hold(1000)
    quote = {"last": 10.0, "open": 10.0, "low": 10.0, "pre_close": 10.0, "volume": 1, "amount": 1.0, "received_at": 1}
    LatestQuote.objects.create(
        instrument_id=pit.bench.instruments[MOUTAI].pk, ts=midnight_ms(TODAY) + 36_000_000, high=10.9, **quote
    )
    pit.at("10:00:00")
    assert str(pit.track.hi) == "10.900000"


def test_backfill_is_in_the_terms_of_today(pit: Pit) -> None:
    # Bought 1,000 at 12, then 1.25 shares for one: 1,250 at 9.60.
    pit.bought(1000, "12.00", trade_date=LAST_WEEK)
    stored(pit, LAST_WEEK + timedelta(days=1), 15.0, 14.0)
    DividendFactor.objects.create(
        instrument=pit.bench.instruments[MOUTAI], date=LAST_WEEK + timedelta(days=2), stock_bonus=0.25, dr=1.25
    )
    pit.hold(1250, "9.00")
    pit.at("10:00:00")
    track = pit.track
    assert (str(track.cost), str(track.hi), track.adopted) == ("9.600000", "12.000000", False)


def test_purchase_moves_the_cost_and_a_sale_does_not(pit: Pit) -> None:
    pit.hold(1000, "10.00")
    pit.at("10:00:00")
    pit.bought(1000, "9.00")
    Position.objects.update(quantity=2000)
    pit.sync()
    assert (str(pit.track.cost), pit.track.quantity) == ("9.500000", 2000)
    pit.bought(500, "9.00", side=Side.SELL)
    Position.objects.update(quantity=1500)
    pit.sync()
    assert (str(pit.track.cost), pit.track.quantity) == ("9.500000", 1500)


@pytest.mark.postgres
def test_fill_is_taken_in_once_over_restarts(pit: Pit) -> None:
    pit.hold(1000, "10.00")
    pit.at("10:00:00")
    pit.bought(1000, "9.00")
    Position.objects.update(quantity=2000)
    for _start in range(3):
        pit.crash()
    assert str(pit.track.cost) == "9.500000"


def test_holding_sold_out_and_bought_again_is_another_one(pit: Pit) -> None:
    pit.hold(1000, "10.00")
    pit.at("10:00:00")
    pit.walk("10.90")
    pit.bought(1000, "10.90", side=Side.SELL)
    pit.bought(800, "10.50")
    Position.objects.update(quantity=800)
    pit.sync()
    assert (str(pit.track.cost), str(pit.track.hi), pit.track.quantity) == ("10.500000", "10.500000", 800)
    assert PositionTrack.objects.count() == 2


def test_first_take_profit_is_done_by_its_fill_not_by_its_order(pit: Pit) -> None:
    pit.automatic()
    pit.hold(1000, "10.00")
    pit.at("10:00:00")
    pit.walk("10.60", "10.70", "10.60")
    signal = Signal.objects.get()
    pit.sync()
    assert (signal.kind, pit.track.first_done) == ("FIRST_TAKE_PROFIT", False)
    order = Order.objects.get(client_order_id=f"auto:sig:{signal.pk}:1")
    pit.bought(100, "10.59", side=Side.SELL, order=order)
    Position.objects.update(quantity=900)
    pit.sync()
    assert (pit.track.first_done, pit.track.bh) == (True, None)


def test_first_take_profit_that_was_filled_is_known_to_a_new_follower(pit: Pit) -> None:
    pit.bought(1000, "10.00", trade_date=LAST_WEEK)
    signal = Signal.objects.create(
        account=pit.bench.account,
        user=pit.bench.alice,
        kind="FIRST_TAKE_PROFIT",
        priority=20,
        symbol=MOUTAI,
        instrument_id=1,
        side="SELL",
        quantity=600,
        price=Decimal("10.60"),
        quote_ts=1,
        trade_date=LAST_WEEK,
        detected_at=wall_now(),
        expires_at=wall_now(),
        state="DONE",
    )
    order = Order.objects.create(
        account=pit.bench.account,
        source=Source.SIGNAL,
        client_order_id=f"auto:sig:{signal.pk}:1",
        symbol=MOUTAI,
        side=Side.SELL,
        price_type="LIMIT",
        quantity=600,
        status=Status.FILLED,
        epoch=1,
        trade_date=LAST_WEEK,
        host_name="sim",
        simulated=True,
        submitted_at=wall_now(),
        expires_at=wall_now(),
        final_at=wall_now(),
    )
    pit.bought(600, "10.60", side=Side.SELL, order=order, trade_date=LAST_WEEK + timedelta(days=1))
    pit.hold(400, "10.00")
    pit.at("10:00:00")
    assert pit.track.first_done


def test_position_whose_cost_nobody_knows_is_not_watched(pit: Pit) -> None:
    pit.hold(1000, "0.00")
    pit.at("10:00:00")
    assert (pit.track.paused, pit.walk("0.01")) == ("COST_UNKNOWN", [])
