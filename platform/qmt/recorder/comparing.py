"""How the simulated terminal differs from what was recorded: by outcome and by shape. Times are not compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qmt.recorder.trace import Trace


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two records disagree.

    Attributes
    ----------
    path
        Where in the answer; empty for the outcome as a whole.
    """

    name: str
    path: str
    recorded: str
    found: str


def differences(recorded: Trace, found: Trace) -> list[Difference]:
    """What of `recorded` the other does otherwise; a function that only one of them was asked is left out."""
    theirs = found.by_name()
    told = []
    for name, one in recorded.by_name().items():
        other = theirs.get(name)
        if other is None:
            continue
        if one.outcome != other.outcome:
            told.append(Difference(name, "", one.outcome, other.outcome))
        else:
            told += [Difference(name, *where) for where in _differing("", one.shape, other.shape)]
    return told


def _differing(path: str, one: Any, other: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            yield from _differing(f"{path}.{name}", one.get(name, "absent"), other.get(name, "absent"))
    elif isinstance(one, list) and isinstance(other, list):
        # An empty list has no shape of its own: it agrees with every other.
        if one and other:
            yield from _differing(f"{path}[]", one[0], other[0])
    elif one != other:
        yield path, _kind(one), _kind(other)


def _kind(one: Any) -> str:
    return one if isinstance(one, str) else "list" if isinstance(one, list) else "object"
