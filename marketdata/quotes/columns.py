"""Columnar bars and ticks: the form in which rows enter, leave and move inside the store.

A `QuoteColumns` holds numpy arrays of one length. Values are exact: NULL lives in a mask beside its
column, and NaN or infinity never get in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from marketdata.quotes.errors import QuotesRefused
from marketdata.quotes.periods import Int64Array, Period

BoolArray = npt.NDArray[np.bool_]
AnyArray = npt.NDArray[Any]


class Kind(Enum):
    """How a column is held in memory; the value is its numpy dtype."""

    FLOAT = "float64"
    INT = "int64"
    BOOL = "bool"


@dataclass(frozen=True, slots=True)
class Column:
    """One value column.

    Attributes
    ----------
    units : tuple of int
        Steps that the codec tries to divide integers by, coarsest first (shares come in lots).
    """

    name: str
    kind: Kind
    nullable: bool = False
    units: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns of one table of rows, beside ``instrument_id`` and ``ts``.

    Attributes
    ----------
    sequenced : bool
        Stamps repeat: ``seq`` is part of the key.
    """

    name: str
    columns: tuple[Column, ...]
    sequenced: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the value columns, in storage order."""
        return tuple(column.name for column in self.columns)

    def pick(self, names: Sequence[str] | None) -> tuple[Column, ...]:
        """Return the named columns in storage order (all for None), ``seq`` always included.

        Raises
        ------
        ValueError
            A name that is not a column of this schema.
        """
        if names is None:
            return self.columns
        unknown = sorted(set(names) - set(self.names))
        if unknown:
            raise ValueError(f"not a {self.name} column: {', '.join(unknown)}")
        return tuple(c for c in self.columns if c.name in names or c.name == "seq")


BAR = Schema(
    "bar",
    (
        Column("open", Kind.FLOAT),
        Column("high", Kind.FLOAT),
        Column("low", Kind.FLOAT),
        Column("close", Kind.FLOAT),
        Column("volume", Kind.INT, units=(100, 1)),
        Column("amount", Kind.FLOAT, nullable=True),
        Column("pre_close", Kind.FLOAT, nullable=True),
        Column("suspended", Kind.BOOL),
        Column("open_interest", Kind.INT, nullable=True),
    ),
)

_LEVELS = range(1, 6)

TICK = Schema(
    "tick",
    (
        Column("seq", Kind.INT),
        *(Column(name, Kind.FLOAT) for name in ("last", "open", "high", "low", "pre_close")),
        Column("volume", Kind.INT, units=(100, 1)),
        Column("amount", Kind.FLOAT),
        Column("pvolume", Kind.INT, nullable=True),
        Column("transactions", Kind.INT, nullable=True),
        Column("status", Kind.INT),
        *(Column(f"bid{n}", Kind.FLOAT, nullable=True) for n in _LEVELS),
        *(Column(f"ask{n}", Kind.FLOAT, nullable=True) for n in _LEVELS),
        *(Column(f"bid_volume{n}", Kind.INT, nullable=True, units=(100, 1)) for n in _LEVELS),
        *(Column(f"ask_volume{n}", Kind.INT, nullable=True, units=(100, 1)) for n in _LEVELS),
    ),
    sequenced=True,
)


def schema_of(period: Period) -> Schema:
    """Columns that rows of a period have."""
    return TICK if period is Period.TICK else BAR


@dataclass(frozen=True, slots=True, eq=False)
class QuoteColumns:
    """Rows of one schema as arrays of one length.

    Build it with `QuoteColumns.build` or `QuoteColumns.from_frame`, which check every value; the
    plain constructor trusts its caller.

    Attributes
    ----------
    instrument_id, ts : ndarray of int64
    values : mapping of str to ndarray
        One array per column, in its `Kind`'s dtype. What lies under a NULL is 0.
    nulls : mapping of str to ndarray of bool
        True where NULL. Columns without any NULL have no entry.
    """

    schema: Schema
    instrument_id: Int64Array
    ts: Int64Array
    values: Mapping[str, AnyArray]
    nulls: Mapping[str, BoolArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.ts.size)

    @classmethod
    def build(
        cls,
        schema: Schema,
        *,
        instrument_id: npt.ArrayLike,
        ts: npt.ArrayLike,
        columns: Mapping[str, Any],
    ) -> QuoteColumns:
        """Check and take over raw columns.

        Parameters
        ----------
        instrument_id : int or array of int
        ts : array of int
            Epoch milliseconds.
        columns : mapping of str to array
            numpy arrays, masked arrays, pandas arrays or sequences. NULL is a masked value, None or
            ``pd.NA``. A nullable column that is absent is NULL throughout; ``suspended`` is False.

        Raises
        ------
        QuotesRefused
            NaN, infinity, a NULL where none is allowed, a fraction in an integer column, unknown or
            missing columns, unequal lengths, stamps or ids that are not positive.
        """
        stamps = _integers("ts", ts)
        ids = _integers("instrument_id", instrument_id)
        if ids.ndim == 0:
            ids = np.full(stamps.shape, ids, dtype=np.int64)
        if ids.shape != stamps.shape or stamps.ndim != 1:
            raise QuotesRefused(f"instrument_id has {ids.size} rows, ts has {stamps.size}")
        if stamps.size and (ids.min() <= 0 or stamps.min() <= 0):
            raise QuotesRefused("instrument_id and ts must be positive")
        unknown = sorted(set(columns) - set(schema.names))
        if unknown:
            raise QuotesRefused(f"not a {schema.name} column: {', '.join(unknown)}")
        values: dict[str, AnyArray] = {}
        nulls: dict[str, BoolArray] = {}
        for column in schema.columns:
            given = columns.get(column.name)
            if given is None:
                given, missing = _absent(column, stamps.size)
            else:
                given, missing = _split_nulls(given)
            array = _checked(column, given, missing, ids, stamps)
            values[column.name] = array
            if missing is not None and missing.any():
                nulls[column.name] = missing
        return cls(schema, ids, stamps, values, nulls)

    @classmethod
    def from_frame(cls, schema: Schema, frame: pd.DataFrame, *, instrument_id: npt.ArrayLike) -> QuoteColumns:
        """Check and take over a DataFrame with a ``ts`` column; columns outside the schema are refused."""
        names = [name for name in frame.columns if name not in ("ts", "instrument_id")]
        return cls.build(
            schema,
            instrument_id=instrument_id,
            ts=frame["ts"].to_numpy(),
            columns={str(name): frame[name].array for name in names},
        )

    @classmethod
    def empty(cls, schema: Schema, columns: Sequence[Column] | None = None) -> QuoteColumns:
        """No rows at all."""
        nothing = np.zeros(0, dtype=np.int64)
        picked = schema.columns if columns is None else columns
        return cls(schema, nothing, nothing, {c.name: np.zeros(0, dtype=c.kind.value) for c in picked})

    @classmethod
    def concat(cls, parts: Sequence[QuoteColumns]) -> QuoteColumns:
        """Join parts of one schema and one choice of columns, in the order given."""
        if len(parts) == 1:
            return parts[0]
        first = parts[0]
        nulls: dict[str, BoolArray] = {}
        for name in {name for part in parts for name in part.nulls}:
            nulls[name] = np.concatenate([part.null_mask(name) for part in parts])
        return cls(
            first.schema,
            np.concatenate([part.instrument_id for part in parts]),
            np.concatenate([part.ts for part in parts]),
            {name: np.concatenate([part.values[name] for part in parts]) for name in first.values},
            nulls,
        )

    def null_mask(self, name: str) -> BoolArray:
        """True where the column is NULL, also when none is."""
        mask = self.nulls.get(name)
        return np.zeros(len(self), dtype=np.bool_) if mask is None else mask

    def take(self, index: Any) -> QuoteColumns:
        """Rows by slice, mask or positions; a slice makes views, not copies."""
        nulls: dict[str, BoolArray] = {}
        for name, mask in self.nulls.items():
            picked = mask[index]
            if picked.any():
                nulls[name] = picked
        return QuoteColumns(
            self.schema,
            self.instrument_id[index],
            self.ts[index],
            {name: array[index] for name, array in self.values.items()},
            nulls,
        )

    def key_columns(self) -> tuple[Int64Array, ...]:
        """Arrays that identify a row, most significant first."""
        if self.schema.sequenced:
            return (self.instrument_id, self.ts, self.values["seq"])
        return (self.instrument_id, self.ts)

    def normalised(self) -> QuoteColumns:
        """Rows in key order, each key once; of repeated keys the last row given stays."""
        if len(self) < 2:
            return self
        keys = self.key_columns()
        if _strictly_increasing(keys):
            return self
        order = np.lexsort(keys[::-1])
        repeated = np.ones(len(self) - 1, dtype=np.bool_)
        for key in keys:
            ordered = key[order]
            repeated &= ordered[1:] == ordered[:-1]
        # lexsort is stable: within one key the rows stand in the order given.
        keep = np.append(~repeated, True)
        return self.take(order[keep])

    def group_slices(self) -> Iterator[tuple[int, slice]]:
        """Each instrument with the slice of its rows; the rows must be in key order."""
        if not len(self):
            return
        cuts = np.flatnonzero(np.diff(self.instrument_id)) + 1
        starts = [0, *cuts.tolist()]
        for start, stop in zip(starts, [*starts[1:], len(self)], strict=True):
            yield int(self.instrument_id[start]), slice(start, stop)

    def to_frame(self) -> pd.DataFrame:
        """Columns ``instrument_id``, ``ts`` and the values; a NULL becomes NaN or ``pd.NA``."""
        data: dict[str, Any] = {"instrument_id": self.instrument_id, "ts": self.ts}
        for column in self.schema.columns:
            if column.name not in self.values:
                continue
            values = self.values[column.name]
            mask = self.nulls.get(column.name)
            if column.kind is Kind.FLOAT and mask is not None:
                values = np.where(mask, np.nan, values)
            elif column.kind is Kind.INT and column.nullable:
                # One dtype whether or not a NULL is there, so that frames can be joined.
                data[column.name] = pd.arrays.IntegerArray(values, self.null_mask(column.name))
                continue
            data[column.name] = values
        return pd.DataFrame(data, copy=False)


def _strictly_increasing(keys: Sequence[Int64Array]) -> bool:
    later = np.zeros(keys[0].size - 1, dtype=np.bool_)
    equal = np.ones(keys[0].size - 1, dtype=np.bool_)
    for key in keys:
        step = np.diff(key)
        later |= equal & (step > 0)
        equal &= step == 0
    return bool(later.all())


def _integers(name: str, values: npt.ArrayLike) -> Int64Array:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise QuotesRefused(f"{name} must be integers, not {array.dtype}")
    return array.astype(np.int64, copy=False)


def _absent(column: Column, size: int) -> tuple[AnyArray, BoolArray | None]:
    blank = np.zeros(size, dtype=column.kind.value)
    if column.nullable:
        return blank, np.ones(size, dtype=np.bool_)
    if column.kind is Kind.BOOL:
        return blank, None
    raise QuotesRefused(f"column {column.name} is missing")


def _split_nulls(given: Any) -> tuple[AnyArray, BoolArray | None]:
    """Separate NULLs (masked, None, pd.NA) from values; NaN counts as a value, to be refused later."""
    if isinstance(given, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(given)
        return given.filled(0), mask
    if isinstance(given, pd.Series):
        given = given.array
    if isinstance(given, pd.api.extensions.ExtensionArray) and not isinstance(given, pd.arrays.NumpyExtensionArray):
        mask = np.asarray(given.isna(), dtype=np.bool_)
        return given.to_numpy(dtype=np.float64 if _is_float(given) else None, na_value=0), mask
    array = np.asarray(given)
    if array.dtype.kind == "O":
        mask = np.fromiter((v is None or v is pd.NA for v in array), np.bool_, array.size)
        return np.array([0 if hole else v for v, hole in zip(array, mask, strict=True)]), mask
    return array, None


def _is_float(array: pd.api.extensions.ExtensionArray) -> bool:
    return getattr(array.dtype, "kind", "") == "f"


def _checked(
    column: Column, given: AnyArray, missing: BoolArray | None, ids: Int64Array, stamps: Int64Array
) -> AnyArray:
    if given.shape != stamps.shape:
        raise QuotesRefused(f"column {column.name} has {given.size} rows, ts has {stamps.size}")
    if missing is not None and not column.nullable and missing.any():
        raise _refusal(column, "NULL", missing, ids, stamps)
    if given.dtype.kind not in "biuf":
        raise QuotesRefused(f"column {column.name} must be numbers, not {given.dtype}")
    if given.dtype.kind == "f":
        bad = ~np.isfinite(given)
        if bad.any():
            raise _refusal(column, "not a finite number", bad, ids, stamps)
    with np.errstate(invalid="ignore"):  # a float beyond int64 is refused just below
        array = given.astype(column.kind.value)
    if column.kind is not Kind.FLOAT:
        inexact = array != given
        if inexact.any():
            raise _refusal(column, f"not exact as {column.kind.name}", inexact, ids, stamps)
    if missing is not None:
        array[missing] = 0
    return array


def _refusal(column: Column, reason: str, rows: BoolArray, ids: Int64Array, stamps: Int64Array) -> QuotesRefused:
    row = int(np.argmax(rows))
    return QuotesRefused(f"column {column.name} is {reason}: row={row} instrument_id={ids[row]} ts={stamps[row]}")
