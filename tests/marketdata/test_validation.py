"""Rows between the terminal's answer and the store."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from marketdata.quotes.periods import MINUTE_MS, date_ts, day_number
from marketdata.services.axis import minute_labels
from marketdata.services.landed import Landed
from marketdata.services.validation import Checked, Checks, Trouble, Verdict, check_bars
from tests.marketdata.fakes import WEEK, bars, dates_of, day_bars, minute_bars, padding

DAYS = np.array([day_number(day) for day in WEEK])
DAILY = Checks(DAYS, np.zeros(1, np.int64))
RAW = Checks(DAYS, np.zeros(1, np.int64), ticks={1: Decimal("0.01")})


def check(frame: pd.DataFrame, checks: Checks = DAILY) -> tuple[Checked, Verdict]:
    """Check one instrument's bars."""
    checked = check_bars(Landed.of_frames({1: frame}), checks)
    return checked, checked.verdicts[1]


def with_value(row: int, name: str, value: float) -> pd.DataFrame:
    frame = day_bars(WEEK)
    frame[name] = frame[name].astype(float)
    frame.loc[row, name] = value
    return frame


def test_check_clean_frame_is_kept_in_time_order() -> None:
    checked, verdict = check(day_bars(WEEK).iloc[::-1])
    assert dates_of(checked.rows.ts) == list(WEEK)
    assert verdict.rejected == Counter()


@pytest.mark.parametrize(
    ("name", "value", "trouble"),
    [
        ("close", np.nan, Trouble.NOT_FINITE),
        ("high", np.inf, Trouble.NOT_FINITE),
        ("amount", np.inf, Trouble.NOT_FINITE),
        ("open", 0.0, Trouble.OPEN_MISSING),
        ("open", -1.0, Trouble.PRICE_NOT_POSITIVE),
        ("close", 0.0, Trouble.PRICE_NOT_POSITIVE),
        ("low", -1.0, Trouble.PRICE_NOT_POSITIVE),
        ("volume", -100, Trouble.NEGATIVE_VOLUME),
        ("amount", -1.0, Trouble.NEGATIVE_VOLUME),
        ("high", 9.0, Trouble.OHLC_ORDER),
        ("low", 11.0, Trouble.OHLC_ORDER),
        ("time", date_ts(WEEK[2]) + MINUTE_MS, Trouble.OFF_SESSION),
    ],
)
def test_check_bad_row_is_rejected_and_its_day_stays_doubtful(name: str, value: float, trouble: Trouble) -> None:
    checked, verdict = check(with_value(2, name, value))
    assert verdict.rejected == Counter({trouble: 1})
    assert dates_of(checked.rows.ts) == [WEEK[0], WEEK[1], WEEK[3], WEEK[4]]
    assert verdict.doubtful_days.tolist() == [DAYS[2]]


def test_check_missing_amount_is_not_an_error() -> None:
    assert len(check(with_value(2, "amount", np.nan))[0].rows) == 5


def test_check_saturday_is_rejected() -> None:
    saturday = bars([(date_ts(WEEK[4]) + 86_400_000, 10.0, 10.0, 10.0, 10.0, 100)])
    days = np.append(DAYS, DAYS[-1] + 3)
    _checked, verdict = check(pd.concat([day_bars(WEEK), saturday]), Checks(days, np.zeros(1, np.int64)))
    assert verdict.rejected == Counter({Trouble.NON_TRADING_DAY: 1})


def test_check_frame_of_padding_alone_is_refused_whole() -> None:
    checked, verdict = check(padding(date_ts(day) for day in WEEK))
    assert verdict.all_padding
    assert not len(checked.rows)


def test_check_padding_among_bars_is_dropped_and_told_as_suspended() -> None:
    mixed = pd.concat([day_bars(WEEK[:4]), padding([date_ts(WEEK[4])])])
    _checked, verdict = check(mixed)
    assert not verdict.all_padding
    assert verdict.rejected == Counter({Trouble.PADDING: 1})
    assert verdict.suspended_days.tolist() == [DAYS[4]]


def test_check_quiet_minute_at_one_price_is_no_padding() -> None:
    frame = minute_bars(WEEK[0])
    frame.loc[100, ["volume", "amount"]] = 0
    checked, _verdict = check(frame, Checks(DAYS, minute_labels()))
    assert len(checked.rows) == 241


def test_check_equal_duplicates_are_folded_and_contradicting_ones_rejected() -> None:
    frame = day_bars(WEEK)
    other = frame.iloc[[3]].assign(volume=1)
    checked, verdict = check(pd.concat([frame, frame.iloc[[1]], other]))
    assert verdict.rejected == Counter({Trouble.CONTRADICTING_DUPLICATE: 2})
    assert dates_of(checked.rows.ts) == [WEEK[0], WEEK[1], WEEK[2], WEEK[4]]


def test_check_off_tick_prices_are_a_finding_on_raw_history_only() -> None:
    frame = with_value(1, "close", 10.0123)
    raw, verdict = check(frame, RAW)
    assert verdict.findings == Counter({Trouble.OFF_TICK: 1})
    assert len(raw.rows) == 5
    assert check(frame)[1].findings == Counter()


def test_check_amount_that_the_rounding_of_the_volume_explains_is_no_finding() -> None:
    # Real: 600519.SH, 2026-02-10 13:25, 339 lots: 33,858 shares would lie within the prices.
    bar = {
        "open": 1507.5,
        "high": 1508.01,
        "low": 1507.18,
        "close": 1507.18,
        "volume": 33_900.0,
        "amount": 51_030_299.0,
    }
    frame = day_bars(WEEK).iloc[:1].assign(**bar)
    rounded = Checks(DAYS, np.zeros(1, np.int64), ticks={1: Decimal("0.01")}, volume_units={1: 100})
    assert check_bars(Landed.of_frames({1: frame}), RAW).verdicts[1].findings[Trouble.AMOUNT_OUTSIDE_PRICES] == 1
    assert not check_bars(Landed.of_frames({1: frame}), rounded).verdicts[1].findings


def test_check_amount_outside_the_days_prices_is_a_finding() -> None:
    frame = with_value(1, "amount", 1.0)
    _checked, verdict = check(frame, RAW)
    assert verdict.findings == Counter({Trouble.AMOUNT_OUTSIDE_PRICES: 1})


def test_check_of_several_instruments_keeps_their_verdicts_apart() -> None:
    off_tick = with_value(1, "close", 10.0123)
    frames = {
        3: with_value(2, "open", -1.0).iloc[::-1],
        5: pd.DataFrame(),
        8: padding(date_ts(day) for day in WEEK),
        9: off_tick,
        12: off_tick,
    }
    checked = check_bars(Landed.of_frames(frames), Checks(DAYS, np.zeros(1, np.int64), ticks={9: Decimal("0.01")}))

    verdicts = checked.verdicts
    assert {key: verdict.row_count for key, verdict in verdicts.items()} == {3: 4, 5: 0, 8: 0, 9: 5, 12: 5}
    assert checked.rows.instrument_id.tolist() == [3] * 4 + [9] * 5 + [12] * 5
    assert dates_of(checked.rows.ts[:4]) == [WEEK[0], WEEK[1], WEEK[3], WEEK[4]]
    assert {key: dict(verdict.rejected) for key, verdict in verdicts.items() if verdict.rejected} == {
        3: {Trouble.PRICE_NOT_POSITIVE: 1},
        8: {Trouble.PADDING: 5},
    }
    assert [key for key, verdict in verdicts.items() if verdict.all_padding] == [8]
    assert {key: dict(verdict.findings) for key, verdict in verdicts.items() if verdict.findings} == {
        9: {Trouble.OFF_TICK: 1}
    }
    assert verdicts[3].span == verdicts[9].span == (DAYS[0], DAYS[4])
    assert verdicts[5].span is verdicts[8].span is None


def test_check_equal_stamps_of_two_instruments_are_no_duplicates() -> None:
    frames = {1: day_bars(WEEK[:1]), 2: day_bars(WEEK[:1]).assign(volume=1)}
    checked = check_bars(Landed.of_frames(frames), DAILY)
    assert checked.rows.instrument_id.tolist() == [1, 2]
    assert all(not verdict.rejected for verdict in checked.verdicts.values())
