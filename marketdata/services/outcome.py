"""What goes into a round of repair, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from marketdata.choices import Basis, RepairTrouble
from marketdata.quotes.periods import Int64Array

Wanted = Mapping[int, Sequence[tuple[int, int]]]
"""(first, last) day numbers per instrument id."""


@dataclass(frozen=True, slots=True)
class Source:
    """Whose answers are stored: part of every proof."""

    host: str
    sdk_version: str
    basis: Basis


@dataclass(slots=True)
class Outcome:
    """What a round did for one instrument.

    Attributes
    ----------
    rows
        Bars of this round's read-back that were stored.
    remaining
        Days that are neither stored nor proven empty, ascending.
    error
        Why, in words; empty when nothing remains.
    trouble
        Why, by kind.
    repeats
        Downloads in a row, this one included, that went well and brought no new day.
    """

    rows: int = 0
    remaining: Int64Array = field(default_factory=lambda: np.empty(0, np.int64))
    error: str = ""
    trouble: RepairTrouble | None = None
    repeats: int = 0
