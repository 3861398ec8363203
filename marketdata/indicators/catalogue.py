"""Which indicators there are: parameters with ranges, formula, columns, and how far back each must look.

Formulas are those of the Chinese terminals (通达信 and those like it, QMT's own formula language among them); where these
leave a case open the comment says what is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import numpy as np

from marketdata.indicators.kernels import (
    Floats,
    before,
    deviation,
    ema,
    highest,
    lowest,
    ma,
    settling,
    sma,
    true_range,
)

MAX_LENGTH = 250
MAX_LENGTHS = 8
"""So many lengths of one indicator in one wish: MA(5,10,20,30,60,120,250)."""

Values = tuple[Decimal, ...]
_NEITHER = 50.0
RULE_LENGTHS: Final = (10, 20, 30, 60)
"""The means that must stand in order for the MACD rule."""
EQUAL_SHARE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Bars:
    """Closed bars of one instrument, oldest first: float64 arrays of one length, no NaN."""

    high: Floats
    low: Floats
    close: Floats


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter.

    Attributes
    ----------
    whole
        Only whole numbers.
    """

    name: str
    default: Decimal
    low: Decimal
    high: Decimal
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator.

    Attributes
    ----------
    parameters
        In the order in which they are written between brackets.
    repeated
        It takes its single parameter several times, one column each: ``MA(5,10,20)``.
    columns
        Names of the answer's columns for some values.
    look_back
        Bars before the first one asked for that settle its value to a billionth of the seed's error.
    compute
        The columns' arrays.
    """

    name: str
    formula: str
    parameters: tuple[Parameter, ...]
    columns: Callable[[Values], tuple[str, ...]]
    look_back: Callable[[Values], int]
    compute: Callable[[Bars, Values], tuple[Floats, ...]]
    repeated: bool = False


def _length(name: str, default: int) -> Parameter:
    return Parameter(name, Decimal(default), Decimal(2), Decimal(MAX_LENGTH))


def _each(prefix: str) -> Callable[[Values], tuple[str, ...]]:
    return lambda values: tuple(f"{prefix}{int(value)}" for value in values)


def _fixed(*names: str) -> Callable[[Values], tuple[str, ...]]:
    return lambda _values: names


def _ema_settling(length: Decimal) -> int:
    return settling(2 / (int(length) + 1))


def _sma_settling(length: Decimal) -> int:
    return settling(1 / int(length))


def _ma(bars: Bars, values: Values) -> tuple[Floats, ...]:
    return tuple(ma(bars.close, int(length)) for length in values)


def _ema(bars: Bars, values: Values) -> tuple[Floats, ...]:
    return tuple(ema(bars.close, int(length)) for length in values)


def _macd(bars: Bars, values: Values) -> tuple[Floats, ...]:
    fast, slow, signal = (int(value) for value in values)
    dif = ema(bars.close, fast) - ema(bars.close, slow)
    dea = ema(dif, signal)
    return dif, dea, 2 * (dif - dea)


def _rsi(bars: Bars, values: Values) -> tuple[Floats, ...]:
    change = bars.close - before(bars.close)
    rises, moves = np.maximum(change, 0), np.abs(change)
    return tuple(_ratio(sma(rises, int(length)), sma(moves, int(length))) for length in values)


def _kdj(bars: Bars, values: Values) -> tuple[Floats, ...]:
    window, smooth_k, smooth_d = (int(value) for value in values)
    top, bottom = highest(bars.high, window), lowest(bars.low, window)
    k = sma(_ratio(bars.close - bottom, top - bottom), smooth_k)
    d = sma(k, smooth_d)
    return k, d, 3 * k - 2 * d


def _boll(bars: Bars, values: Values) -> tuple[Floats, ...]:
    length, width = int(values[0]), float(values[1])
    middle, spread = ma(bars.close, length), width * deviation(bars.close, length)
    return middle, middle + spread, middle - spread


def _atr(bars: Bars, values: Values) -> tuple[Floats, ...]:
    ranges = true_range(bars.high, bars.low, bars.close)
    return tuple(ma(ranges, int(length)) for length in values)


def _macd_rule(bars: Bars, values: Values) -> tuple[Floats, ...]:
    """1 where the histogram crosses from − to + over rising means, −1 where it crosses from + to − under falling ones."""
    histogram = _macd(bars, values)[2]
    means = [ma(bars.close, length) for length in RULE_LENGTHS]
    # What differs by less than this is equal: sums of binary fractions are not exact.
    least = EQUAL_SHARE * bars.close
    rising = np.logical_and.reduce([fast - slow > least for fast, slow in pairwise(means)])
    falling = np.logical_and.reduce([slow - fast > least for fast, slow in pairwise(means)])
    side = np.where(histogram > least, 1.0, np.where(histogram < -least, -1.0, 0.0))
    earlier = _last_side(side)
    mark = np.where((side > 0) & (earlier < 0) & rising, 1.0, np.where((side < 0) & (earlier > 0) & falling, -1.0, 0.0))
    mark[np.isnan(means[-1])] = np.nan
    return (mark,)


def _last_side(side: Floats) -> Floats:
    """On which side of zero the histogram was last before each bar; a touch of zero is no side."""
    at = np.where(side != 0, np.arange(len(side)), -1)
    latest = np.maximum.accumulate(at) if len(at) else at
    known = np.where(latest >= 0, side[latest], 0.0)
    return np.concatenate([np.zeros(min(1, len(side))), known[:-1]])


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Percent; where nothing moved at all the terminals differ, and the middle says neither side."""
    answer = np.full(len(part), _NEITHER)
    np.divide(100 * part, whole, out=answer, where=whole > 0)
    answer[np.isnan(whole)] = np.nan
    return answer


_ALL: Final = (
    Indicator(
        name="MA",
        formula="MA(CLOSE,N)",
        parameters=(_length("N", 20),),
        columns=_each("ma"),
        look_back=lambda values: int(max(values)) - 1,
        compute=_ma,
        repeated=True,
    ),
    Indicator(
        name="EMA",
        formula="EMA(CLOSE,N)",
        parameters=(_length("N", 20),),
        columns=_each("ema"),
        look_back=lambda values: _ema_settling(max(values)),
        compute=_ema,
        repeated=True,
    ),
    Indicator(
        name="MACD",
        formula="DIF:EMA(CLOSE,SHORT)-EMA(CLOSE,LONG); DEA:EMA(DIF,MID); HIST:2*(DIF-DEA)",
        parameters=(_length("SHORT", 12), _length("LONG", 26), _length("MID", 9)),
        columns=_fixed("macd_dif", "macd_dea", "macd_hist"),
        look_back=lambda values: _ema_settling(max(values[:2])) + _ema_settling(values[2]),
        compute=_macd,
    ),
    Indicator(
        name="MACDRULE",
        formula="HIST of MACD; BUY:CROSS(HIST,0) AND MA10>MA20>MA30>MA60 (1); SELL:CROSS(0,HIST) AND MA10<MA20<MA30<MA60 (-1)",
        parameters=(_length("SHORT", 12), _length("LONG", 26), _length("MID", 9)),
        columns=_fixed("macd_rule"),
        look_back=lambda values: max(_ema_settling(max(values[:2])) + _ema_settling(values[2]), RULE_LENGTHS[-1]),
        compute=_macd_rule,
    ),
    Indicator(
        name="RSI",
        formula="LC:=REF(CLOSE,1); RSI:SMA(MAX(CLOSE-LC,0),N,1)/SMA(ABS(CLOSE-LC),N,1)*100",
        parameters=(_length("N", 14),),
        columns=_each("rsi"),
        look_back=lambda values: _sma_settling(max(values)) + 1,
        compute=_rsi,
        repeated=True,
    ),
    Indicator(
        name="KDJ",
        formula="RSV:=(CLOSE-LLV(LOW,N))/(HHV(HIGH,N)-LLV(LOW,N))*100; K:SMA(RSV,M1,1); D:SMA(K,M2,1); J:3*K-2*D",
        parameters=(_length("N", 9), _length("M1", 3), _length("M2", 3)),
        columns=_fixed("kdj_k", "kdj_d", "kdj_j"),
        look_back=lambda values: int(values[0]) - 1 + _sma_settling(values[1]) + _sma_settling(values[2]),
        compute=_kdj,
    ),
    Indicator(
        name="BOLL",
        formula="MID:MA(CLOSE,N); UPPER:MID+K*STD(CLOSE,N); LOWER:MID-K*STD(CLOSE,N)",
        parameters=(
            _length("N", 20),
            Parameter("K", Decimal(2), Decimal("0.1"), Decimal(10), whole=False),
        ),
        columns=_fixed("boll_mid", "boll_upper", "boll_lower"),
        look_back=lambda values: int(values[0]) - 1,
        compute=_boll,
    ),
    Indicator(
        name="ATR",
        formula="TR:=MAX(MAX(HIGH-LOW,ABS(REF(CLOSE,1)-HIGH)),ABS(REF(CLOSE,1)-LOW)); ATR:MA(TR,N)",
        parameters=(_length("N", 14),),
        columns=_each("atr"),
        look_back=lambda values: int(max(values)),
        compute=_atr,
        repeated=True,
    ),
)

CATALOGUE: Final[Mapping[str, Indicator]] = MappingProxyType({indicator.name: indicator for indicator in _ALL})
