"""Detection: quotes in, signals out, in trading time and by fresh quotes only."""

from __future__ import annotations

from typing import Any

import pytest

from ops.models import Alert
from tests.orders.bench import MOUTAI, TODAY
from tests.signals.pit import Pit
from trading.signals.models import PositionTrack, Signal

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


def test_stop_loss_fires_at_its_level_and_once_while_it_holds(pit: Pit) -> None:
    assert pit.walk("9.26", "9.25", "9.10", "9.25") == ["STOP_LOSS 9.25"]
    signal = pit.signal
    assert (signal.side, signal.quantity, str(signal.price), signal.state) == ("SELL", 1000, "9.250000", "RECORDED")
    assert signal.facts["level"] == "9.25"


def test_stop_loss_fires_again_after_it_had_not_held(pit: Pit) -> None:
    assert pit.walk("9.25", "9.26", "9.24") == ["STOP_LOSS 9.25", "STOP_LOSS 9.24"]


def test_first_take_profit_arms_without_a_trade_and_fires_on_the_way_back(pit: Pit) -> None:
    # 10.70 × 0.995 = 10.6465: 10.65 does not fire, 10.64 does.
    assert pit.walk("10.59", "10.60", "10.70", "10.65", "10.64") == ["FIRST_TAKE_PROFIT 10.64"]
    assert pit.signal.quantity == 600
    assert pit.signal.facts["bh"] == "10.7"


def test_first_take_profit_that_fell_too_far_is_disarmed(pit: Pit) -> None:
    # 10 × 1.06 × 0.995² = 10.494265.
    assert pit.walk("10.60", "10.49", "10.58") == []
    assert pit.walk("10.60", "10.50") == ["FIRST_TAKE_PROFIT 10.50"]


def test_first_take_profit_without_sellable_shares_is_no_signal(pit: Pit) -> None:
    pit.hold(sellable=0)
    pit.sync()
    assert pit.walk("10.70", "10.60") == []
    pit.hold(sellable=1000)
    pit.sync()
    assert pit.walk("10.60") == ["FIRST_TAKE_PROFIT 10.60"]


def test_trailing_waits_for_the_first_take_profit(pit: Pit) -> None:
    assert pit.walk("12.00", "11.95", "11.94", "11.20") == ["FIRST_TAKE_PROFIT 11.94"]
    PositionTrack.objects.update(first_done=True)
    pit.sync()
    # g = 20%: 12 × 0.87 = 10.44.
    assert pit.walk("10.45", "10.44") == ["TRAILING 10.44"]
    assert pit.signal.quantity == 1000


def test_trailing_below_the_first_step_is_a_floor_under_cost(pit: Pit) -> None:
    PositionTrack.objects.update(first_done=True, hi="10.400000")
    pit.plan(terms={"stop_loss": False})
    pit.sync()
    assert pit.walk("9.26", "9.25") == ["TRAILING 9.25"]


def test_of_two_exits_the_more_urgent_one_is_the_signal(pit: Pit) -> None:
    PositionTrack.objects.update(first_done=True, hi="12.000000")
    pit.sync()
    assert pit.walk("9.00", "9.30", "9.60") == ["STOP_LOSS 9.00"]


def test_adding_buys_within_the_band_with_its_cooldown(pit: Pit) -> None:
    pit.plan(terms={"add": True})
    pit.sync()
    assert pit.walk("9.31", "9.30", "9.28") == ["ADD 9.30"]
    # 35,000 / 9.30 = 3,763 shares, in whole lots.
    assert (pit.signal.side, pit.signal.quantity) == ("BUY", 3700)
    pit.at("10:02:05")
    assert pit.walk("9.26") == ["ADD 9.26"]


def test_adding_stops_at_the_positions_limit(pit: Pit) -> None:
    pit.plan(terms={"add": True, "add_position_limit": "10000"})
    pit.sync()
    # 10,000 − 1,000 × 9.30 = 700 CNY: below the least amount.
    assert pit.walk("9.30") == []


@pytest.mark.parametrize("moment", ["09:20:00", "09:29:59", "11:30:00", "12:15:00", "14:57:00", "15:00:00"])
def test_quotes_out_of_continuous_trading_are_not_looked_at(pit: Pit, moment: str) -> None:
    pit.at(moment)
    assert pit.quote("9.00") == []


def test_quotes_older_than_ten_seconds_are_not_looked_at(pit: Pit) -> None:
    pit.at("10:00:11")
    assert pit.quote("9.00", stamp="10:00:00") == []
    assert len(pit.quote("9.00", stamp="10:00:02")) == 1


def test_quotes_of_another_host_are_not_looked_at(pit: Pit) -> None:
    assert pit.quote("9.00", host="elsewhere") == []


def test_quotes_without_a_price_are_not_looked_at(pit: Pit) -> None:
    assert pit.quote("0") == []


def test_quotes_that_come_out_of_order_do_not_go_back(pit: Pit) -> None:
    pit.quote("10.20", stamp="10:00:03")
    assert pit.quote("9.00", stamp="10:00:01") == []


def test_positions_whose_plan_is_off_are_not_followed(pit: Pit) -> None:
    pit.plan(symbol=MOUTAI, enabled=False)
    pit.sync()
    assert pit.quote("9.00") == []
    assert not PositionTrack.objects.filter(ended_at__isnull=True).exists()


def test_a_high_that_cannot_be_right_is_reset_and_told(pit: Pit, django_capture_on_commit_callbacks: Any) -> None:
    PositionTrack.objects.update(hi="2000.000000", first_done=True)
    pit.restart()
    with django_capture_on_commit_callbacks(execute=True):
        assert pit.walk("10.10") == []
    assert pit.engine._hosts["sim"].screen.hi[0] == 10.1
    assert Alert.objects.get().facts["reset_to"] == "10.1"


def test_a_price_at_a_level_to_the_last_digit_is_decided_exactly(pit: Pit) -> None:
    # 33.3 × 0.925 = 30.8025 exactly; as floats the product lies above it.
    pit.hold(cost="33.30")
    PositionTrack.objects.all().delete()
    pit.restart()
    assert pit.walk("30.803") == []
    assert pit.walk("30.8025") == ["STOP_LOSS 30.8025"]


@pytest.mark.postgres
def test_one_quote_that_comes_twice_is_one_signal(pit: Pit) -> None:
    pit.quote("9.20")
    pit.crash()
    PositionTrack.objects.update(latches=0)
    pit.crash()
    assert pit.quote("9.20") == []
    assert Signal.objects.count() == 1
    assert Signal.objects.get().trade_date == TODAY


# --------------------------------------------------------------------------- persistence
@pytest.mark.postgres
def test_highest_price_and_stage_survive_a_restart(pit: Pit) -> None:
    pit.walk("10.60", "10.90")
    pit.restart()
    assert (str(pit.track.hi), str(pit.track.bh)) == ("10.900000", "10.900000")
    # 10.90 × 0.995 = 10.8455.
    assert pit.walk("10.85", "10.84") == ["FIRST_TAKE_PROFIT 10.84"]


def test_what_was_told_is_not_told_again_after_a_kill(pit: Pit) -> None:
    assert pit.walk("9.20") == ["STOP_LOSS 9.20"]
    pit.crash()
    assert pit.walk("9.10") == []


def test_store_writes_nothing_when_nothing_changed(pit: Pit, django_assert_num_queries: Any) -> None:
    pit.walk("10.20")
    pit.engine._store_memory()
    assert str(pit.track.hi) == "10.200000"
    with django_assert_num_queries(0):
        pit.engine._store_memory()


def test_a_position_that_is_gone_ends_its_track_and_a_new_one_starts_anew(pit: Pit) -> None:
    pit.walk("11.00")
    position = pit.hold()
    position.delete()
    pit.sync()
    assert not PositionTrack.objects.filter(ended_at__isnull=True).exists()
    pit.hold(cost="9.00")
    pit.sync()
    assert (str(pit.track.cost), str(pit.track.hi)) == ("9.000000", "9.000000")
