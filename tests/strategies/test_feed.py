"""Bars as they are handed over: each instant once, whole or overdue, never open; and what is looked back on."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.periods import Period, day_number
from marketdata.quotes.store import bars_upsert
from marketdata.services.adjust import ExEvent
from ops.clocks import SHANGHAI, MarketClock, wall_now
from qmt.calendar import Phase, midnight_ms, phase_at
from trading.strategies.runtime.feed import BarFeed
from trading.strategies.runtime.history import History
from trading.strategies.runtime.moments import bar_moment, order_day, place_until, within_hours

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

DAY = date(2026, 11, 20)
MONDAY = date(2026, 11, 23)
IDS = {11: 0, 12: 1}


def at(text: str, day: date = DAY) -> datetime:
    return datetime.combine(day, datetime.fromisoformat(f"2026-01-01T{text}").time(), SHANGHAI)


def ms(text: str, day: date = DAY) -> int:
    return int(at(text, day).timestamp() * 1000)


def clock(text: str, day: date = DAY, **changes: Any) -> MarketClock:
    moment = at(text, day)
    values: dict[str, Any] = {
        "host": "sim",
        "trade_date": day,
        "phase": phase_at(moment.time()),
        "market_time": moment,
        "simulated": True,
        "observed_at": wall_now(),
        "stale": False,
    }
    return MarketClock(**(values | changes))


def store(period: Period, rows: list[tuple[int, int, float]]) -> None:
    closes = np.array([close for _owner, _ts, close in rows])
    bars_upsert(
        period=period,
        rows=QuoteColumns.build(
            BAR,
            instrument_id=np.array([owner for owner, _ts, _close in rows], dtype=np.int64),
            ts=np.array([ts for _owner, ts, _close in rows], dtype=np.int64),
            columns={
                "open": closes,
                "high": closes,
                "low": closes,
                "close": closes,
                "volume": np.full(len(rows), 100),
                "amount": closes * 100,
            },
        ),
        replace=False,
    )


def closes(due: list[tuple[int, Any]]) -> list[tuple[int, list[float]]]:
    return [(ts, [round(float(value), 2) for value in values[:, 3]]) for ts, values in due]


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No wait on the wall clock."""
    monkeypatch.setattr("trading.strategies.runtime.feed.SETTLE_SECONDS", 0.0)


def test_feed_hands_whole_instants_over_in_order() -> None:
    store(
        Period.MINUTE_1,
        [(12, ms("10:01"), 2.1), (11, ms("10:01"), 1.1), (11, ms("10:00"), 1.0), (12, ms("10:00"), 2.0)],
    )
    feed = BarFeed(IDS, "1m", ms("09:59"))
    assert closes(feed.due(clock("10:01:02"))) == [(ms("10:00"), [1.0, 2.0]), (ms("10:01"), [1.1, 2.1])]
    feed.after_ts = ms("10:00")
    assert [ts for ts, _ in feed.due(clock("10:01:02"))] == [ms("10:01")]


def test_feed_holds_an_instant_back_until_the_missing_are_overdue(settled: None) -> None:
    store(Period.MINUTE_1, [(11, ms("10:00"), 1.0)])
    feed = BarFeed(IDS, "1m", ms("09:59"))
    assert feed.due(clock("10:00:07")) == []
    due = feed.due(clock("10:00:08"))
    assert due[0][0] == ms("10:00")
    assert np.isnan(due[0][1][1]).all()


def test_feed_waits_on_the_wall_clock_too() -> None:
    store(Period.MINUTE_1, [(11, ms("10:00"), 1.0)])
    feed = BarFeed(IDS, "1m", ms("09:59"))
    assert feed.due(clock("10:05:00")) == []


def test_feed_never_passes_a_missing_instant_by() -> None:
    store(Period.MINUTE_1, [(11, ms("10:00"), 1.0), (11, ms("10:01"), 1.1), (12, ms("10:01"), 2.1)])
    assert BarFeed(IDS, "1m", ms("09:59")).due(clock("10:01:02")) == []


def test_feed_finds_what_follows_a_long_silence() -> None:
    later = DAY + timedelta(days=100)
    store(Period.DAY_1, [(11, midnight_ms(later), 1.0), (12, midnight_ms(later), 2.0)])
    feed = BarFeed(IDS, "1d", midnight_ms(DAY))
    assert [ts for ts, _ in feed.due(clock("16:00:00", later))] == [midnight_ms(later)]


def test_feed_shows_no_bar_of_the_future() -> None:
    store(Period.MINUTE_1, [(11, ms("10:01"), 1.0), (12, ms("10:01"), 2.0)])
    assert BarFeed(IDS, "1m", ms("09:59")).due(clock("10:00:59")) == []


def test_feed_daily_bar_closes_at_three(settled: None) -> None:
    store(Period.DAY_1, [(11, midnight_ms(DAY), 1.0), (12, midnight_ms(DAY), 2.0)])
    feed = BarFeed(IDS, "1d", midnight_ms(DAY - timedelta(days=1)))
    assert feed.due(clock("14:59:59")) == []
    assert [ts for ts, _ in feed.due(clock("15:00:00"))] == [midnight_ms(DAY)]


def test_feed_day_with_missing_symbols_waits_for_the_next_session(settled: None) -> None:
    store(Period.DAY_1, [(11, midnight_ms(DAY), 1.0)])
    feed = BarFeed(IDS, "1d", midnight_ms(DAY - timedelta(days=1)))
    assert feed.due(clock("20:00:00", phase=Phase.CLOSED)) == []
    assert feed.due(clock("09:29:59", MONDAY)) == []
    assert [ts for ts, _ in feed.due(clock("09:30:00", MONDAY))] == [midnight_ms(DAY)]


# ---------------------------------------------------------------------------- looking back
def row(close: float) -> list[float]:
    return [close, close, close, close, 100.0, 1000.0]


def test_history_keeps_what_was_declared_and_no_more() -> None:
    history = History(["A", "B"], 2)
    for number in range(1, 4):
        history.add(ms(f"10:0{number}"), np.array([row(number), row(10 + number) if number != 2 else [np.nan] * 6]))
    assert history.read("A", 2, "close", DAY).tolist() == [2.0, 3.0]
    assert history.read("B", 2, "close", DAY).tolist() == [11.0, 13.0]
    np.testing.assert_array_equal(history.panel(2, "close", DAY), [[2.0, np.nan], [3.0, 13.0]])


def test_history_is_adjusted_as_of_its_date_and_no_later() -> None:
    history = History(["A"], 5)
    event = ExEvent(day_number(MONDAY), 1.0, 0.0, 0.0, 0.0, 0.0, 1.1)
    history.factors({"A": [event]})
    history.add(midnight_ms(DAY), np.array([row(11.0)]))
    assert history.read("A", 1, "close", DAY).tolist() == [11.0]
    history.add(midnight_ms(MONDAY), np.array([row(10.2)]))
    assert history.read("A", 2, "close", MONDAY).tolist() == [10.0, 10.2]
    assert history.read("A", 2, "volume", MONDAY).tolist() == [100.0, 100.0]
    assert history.prices["A"] == Decimal("10.2")


def test_history_is_read_only() -> None:
    history = History(["A"], 1)
    history.add(ms("10:00"), np.array([row(1.0)]))
    with pytest.raises(ValueError, match="read-only"):
        history.read("A", 1, "close", DAY)[0] = 2.0


# ------------------------------------------------------------------------- market moments
def following(day: date) -> date:
    return {DAY: MONDAY}[day]


@pytest.mark.parametrize(
    ("moment", "period", "until"),
    [
        ("10:00", "1m", ms("10:02")),
        ("10:00", "5m", ms("10:06")),
        ("11:30", "1m", ms("13:02")),
        ("09:26", "1m", ms("09:32")),
        ("15:00", "1m", ms("15:00", MONDAY)),
        ("15:00", "1d", ms("15:00", MONDAY)),
    ],
)
def test_request_is_placed_for_a_bar_and_a_minute_or_on_the_next_trade_date(
    moment: str, period: str, until: int
) -> None:
    assert place_until(at(moment), period, following) == until


def test_order_day_turns_with_the_close() -> None:
    assert (order_day(at("14:59:59"), following), order_day(at("15:00"), following)) == (DAY, MONDAY)


def test_daily_bar_is_told_at_the_close() -> None:
    assert bar_moment("1d", midnight_ms(DAY)) == at("15:00")


def test_hours_hold_from_the_first_minute_to_before_the_last() -> None:
    hours = (at("09:30").time(), at("14:55").time())
    assert [within_hours(*hours, at(text)) for text in ("09:29:59", "09:30", "14:54:59", "14:55")] == [
        False,
        True,
        True,
        False,
    ]
    assert within_hours(None, None, at("03:00"))
