"""The terminals' formula functions (MA, EMA, SMA, HHV, LLV, STD, TR) over TA-Lib's kernels.

Western libraries seed a recursive mean with the plain mean of its first N values, the Chinese terminals with the first
value itself. A series that begins with N equal values has that value as its plain mean, so putting N − 1 copies of the first value
before it gives the terminals' recursion exactly, from the first bar on.

All functions take and return float64 arrays of one length; what cannot be known yet is NaN. Leading NaN stay NaN, later
ones are not allowed. A window is at least 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import talib
from talib import MA_Type  # type: ignore[attr-defined]  # exported at run time, missing from its stub

Floats = npt.NDArray[np.float64]

SEED_WEIGHT = 1e-9
"""What is left of the seed's error once a recursive mean counts as settled."""


def ma(values: Floats, length: int) -> Floats:
    """Plain mean of the last `length` values: MA(X, N)."""
    return _after_unknown(values, lambda known: talib.SMA(known, timeperiod=length))


def ema(values: Floats, length: int) -> Floats:
    """EMA(X, N): Y = (2·X + (N − 1)·Y′) / (N + 1), Y₁ = X₁."""
    return _seeded(values, length, lambda known: talib.EMA(known, timeperiod=length))


def sma(values: Floats, length: int) -> Floats:
    """SMA(X, N, 1): Y = (X + (N − 1)·Y′) / N, Y₁ = X₁. Not a plain mean, whatever its name says elsewhere."""
    return _seeded(values, length, lambda known: talib.MA(known, timeperiod=length, matype=MA_Type.RMA))


def highest(values: Floats, length: int) -> Floats:
    """HHV(X, N) of whole windows."""
    return _after_unknown(values, lambda known: talib.MAX(known, timeperiod=length))


def lowest(values: Floats, length: int) -> Floats:
    """LLV(X, N) of whole windows."""
    return _after_unknown(values, lambda known: talib.MIN(known, timeperiod=length))


def deviation(values: Floats, length: int) -> Floats:
    """STD(X, N), the estimated deviation: divided by N − 1."""
    # The kernel takes a difference of squares: values near zero keep their digits.
    centred = values - np.nanmean(values) if np.isfinite(values).any() else values
    population = _after_unknown(centred, lambda known: talib.STDDEV(known, timeperiod=length))
    sample: Floats = population * math.sqrt(length / (length - 1))
    return sample


def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """The largest of high − low and both distances to the close before; NaN on the first bar."""
    if len(close) < 2:
        return np.full(len(close), np.nan)
    found: Floats = talib.TRANGE(high, low, close)
    return found


def before(values: Floats) -> Floats:
    """REF(X, 1): the value one bar earlier."""
    shifted: Floats = np.concatenate([np.full(min(1, len(values)), np.nan), values[:-1]])
    return shifted


def settling(share: float) -> int:
    """Bars after which a recursive mean that takes `share` of each new value has forgotten its seed."""
    return math.ceil(math.log(SEED_WEIGHT) / math.log(1 - share))


def _seeded(values: Floats, length: int, mean: Callable[[Floats], Floats]) -> Floats:
    def padded(known: Floats) -> Floats:
        return mean(np.concatenate([np.full(length - 1, known[0]), known]))[length - 1 :]

    return _after_unknown(values, padded)


def _after_unknown(values: Floats, kernel: Callable[[Floats], Floats]) -> Floats:
    """Apply a kernel to what follows the leading NaN: TA-Lib would carry them through the whole answer."""
    known = np.flatnonzero(np.isfinite(values))
    if len(known) == 0:
        return np.full(len(values), np.nan)
    start = int(known[0])
    answer: Floats = np.concatenate([np.full(start, np.nan), kernel(values[start:])])
    return answer
