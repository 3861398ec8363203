"""Technical indicators as the Chinese terminals compute them. Pure: arrays in, arrays out; no Django, no database.

What each is, and its formula, stands in `marketdata.indicators.catalogue`; `parse_wishes` reads what a caller asks for
and `compute` answers it for one instrument's bars.
"""

from __future__ import annotations

from marketdata.indicators.catalogue import CATALOGUE, Bars, Indicator, Parameter
from marketdata.indicators.wishes import Wish, compute, parse_wishes, warm_up

__all__ = ["CATALOGUE", "Bars", "Indicator", "Parameter", "Wish", "compute", "parse_wishes", "warm_up"]
