"""Invented new issues of the seeded market: so that there is something to subscribe on every trading day.

They follow from the seed and their day, and are never listed; the catalogue's own new listings are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from qmt.terminal.catalogue import Listing
from qmt.terminal.chance import key_of

MOST_PER_DAY: Final = 2
_FIRST: Final = "华瑞恒远嘉锐中科安泰"
_SECOND: Final = "芯达新材光电智造生物"
#: First digits of the listing code; the rest is drawn. The catalogue has none of them.
_CODES: Final = ("6037", "6888", "0014", "3018")


def offered_on(seed: int, day: dt.date) -> Iterator[Listing]:
    """What is subscribed on a trading day: one or two issues, the prices ``price × 0.62`` as with listed ones."""
    draw = key_of(seed, "offering", day.isoformat())
    for number in range(1 + draw % MOST_PER_DAY):
        one = key_of(seed, "offering", day.isoformat(), number)
        prefix = _CODES[(draw // 3 + number) % len(_CODES)]  # two of one day are on different boards
        code = prefix + f"{one % 10 ** (6 - len(prefix)):0{6 - len(prefix)}d}"
        first, second = (draw // 100 + number) % 5 * 2, one // 10_000 % 5 * 2
        yield Listing(
            symbol=f"{code}.{'SH' if code[0] == '6' else 'SZ'}",
            name=_FIRST[first : first + 2] + _SECOND[second : second + 2],
            listed="",
            price=10 + one // 100_000 % 6000 / 100,
            daily_lots=0,
            shares=float(5 + one // 10**9 % 40) * 1e7,
        )
