"""One-minute bars from hand-made snapshots."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.minutes import FIVE_MINUTES, ONE_MINUTE, BarAxis, MinuteBar, MinuteBuilder, Snapshot, is_quiet
from marketdata.quotes.periods import fold_labels
from tests.quotes.builders import stamp

DAY = "2024-03-01"
NEXT_DAY = "2024-03-04"
FAR = stamp("2024-03-01 23:59")


def at(time: str, day: str = DAY) -> int:
    return stamp(f"{day} {time}")


def snap(
    time: str,
    last: float,
    volume: int,
    *,
    high: float = 0.0,
    low: float = 0.0,
    symbol: str = "600519.SH",
    day: str = DAY,
) -> Snapshot:
    """A snapshot whose amount is the volume at 10 CNY."""
    return Snapshot(symbol, at(time, day), last, high, low, volume, volume * 10.0)


def watching_since(time: str, symbols: tuple[str, ...] = ("600519.SH", "000002.SZ")) -> MinuteBuilder:
    """A builder whose stream is whole since a moment, with nothing traded before."""
    builder = MinuteBuilder()
    builder.baseline([snap(time, 10.0, 0, symbol=symbol) for symbol in symbols])
    builder.resume()
    return builder


def values(bar: MinuteBar) -> tuple[int, float, float, float, float, int, float]:
    return (bar.ts, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.amount)


# --- labels


@pytest.mark.parametrize(
    ("time", "label"),
    [
        ("09:25:00", "09:30"),
        ("09:25:03", "09:30"),
        ("09:30:00", "09:30"),
        ("09:30:01", "09:31"),
        ("09:31:00", "09:31"),
        ("09:31:00.001", "09:32"),
        ("11:29:57", "11:30"),
        ("11:30:00", "11:30"),
        ("11:30:04", "11:30"),
        ("12:59:59", "11:30"),
        ("13:00:00", "13:01"),
        ("13:00:03", "13:01"),
        ("13:01:00", "13:01"),
        ("14:57:00", "14:57"),
        ("14:59:59", "15:00"),
        ("15:00:00", "15:00"),
        ("15:00:07", "15:00"),
        ("15:04:59", "15:00"),
    ],
)
def test_label_of_session_moment_is_the_right_edge(time: str, label: str) -> None:
    assert ONE_MINUTE.label_of(at(time)) == at(label)


@pytest.mark.parametrize("time", ["00:00", "09:15:00", "09:24:59", "15:05:00", "15:30:00"])
def test_label_of_moment_without_a_bar_is_none(time: str) -> None:
    assert ONE_MINUTE.label_of(at(time)) is None


def test_label_of_whole_day_gives_241_labels() -> None:
    moments = range(at("09:15"), at("15:31"), 1000)
    labels = {label for label in map(ONE_MINUTE.label_of, moments) if label is not None}
    assert len(labels) == 241


@pytest.mark.parametrize(("label", "edge"), [("09:30", "09:25"), ("09:31", "09:30"), ("13:01", "13:00")])
def test_left_edge_of_label(label: str, edge: str) -> None:
    assert ONE_MINUTE.left_edge(at(label)) == at(edge)


@pytest.mark.parametrize(
    ("time", "quiet"),
    [
        ("09:26", True),
        ("09:30", True),
        ("09:30:03", False),
        ("11:29:59", False),
        ("11:30:00", True),
        ("12:59", True),
        ("13:00", False),
        ("14:59:57", False),
        ("15:00", True),
    ],
)
def test_is_quiet_outside_continuous_trading_and_closing_auction(time: str, quiet: bool) -> None:
    assert is_quiet(at(time)) is quiet


@pytest.mark.parametrize(
    ("time", "label"),
    [
        ("09:25:00", "09:35"),
        ("09:30:00", "09:35"),
        ("09:35:00", "09:35"),
        ("09:35:00.001", "09:40"),
        ("11:29:57", "11:30"),
        ("11:30:04", "11:30"),
        ("13:00:00", "13:05"),
        ("14:55:01", "15:00"),
        ("15:00:07", "15:00"),
    ],
)
def test_label_of_five_minutes_folds_the_auction_into_the_first_bar(time: str, label: str) -> None:
    assert FIVE_MINUTES.label_of(at(time)) == at(label)


def test_label_of_five_minutes_agrees_with_the_store_on_every_minute() -> None:
    minutes = [label for label in map(ONE_MINUTE.label_of, range(at("09:25"), at("15:01"), 60_000)) if label]
    assert [FIVE_MINUTES.label_of(label) for label in minutes] == fold_labels(np.array(minutes), 5).tolist()


@pytest.mark.parametrize(("axis", "bars"), [(FIVE_MINUTES, 48), (BarAxis(1), 240), (BarAxis(15), 16), (BarAxis(60), 4)])
def test_label_of_whole_day_gives_each_length_its_bars(axis: BarAxis, bars: int) -> None:
    assert len({axis.label_of(moment) for moment in range(at("09:25"), at("15:01"), 1000)}) == bars


@pytest.mark.parametrize(("label", "edge"), [("09:35", "09:25"), ("09:40", "09:35"), ("13:05", "13:00")])
def test_left_edge_of_five_minutes(label: str, edge: str) -> None:
    assert FIVE_MINUTES.left_edge(at(label)) == at(edge)


# --- values


def test_builder_opening_auction_and_first_minutes_have_exact_values() -> None:
    builder = watching_since("09:20")
    builder.feed(
        [
            snap("09:25:00", 10.00, 1000),
            snap("09:30:03", 10.02, 1200),
            snap("09:30:30", 9.98, 1500),
            snap("09:31:00", 10.01, 1600),
            snap("09:31:03", 10.05, 2000),
        ]
    )
    bars = builder.closed(at("09:32:05"))
    assert [values(bar) for bar in bars] == [
        (at("09:30"), 10.00, 10.00, 10.00, 10.00, 1000, 10_000.0),
        (at("09:31"), 10.02, 10.02, 9.98, 10.01, 600, 6_000.0),
        (at("09:32"), 10.05, 10.05, 10.05, 10.05, 400, 4_000.0),
    ]
    assert all(bar.complete for bar in bars)


def test_builder_of_five_minutes_has_the_auction_in_its_first_bar() -> None:
    builder = MinuteBuilder(FIVE_MINUTES)
    builder.baseline([snap("09:20", 10.0, 0)])
    builder.resume()
    builder.feed([snap("09:25:00", 10.00, 1000), snap("09:31:03", 10.02, 1200), snap("09:35:00", 9.98, 1500)])
    builder.feed([snap("09:35:03", 10.01, 1600)])
    first, second = builder.closed(at("09:40:05"))
    assert values(first) == (at("09:35"), 10.00, 10.02, 9.98, 9.98, 1500, 15_000.0)
    assert values(second) == (at("09:40"), 10.01, 10.01, 10.01, 10.01, 100, 1_000.0)


def test_builder_closing_auction_goes_into_the_last_bar() -> None:
    builder = watching_since("14:50")
    builder.feed(
        [
            snap("14:57:00", 10.0, 1000),
            snap("14:58:30", 10.0, 1000),
            snap("15:00:03", 10.1, 5000),
        ]
    )
    assert [values(bar) for bar in builder.closed(at("15:00:20"))] == [
        (at("14:57"), 10.0, 10.0, 10.0, 10.0, 1000, 10_000.0),
        (at("14:59"), 10.0, 10.0, 10.0, 10.0, 0, 0.0),
        (at("15:00"), 10.1, 10.1, 10.1, 10.1, 4000, 40_000.0),
    ]


def test_builder_late_stamp_after_the_morning_belongs_to_1130() -> None:
    builder = watching_since("11:20")
    builder.feed([snap("11:29:30", 10.0, 100), snap("11:30:02", 10.1, 300)])
    assert [values(bar) for bar in builder.closed(at("11:31"))] == [(at("11:30"), 10.0, 10.1, 10.0, 10.1, 300, 3_000.0)]


def test_builder_new_extreme_of_the_day_counts_in_its_minute() -> None:
    builder = watching_since("10:00")
    builder.feed(
        [
            snap("10:00:03", 10.0, 100, high=10.0, low=10.0),
            snap("10:00:06", 10.0, 200, high=10.3, low=9.9),
            snap("10:01:03", 10.0, 300, high=10.3, low=9.9),
        ]
    )
    first, second = builder.closed(at("10:02:05"))
    assert (first.high, first.low) == (10.3, 9.9)
    assert (second.high, second.low) == (10.0, 10.0)


def test_builder_minute_without_a_trade_is_flat_and_empty() -> None:
    builder = watching_since("10:00")
    builder.feed([snap("10:00:30", 10.0, 100), snap("10:01:30", 10.0, 100)])
    assert values(builder.closed(at("10:02:05"))[1]) == (
        at("10:02"),
        *(10.0,) * 4,
        0,
        0.0,
    )


def test_builder_price_before_the_first_trade_of_a_minute_is_not_its_open() -> None:
    builder = watching_since("10:00")
    builder.feed(
        [
            snap("10:00:30", 10.0, 100),
            snap("10:01:03", 10.0, 100),
            snap("10:01:06", 10.2, 150),
        ]
    )
    assert values(builder.closed(at("10:02:05"))[1])[1:5] == (10.2, 10.2, 10.2, 10.2)


def test_builder_amount_is_free_of_float_noise() -> None:
    builder = watching_since("10:00")
    first = Snapshot("600519.SH", at("10:00:03"), 10.0, 0, 0, 100, 0.1)
    second = Snapshot("600519.SH", at("10:01:03"), 10.0, 0, 0, 200, 0.3)
    builder.feed([first, second])
    assert builder.closed(at("10:02:05"))[1].amount == 0.2


def test_builder_instruments_do_not_mix() -> None:
    builder = watching_since("10:00")
    builder.feed(
        [
            snap("10:00:03", 10.0, 100, symbol="600519.SH"),
            snap("10:00:03", 20.0, 700, symbol="000002.SZ"),
            snap("10:00:06", 11.0, 300, symbol="600519.SH"),
        ]
    )
    bars = {bar.symbol: values(bar)[1:] for bar in builder.closed(at("10:01:05"))}
    assert bars == {
        "600519.SH": (10.0, 11.0, 10.0, 11.0, 300, 3_000.0),
        "000002.SZ": (20.0, 20.0, 20.0, 20.0, 700, 7_000.0),
    }


# --- closing


def test_builder_minute_waits_for_late_snapshots() -> None:
    builder = watching_since("10:00")
    builder.feed([snap("10:00:03", 10.0, 100)])
    assert builder.closed(at("10:01:04")) == []
    builder.feed([snap("10:00:57", 10.5, 300)])
    assert [bar.volume for bar in builder.closed(at("10:01:05"))] == [300]


def test_builder_closed_hands_a_bar_out_once() -> None:
    builder = watching_since("10:00")
    builder.feed([snap("10:00:03", 10.0, 100)])
    assert len(builder.closed(FAR)) == 1
    assert builder.closed(FAR) == []
    builder.feed([snap("10:01:03", 10.0, 200)])
    assert [bar.ts for bar in builder.closed(FAR)] == [at("10:02")]


def test_builder_snapshot_after_the_grace_changes_nothing() -> None:
    builder = watching_since("10:00")
    builder.feed([snap("10:00:03", 10.0, 100)])
    builder.closed(FAR)
    builder.feed([snap("10:00:59", 12.0, 150)])
    assert builder.closed(FAR) == []
    assert builder.stale == 1


def test_builder_older_snapshot_is_left_out() -> None:
    builder = watching_since("10:00")
    builder.feed([snap("10:00:06", 10.0, 200), snap("10:00:03", 99.0, 100)])
    assert builder.stale == 1
    assert values(builder.closed(FAR)[0])[1:6] == (10.0, 10.0, 10.0, 10.0, 200)


def test_builder_without_a_price_yet_builds_nothing() -> None:
    builder = watching_since("09:20")
    builder.feed([snap("09:30:03", 0.0, 0)])
    assert builder.closed(FAR) == []
    assert builder.changed() == []


# --- completeness


def test_builder_minute_of_the_start_is_shown_but_not_handed_out() -> None:
    builder = MinuteBuilder()
    builder.feed([snap("10:00:30", 10.0, 5000)])
    builder.resume()
    builder.feed([snap("10:00:33", 10.1, 5200), snap("10:01:03", 10.2, 5300)])
    shown = {bar.ts: bar for bar in builder.changed()}
    assert values(shown[at("10:01")])[1:6] == (10.1, 10.1, 10.1, 10.1, 200)
    assert not shown[at("10:01")].complete
    assert [values(bar) for bar in builder.closed(FAR)] == [(at("10:02"), 10.2, 10.2, 10.2, 10.2, 100, 1_000.0)]


def test_builder_stored_quote_gives_the_base_of_the_next_minute() -> None:
    builder = MinuteBuilder()
    builder.baseline([snap("10:00:57", 10.0, 5000)])
    builder.resume()
    builder.feed([snap("10:01:03", 10.2, 5300)])
    assert [bar.volume for bar in builder.closed(FAR)] == [300]


def test_builder_unknown_volume_at_the_left_edge_is_incomplete() -> None:
    builder = watching_since("10:00", symbols=("000001.SZ",))
    builder.feed([snap("10:05:03", 10.0, 5000), snap("10:06:03", 10.0, 5100)])
    assert [(bar.ts, bar.volume) for bar in builder.closed(FAR)] == [(at("10:07"), 100)]


def test_builder_watching_since_before_the_auction_knows_that_the_day_began_at_zero() -> None:
    builder = watching_since("09:20", symbols=("000001.SZ",))
    builder.feed([snap("10:05:03", 10.0, 5000)])
    assert [(bar.ts, bar.volume) for bar in builder.closed(FAR)] == [(at("10:06"), 5000)]


def test_builder_interruption_leaves_its_minutes_incomplete() -> None:
    builder = watching_since("10:00")
    builder.feed([snap("10:00:03", 10.0, 100)])
    builder.interrupt()
    builder.feed([snap("10:00:50", 10.5, 900), snap("10:01:03", 10.6, 950)])
    builder.resume()
    builder.feed([snap("10:01:50", 10.7, 990), snap("10:02:03", 10.8, 1000)])
    assert [(bar.ts, bar.volume) for bar in builder.closed(FAR)] == [(at("10:03"), 10)]


def test_builder_quiet_instrument_after_an_interruption_has_an_unknown_base() -> None:
    builder = watching_since("10:00")
    builder.feed([snap("10:00:03", 10.0, 100)])
    builder.interrupt()
    builder.feed([snap("10:03:30", 5.0, 1, symbol="000001.SZ")])
    builder.resume()
    # It traded 800 shares, some of them perhaps during the interruption.
    builder.feed([snap("10:05:03", 10.0, 900), snap("10:06:03", 10.0, 950)])
    bars = [bar for bar in builder.closed(FAR) if bar.symbol == "600519.SH"]
    assert [(bar.ts, bar.volume) for bar in bars] == [(at("10:07"), 50)]


def test_builder_volume_that_starts_over_costs_its_minute() -> None:
    builder = watching_since("10:00")
    builder.feed(
        [
            snap("10:00:03", 10.0, 5000),
            snap("10:00:06", 10.0, 40),
            snap("10:01:03", 10.0, 60),
            snap("10:02:03", 10.0, 90),
        ]
    )
    assert [(bar.ts, bar.volume) for bar in builder.closed(FAR)] == [
        (at("10:02"), 20),
        (at("10:03"), 30),
    ]


def test_builder_next_day_closes_the_last_bar_and_begins_at_zero() -> None:
    builder = watching_since("14:50")
    builder.feed(
        [
            snap("14:59:57", 10.0, 700),
            snap("15:00:00", 10.0, 900),
            snap("09:25:00", 11.0, 50, day=NEXT_DAY),
            snap("09:30:03", 11.1, 80, day=NEXT_DAY),
        ]
    )
    bars = builder.closed(at("09:31:05", NEXT_DAY))
    assert [(bar.ts, bar.open, bar.volume) for bar in bars] == [
        (at("15:00"), 10.0, 900),
        (at("09:30", NEXT_DAY), 11.0, 50),
        (at("09:31", NEXT_DAY), 11.1, 30),
    ]


# --- publishing


def test_builder_changed_shows_the_end_of_a_minute_and_the_next_one() -> None:
    builder = watching_since("10:00")
    builder.feed([snap("10:00:03", 10.0, 100)])
    builder.changed()
    builder.feed([snap("10:00:57", 10.4, 200), snap("10:01:03", 10.5, 250)])
    assert [(bar.ts, bar.close, bar.volume) for bar in builder.changed()] == [
        (at("10:01"), 10.4, 200),
        (at("10:02"), 10.5, 50),
    ]
    assert builder.changed() == []


# --- properties


@given(st.lists(st.tuples(st.integers(0, 1_800), st.integers(0, 500), st.integers(900, 1100)), max_size=60))
def test_builder_bars_add_up_to_the_day(steps: list[tuple[int, int, int]]) -> None:
    builder = watching_since("09:20")
    start, volume = at("09:30"), 0
    total, prices = 0, []
    for second, shares, price in sorted(steps):
        volume += shares
        total += shares
        prices.append(price / 100)
        builder.feed([Snapshot("600519.SH", start + second * 1000, price / 100, 0, 0, volume, volume * 1.0)])
    bars = builder.closed(FAR)
    assert sum(bar.volume for bar in bars) == total
    assert np.isclose(sum(bar.amount for bar in bars), total)
    assert len({bar.ts for bar in bars}) == len(bars)
    for bar in bars:
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert {bar.open, bar.high, bar.low, bar.close} <= set(prices)
