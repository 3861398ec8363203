"""Ticks of one push as two matrices: cheap to make, to compare, to put on disk and to store."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from marketdata.quotes.columns import TICK, AnyArray, QuoteColumns
from marketdata.quotes.periods import Int64Array
from qmt.gateway import Quote

FLOATS = (
    *("last", "open", "high", "low", "pre_close", "amount"),
    *(f"{side}{level}" for side in ("bid", "ask") for level in range(1, 6)),
)
INTS = (
    *("ts", "volume", "status", "pvolume", "transactions"),
    *(f"{side}_volume{level}" for side in ("bid", "ask") for level in range(1, 6)),
)
_TS = INTS.index("ts")
_VOLUME = INTS.index("volume")
_OPTIONAL = ("pvolume", "transactions")
_ABSENT = -1
_SIZES = struct.Struct("<II")

_float_scalars: Callable[[Quote], tuple[float, ...]] = attrgetter(*FLOATS[:6])


class BlockCorrupt(ValueError):
    """Bytes that are not a block."""


@dataclass(frozen=True, slots=True, eq=False)
class TickBlock:
    """Ticks of one push; each symbol at most once.

    Attributes
    ----------
    symbols : tuple of str
    floats : ndarray of float64, shape (n, len(FLOATS))
    ints : ndarray of int64, shape (n, len(INTS))
        Sizes in shares; −1 in `pvolume` and `transactions` where the terminal said nothing.
    """

    symbols: tuple[str, ...]
    floats: npt.NDArray[np.float64]
    ints: Int64Array

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def ts(self) -> Int64Array:
        """Event times (epoch ms)."""
        stamps: Int64Array = self.ints[:, _TS]
        return stamps

    @property
    def volume(self) -> Int64Array:
        """Cumulative volumes (shares)."""
        volumes: Int64Array = self.ints[:, _VOLUME]
        return volumes

    @classmethod
    def of_quotes(cls, quotes: Mapping[str, Quote]) -> TickBlock:
        """Take over the quotes of one push."""
        rows = list(quotes.values())
        floats = [(*_float_scalars(quote), *quote.bid, *quote.ask) for quote in rows]
        ints = [
            (
                quote.ts,
                quote.volume,
                quote.status,
                _ABSENT if quote.pvolume is None else quote.pvolume,
                _ABSENT if quote.transactions is None else quote.transactions,
                *quote.bid_volume,
                *quote.ask_volume,
            )
            for quote in rows
        ]
        return cls(
            tuple(quotes),
            np.array(floats, dtype=np.float64).reshape(len(rows), len(FLOATS)),
            np.array(ints, dtype=np.int64).reshape(len(rows), len(INTS)),
        )

    def take(self, index: AnyArray) -> TickBlock:
        """Rows by mask or positions."""
        if index.dtype == np.bool_ and index.all():
            return self
        picked = np.arange(len(self))[index]
        return TickBlock(tuple(self.symbols[at] for at in picked.tolist()), self.floats[index], self.ints[index])

    # --- as bytes

    def encode(self) -> bytes:
        """The block as bytes, compressed."""
        names = orjson.dumps(self.symbols)
        body = b"".join((names, self.floats.tobytes(), self.ints.tobytes()))
        return _SIZES.pack(len(names), len(body)) + bytes(pa.Codec("zstd").compress(body, asbytes=True))

    @classmethod
    def decode(cls, data: bytes) -> TickBlock:
        """The block of bytes that `encode` made.

        Raises
        ------
        BlockCorrupt
        """
        try:
            named, size = _SIZES.unpack_from(data)
            body = pa.Codec("zstd").decompress(data[_SIZES.size :], decompressed_size=size, asbytes=True)
            symbols = orjson.loads(body[:named])
            floats = len(symbols) * len(FLOATS)
            numbers = np.frombuffer(body, np.float64, floats, named).reshape(-1, len(FLOATS))
            whole = np.frombuffer(body, np.int64, offset=named + 8 * floats).reshape(len(symbols), len(INTS))
        except (struct.error, ValueError, OSError, pa.ArrowException, TypeError) as error:
            raise BlockCorrupt(f"{type(error).__name__}: {error}") from error
        return cls(tuple(symbols), numbers, whole)


def tick_columns(
    ids: Sequence[Int64Array], sequences: Sequence[Int64Array], blocks: Sequence[TickBlock]
) -> QuoteColumns:
    """Blocks as rows of the store.

    Parameters
    ----------
    ids, sequences
        Instrument id and number among equal stamps, per block and row.
    """
    floats = np.concatenate([block.floats for block in blocks])
    ints = np.concatenate([block.ints for block in blocks])
    columns: dict[str, AnyArray] = {name: floats[:, at] for at, name in enumerate(FLOATS)}
    for at, name in enumerate(INTS):
        values = ints[:, at]
        columns[name] = np.ma.masked_equal(values, _ABSENT) if name in _OPTIONAL else values
    stamps = columns.pop("ts")
    columns["seq"] = np.concatenate(sequences)
    return QuoteColumns.build(TICK, instrument_id=np.concatenate(ids), ts=stamps, columns=columns)


def row_matrices(rows: QuoteColumns) -> tuple[npt.NDArray[np.float64], Int64Array]:
    """Rows of the store as a block's two matrices."""
    given: dict[str, AnyArray] = {**rows.values, "ts": rows.ts}
    for name in _OPTIONAL:
        given[name] = np.where(rows.null_mask(name), _ABSENT, rows.values[name])
    floats = np.array([given[name] for name in FLOATS], dtype=np.float64).T
    ints: Int64Array = np.array([given[name] for name in INTS], dtype=np.int64).T
    return floats, ints
