"""Indicators against two other implementations: pandas, and the terminals' recursions written out."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from marketdata.indicators import CATALOGUE, Bars, compute, parse_wishes, warm_up
from ops.errors import Code, Invalid

Floats = npt.NDArray[np.float64]
ALL = "MA(5,10,20,30,60),EMA(12,50),MACD,RSI(6,14),KDJ,BOLL,ATR"


def walk(bars: int, *, seed: int = 7, price: float = 20.0, tick: float = 0.01) -> Bars:
    """A random walk on the tick grid with highs and lows around the closes."""
    rng = np.random.default_rng(seed)
    close = np.round(price * np.cumprod(1 + rng.normal(0, 0.02, bars)) / tick) * tick
    spread = np.round(rng.random((2, bars)) * 0.02 * close / tick) * tick
    return Bars(high=close + spread[0], low=close - spread[1], close=close)


def of(text: str, bars: Bars) -> dict[str, Floats]:
    return compute(parse_wishes(text), bars)


def written_out(values: Iterable[float], weight: float) -> Floats:
    """Y = w·X + (1 − w)·Y′ from the first known value on, one value after the other."""
    answer, before = [], None
    for value in values:
        if np.isnan(value):
            answer.append(np.nan)
            continue
        before = value if before is None else weight * value + (1 - weight) * before
        answer.append(before)
    return np.array(answer)


def terminals(bars: Bars) -> dict[str, Floats]:
    """Every column of `ALL`, by pandas windows and the recursions written out; nothing of ours in it."""
    close, high, low = (pd.Series(values) for values in (bars.close, bars.high, bars.low))
    answer = {f"ma{n}": close.rolling(n).mean().to_numpy() for n in (5, 10, 20, 30, 60)}
    answer |= {f"ema{n}": written_out(close, 2 / (n + 1)) for n in (12, 50)}
    answer["macd_dif"] = written_out(close, 2 / 13) - written_out(close, 2 / 27)
    answer["macd_dea"] = written_out(answer["macd_dif"], 2 / 10)
    answer["macd_hist"] = (answer["macd_dif"] - answer["macd_dea"]) * 2
    change = close.diff()
    for n in (6, 14):
        answer[f"rsi{n}"] = written_out(change.clip(lower=0), 1 / n) / written_out(change.abs(), 1 / n) * 100
    floor, top = low.rolling(9).min(), high.rolling(9).max()
    answer["kdj_k"] = written_out((close - floor) / (top - floor) * 100, 1 / 3)
    answer["kdj_d"] = written_out(answer["kdj_k"], 1 / 3)
    answer["kdj_j"] = 3 * answer["kdj_k"] - 2 * answer["kdj_d"]
    answer["boll_mid"], spread = answer["ma20"], close.rolling(20).std(ddof=1).to_numpy()
    answer["boll_upper"], answer["boll_lower"] = answer["ma20"] + 2 * spread, answer["ma20"] - 2 * spread
    ranges = pd.concat([high - low, (high - close.shift()).abs(), (low - close.shift()).abs()], axis=1).max(axis=1)
    ranges[0] = np.nan
    answer["atr14"] = ranges.rolling(14).mean().to_numpy()
    return answer


# ------------------------------------------------------------------------- the formulas
@pytest.mark.parametrize(("price", "tick"), [(20.0, 0.01), (1700.0, 0.01), (1.2, 0.001)])
def test_indicators_equal_a_second_implementation(price: float, tick: float) -> None:
    bars = walk(400, price=price, tick=tick)
    expected, found = terminals(bars), of(ALL, bars)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-9 * price, err_msg=name)


@settings(deadline=None, max_examples=40)
@given(hnp.arrays(np.int64, st.integers(1, 130), elements=st.integers(1, 500_000)))
def test_indicators_of_any_prices_equal_a_second_implementation(cents: npt.NDArray[np.int64]) -> None:
    close = cents / 100
    bars = Bars(high=close * 1.01, low=close * 0.99, close=close)
    with np.errstate(invalid="ignore"):
        expected = terminals(bars)
    found = of(ALL, bars)
    flat = np.concatenate([[False], np.cumsum(np.abs(np.diff(close))) == 0])
    for name, values in expected.items():
        if name.startswith("rsi"):
            # Nothing moved yet: 0/0 there, 50 here.
            values = np.where(flat, 50.0, values)
        np.testing.assert_allclose(found[name], values, rtol=1e-6, atol=1e-3, err_msg=name)


def test_ema_begins_with_the_first_close() -> None:
    bars = Bars(high=np.array([3.0, 2, 3]), low=np.array([1.0, 1, 1]), close=np.array([2.0, 1.0, 4.0]))
    assert of("EMA(3)", bars)["ema3"].tolist() == [2.0, 1.5, 2.75]


def test_macd_histogram_is_twice_the_difference() -> None:
    found = of("MACD", walk(120))
    np.testing.assert_allclose(found["macd_hist"], 2 * (found["macd_dif"] - found["macd_dea"]), rtol=0, atol=0)


def test_kdj_smooths_with_a_third_of_each_new_value() -> None:
    close = np.array([10.0] * 8 + [11.0, 12.0])
    found = of("KDJ", Bars(high=close, low=close, close=close))
    # RSV is 100 twice: K and D begin with the first one.
    assert found["kdj_k"][-2:].tolist() == [100.0, 100.0]
    assert np.isnan(found["kdj_k"][:8]).all()


def test_rsi_where_nothing_moved_is_the_middle() -> None:
    close = np.full(20, 5.0)
    assert of("RSI(6)", Bars(close, close, close))["rsi6"][-1] == 50.0


def test_kdj_where_nothing_moved_is_the_middle() -> None:
    close = np.full(20, 5.0)
    assert of("KDJ", Bars(close, close, close))["kdj_j"][-1] == 50.0


def test_boll_of_equal_prices_has_no_width() -> None:
    close = np.full(25, 1688.88)
    found = of("BOLL", Bars(close, close, close))
    assert found["boll_upper"][-1] == pytest.approx(1688.88, abs=1e-9)


@pytest.mark.parametrize("bars", [0, 1, 5])
def test_indicators_of_too_few_bars_are_unknown(bars: int) -> None:
    found = of("MA(20),BOLL,KDJ,ATR", walk(bars))
    assert all(len(values) == bars and np.isnan(values).all() for values in found.values())


def test_a_later_start_changes_nothing_once_warm() -> None:
    bars = walk(1200)
    wishes = parse_wishes(ALL)
    cut = 1000 - warm_up(wishes)
    later = Bars(bars.high[cut:], bars.low[cut:], bars.close[cut:])
    whole, part = compute(wishes, bars), compute(wishes, later)
    for name, values in whole.items():
        np.testing.assert_allclose(part[name][1000 - cut :], values[1000:], rtol=0, atol=2e-6, err_msg=name)


# ---------------------------------------------------------------------------- the wishes
def test_wishes_are_read_as_the_terminals_write_them() -> None:
    wishes = parse_wishes("ma(5, 10),MACD,boll(26,2.5)")
    assert [wish.indicator.name for wish in wishes] == ["MA", "MACD", "BOLL"]
    assert [wish.values for wish in wishes] == [
        (Decimal(5), Decimal(10)),
        (Decimal(12), Decimal(26), Decimal(9)),
        (Decimal(26), Decimal("2.5")),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", Code.FIELD_REQUIRED),
        (None, Code.FIELD_REQUIRED),
        ("FOO", Code.INDICATOR_UNKNOWN),
        ("MA(", Code.FIELD_INVALID),
        ("MA(5)MACD", Code.FIELD_INVALID),
        ("MA()", Code.FIELD_INVALID),
        ("MA(1)", Code.FIELD_INVALID),
        ("MA(251)", Code.FIELD_INVALID),
        ("MA(5.5)", Code.FIELD_INVALID),
        ("MA(5,5)", Code.FIELD_INVALID),
        ("MA(5),MA(5)", Code.FIELD_INVALID),
        ("MACD,MACD(5,10,5)", Code.FIELD_INVALID),
        ("MACD(12,26)", Code.FIELD_INVALID),
        ("KDJ(9,3,-3)", Code.FIELD_INVALID),
        ("BOLL(20,0)", Code.FIELD_INVALID),
        ("MA(2,3,4,5,6,7,8,9,10)", Code.FIELD_INVALID),
        (",".join(f"MA({n})" for n in range(2, 13)), Code.FIELD_INVALID),
        ("MA(5)," * 100, Code.FIELD_INVALID),
    ],
)
def test_wishes_that_make_no_sense_are_refused(text: object, code: Code) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_wishes(text)
    assert (refusal.value.code, refusal.value.field) == (code, "indicators")


def test_every_indicator_answers_the_columns_it_names() -> None:
    bars = walk(50)
    for indicator in CATALOGUE.values():
        (wish,) = parse_wishes(indicator.name)
        assert tuple(compute((wish,), bars)) == wish.columns


# ------------------------------------------------------------------------- the MACD rule
def marks(close: Floats) -> Floats:
    return of("MACDRULE", Bars(close, close, close))["macd_rule"]


def by_the_words(close: Floats) -> list[float]:
    """The rule as it is written, one bar after the other; means as exact fractions of cents."""
    found = of("MACD", Bars(close, close, close))
    cents = [round(price * 100) for price in close.tolist()]
    answer, side = [], 0
    for index, histogram in enumerate(found["macd_hist"]):
        means = [Fraction(sum(cents[max(0, index + 1 - n) : index + 1]), n) for n in (10, 20, 30, 60)]
        now = int(histogram > 0) - int(histogram < 0)
        entry = now > 0 > side and means[0] > means[1] > means[2] > means[3]
        leave = now < 0 < side and means[0] < means[1] < means[2] < means[3]
        answer.append(np.nan if index < 59 else float(entry) - float(leave))
        side = now or side
    return answer


@pytest.mark.parametrize("seed", range(5))
def test_macd_rule_marks_what_its_words_say(seed: int) -> None:
    close = walk(1500, seed=seed).close
    found = marks(close)
    np.testing.assert_array_equal(found, by_the_words(close))
    assert {1.0, -1.0} <= set(found.tolist())


def test_macd_rule_enters_a_rise_that_goes_on_after_a_rest() -> None:
    rise = np.concatenate([10 + 0.1 * np.arange(100), 19.9 - 0.02 * np.arange(12), 19.7 + 0.15 * np.arange(12)])
    found = marks(rise)
    assert np.nansum(found == 1) == 1
    assert not (found == -1).any()
    assert int(np.flatnonzero(found == 1)[0]) > 111


def test_macd_rule_of_a_fall_is_the_mirror() -> None:
    rise = np.concatenate([10 + 0.1 * np.arange(100), 19.9 - 0.02 * np.arange(12), 19.7 + 0.15 * np.arange(12)])
    np.testing.assert_array_equal(marks(40 - rise), -marks(rise))


@pytest.mark.parametrize("bars", [0, 1, 59])
def test_macd_rule_without_its_longest_mean_is_unknown(bars: int) -> None:
    assert np.isnan(marks(walk(bars).close)).all()


def test_macd_rule_of_equal_prices_says_nothing() -> None:
    assert set(marks(np.full(100, 12.34))[59:].tolist()) == {0.0}
