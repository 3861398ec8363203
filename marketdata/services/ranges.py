"""Ranges of days as (first, last) day numbers, both included."""

from __future__ import annotations

from collections.abc import Iterable

Ranges = list[tuple[int, int]]


def ranges_union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Merge overlapping and touching ranges, ascending."""
    merged: Ranges = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def ranges_minus(ranges: Iterable[tuple[int, int]], taken: Iterable[tuple[int, int]]) -> Ranges:
    """What of `ranges` is not in `taken`."""
    left = ranges_union(ranges)
    for cut_first, cut_last in taken:
        parts: Ranges = []
        for first, last in left:
            if cut_last < first or cut_first > last:
                parts.append((first, last))
                continue
            if first < cut_first:
                parts.append((first, cut_first - 1))
            if last > cut_last:
                parts.append((cut_last + 1, last))
        left = parts
    return left
