"""Interpolated paths agree with their bars exactly."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qmt.terminal.chance import day_keys, key_of, uniforms
from qmt.terminal.paths import (
    AUCTION_QUIET,
    MINUTE_OFFSETS_MS,
    MINUTES,
    SLOT_OFFSETS_MS,
    SLOTS,
    DayBars,
    minute_cents,
    minute_paths,
    slot_paths,
)


@st.composite
def day_bars(draw: st.DrawFn) -> DayBars:
    count = draw(st.integers(1, 6))
    step = draw(st.sampled_from([1, 10, 10_000]))
    rows = []
    for _ in range(count):
        low = draw(st.integers(1, 5_000))
        high = low + draw(st.integers(0, 400))
        open_ = draw(st.integers(low, high))
        close = draw(st.integers(low, high))
        rows.append((open_, high, low, close))
    prices = np.array(rows, np.int64) * step + draw(st.integers(0, step - 1))  # off the tick, as adjusted prices are
    lots = np.array(draw(st.lists(st.integers(4, 50_000_000), min_size=count, max_size=count)), np.int64)
    flags = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), np.bool_)
    keys = day_keys(key_of(draw(st.integers(0, 1000))), np.arange(count, dtype=np.int64))
    return DayBars(
        open=prices[:, 0].copy(),
        high=prices[:, 1].copy(),
        low=prices[:, 2].copy(),
        close=prices[:, 3].copy(),
        lots=lots,
        step=np.full(count, step, np.int64),
        keys=keys,
        closing_auction=flags,
    )


@settings(max_examples=60, deadline=None)
@given(day_bars())
def test_minute_paths_of_any_days_agree_with_their_bars(days: DayBars) -> None:
    minutes = minute_paths(days)
    assert (minutes.open[:, 0] == days.open).all()
    assert (minutes.high.max(axis=1) == days.high).all()
    assert (minutes.low.min(axis=1) == days.low).all()
    assert (minutes.close[:, -1] == days.close).all()
    assert (minutes.lots.sum(axis=1) == days.lots).all()
    assert (minutes.lots >= 0).all()
    assert (minutes.high >= np.maximum(minutes.open, minutes.close)).all()
    assert (minutes.low <= np.minimum(minutes.open, minutes.close)).all()


@settings(max_examples=60, deadline=None)
@given(day_bars())
def test_minute_paths_without_trades_keep_the_price(days: DayBars) -> None:
    minutes = minute_paths(days)
    quiet = minutes.lots[:, 1:] == 0
    assert (minutes.close[:, 1:][quiet] == minutes.close[:, :-1][quiet]).all()
    assert (minutes.lots[days.closing_auction][:, AUCTION_QUIET] == 0).all()


@settings(max_examples=60, deadline=None)
@given(day_bars())
def test_slot_paths_of_any_days_agree_with_their_minutes(days: DayBars) -> None:
    minutes = minute_paths(days)
    slots = slot_paths(minutes, days)
    lots = slots.lots[:, 1:].reshape(len(days), 240, 20)
    last = slots.last[:, 1:].reshape(len(days), 240, 20)
    assert (slots.last[:, 0] == days.open).all()
    assert (slots.lots[:, 0] == minutes.lots[:, 0]).all()
    assert (lots.sum(axis=2) == minutes.lots[:, 1:]).all()
    assert (last[..., -1] == minutes.close[:, 1:]).all()
    traded = lots > 0
    busy = traded.any(axis=2)
    assert (np.where(traded, last, 0).max(axis=2)[busy] == minutes.high[:, 1:][busy]).all()
    assert (np.where(traded, last, 1 << 60).min(axis=2)[busy] == minutes.low[:, 1:][busy]).all()


@settings(max_examples=40, deadline=None)
@given(day_bars())
def test_paths_of_one_day_do_not_depend_on_the_batch(days: DayBars) -> None:
    together, alone = minute_paths(days), minute_paths(days.part(len(days) - 1, len(days)))
    assert (together.close[-1] == alone.close[0]).all()
    assert (together.lots[-1] == alone.lots[0]).all()


@settings(max_examples=40, deadline=None)
@given(day_bars(), st.integers(0, 10**13))
def test_minute_cents_of_a_stated_amount_add_up_to_it(days: DayBars, stated: int) -> None:
    unit = np.full(len(days), 100, np.int64)
    weight = minute_paths(days).weight
    cents = minute_cents(weight, unit, 1000, np.full(len(days), stated, np.int64))
    assert (cents.sum(axis=1) == stated).all()
    assert (cents >= 0).all()


@settings(max_examples=40, deadline=None)
@given(day_bars())
def test_minute_cents_without_a_stated_amount_lie_between_low_and_high(days: DayBars) -> None:
    minutes = minute_paths(days)
    cents = minute_cents(minutes.weight, np.full(len(days), 100, np.int64), 1000, None)
    shares = minutes.lots * 100
    assert (cents >= minutes.low * shares // 10 - 1).all()
    assert (cents <= minutes.high * shares // 10 + 1).all()


def test_axes_of_a_day_have_241_minutes_and_4801_slots() -> None:
    minute_of_day = MINUTE_OFFSETS_MS // 60_000
    assert len(MINUTE_OFFSETS_MS) == MINUTES == 241
    assert minute_of_day[[0, 1, 120, 121, 240]].tolist() == [570, 571, 690, 781, 900]
    assert len(SLOT_OFFSETS_MS) == SLOTS == 4801
    assert SLOT_OFFSETS_MS[0] == (9 * 60 + 25) * 60_000
    assert SLOT_OFFSETS_MS[20] == MINUTE_OFFSETS_MS[1]
    assert SLOT_OFFSETS_MS[-1] == MINUTE_OFFSETS_MS[-1]


def test_uniforms_of_a_key_never_change() -> None:
    keys = np.array([key_of(7, "600519.SH")], np.uint64)
    assert uniforms(keys, 3, 1)[0].tolist() == [0.5615559651314663, 0.8425179304229928, 0.7070742597734331]


def test_minute_paths_of_ordinary_days_have_no_cliffs() -> None:
    count = 400
    fill = np.full
    days = DayBars(
        open=fill(count, 10_000),
        high=fill(count, 10_400),
        low=fill(count, 9_700),
        close=fill(count, 10_100),
        lots=fill(count, 50_000),
        step=fill(count, 10),
        keys=day_keys(key_of("cliffs"), np.arange(count)),
        closing_auction=fill(count, False),
    )

    close = minute_paths(days).close
    steps = np.abs(np.diff(close, axis=1)).max(axis=1) / 700
    at_the_top = (close == 10_400).sum(axis=1)

    assert np.quantile(steps, 0.99) < 0.2
    assert np.quantile(at_the_top, 0.99) <= 12  # it was half an hour when noise was cut off
