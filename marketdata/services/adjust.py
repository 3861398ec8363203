"""Adjustment of raw bars for ex-rights events, on read (复权).

The formulas are the terminal's own, as the SDK's documentation gives them in Python (xtdata, example for 除权数据):

- front (前复权): a price before an ex-date becomes ``(p − interest + allot_price × allot_num) / (1 + stock_bonus +
  stock_gift + allot_num)``, one event after another, the oldest first;
- back (后复权): a price from the ex-date on becomes ``p × (1 + stock_bonus + stock_gift + allot_num) + interest −
  allot_price × allot_num``, the newest event first;
- front_ratio, back_ratio (等比): a price is divided by every later event's ``dr``, or multiplied by every earlier one's. `dr` is
  the terminal's price factor, previous close over ex-rights reference price.

An ex-date's own bar is after the event, and so is its previous close, which the exchange states in the new terms. Front kinds are
relative to the newest event that is past, not to the end of the range, so that two requests for one day agree; the
documentation's example divides by the last bar's factor, which is the same when its bars reach until now. Prices are rounded to
four decimals, where the example keeps two. Volume and amount stay what was traded. For share reforms (``gugai``, 2005 to 2007) the
terminal has a rule of its own that is not published: ratio kinds are right through `dr`, the others take the event's amounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marketdata.quotes.periods import Int64Array
from marketdata.services.requests import Adjust

FloatArray = npt.NDArray[np.float64]

# Four decimals keep every tick exact and hide the noise of binary fractions.
DECIMALS = 4


@dataclass(frozen=True, slots=True)
class ExEvent:
    """One ex-date; amounts per share held before it."""

    day: int
    interest: float
    stock_bonus: float
    stock_gift: float
    allot_num: float
    allot_price: float
    dr: float

    @property
    def growth(self) -> float:
        """Shares after the event per share before it."""
        return 1.0 + self.stock_bonus + self.stock_gift + self.allot_num

    @property
    def payout(self) -> float:
        """Cash leaving the price per share before the event; an allotment brings cash in."""
        return self.interest - self.allot_price * self.allot_num


def adjust_prices(prices: FloatArray, days: Int64Array, events: Sequence[ExEvent], adjust: Adjust) -> FloatArray:
    """Return adjusted prices of one instrument.

    Parameters
    ----------
    prices
        Raw prices, shape (N,); NaN stays NaN.
    days
        Day number of each price, shape (N,).
    events
        Ex-dates of the instrument, ascending.
    adjust
        Any kind; ``none`` returns the prices unchanged.
    """
    if adjust is Adjust.NONE or not events:
        return prices
    scale, shift = _coefficients(events, adjust)
    # Number of events on or before each price's day: 0 is before the first one.
    passed = np.searchsorted(np.array([event.day for event in events]), days, side="right")
    result: FloatArray = np.round(prices * scale[passed] + shift[passed], DECIMALS)
    return result


def _coefficients(events: Sequence[ExEvent], adjust: Adjust) -> tuple[FloatArray, FloatArray]:
    """Per stretch between events, the linear map ``p → scale × p + shift``."""
    count = len(events)
    scale = np.ones(count + 1)
    shift = np.zeros(count + 1)
    match adjust:
        case Adjust.FRONT:
            for index in range(count - 1, -1, -1):
                event = events[index]
                # First this event's map, then what follows it in time.
                scale[index] = scale[index + 1] / event.growth
                shift[index] = shift[index + 1] - scale[index + 1] * event.payout / event.growth
        case Adjust.BACK:
            for index, event in enumerate(events):
                # First this event undone, then those before it.
                scale[index + 1] = scale[index] * event.growth
                shift[index + 1] = shift[index] + scale[index] * event.payout
        case Adjust.FRONT_RATIO:
            for index in range(count - 1, -1, -1):
                scale[index] = scale[index + 1] / events[index].dr
        case Adjust.BACK_RATIO:
            for index, event in enumerate(events):
                scale[index + 1] = scale[index] * event.dr
        case Adjust.NONE:
            pass
    return scale, shift
