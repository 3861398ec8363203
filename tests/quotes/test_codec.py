"""The segment payload: exact, small, and loud when damaged."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.quotes import codec
from marketdata.quotes.columns import BAR, TICK, Kind, QuoteColumns
from marketdata.quotes.segments import same_rows
from tests.quotes.builders import bars, stamp, ticks

START = stamp("2024-03-01 09:30")


def minutes(count: int) -> list[int]:
    return [START + 60_000 * n for n in range(count)]


def round_trip(rows: QuoteColumns) -> QuoteColumns:
    payload = codec.Encoder().encode(rows)
    return decoded(payload, rows)


def decoded(payload: bytes, like: QuoteColumns) -> QuoteColumns:
    out: dict[str, npt.NDArray[Any]] = {c.name: np.empty(len(like), dtype=c.kind.value) for c in like.schema.columns}
    out["ts"] = np.empty(len(like), dtype=np.int64)
    nulls = codec.decode(payload, like.schema.columns, out)
    return QuoteColumns(like.schema, like.instrument_id, out.pop("ts"), out, nulls)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
PRICES = st.integers(-(10**9), 10**9).flatmap(lambda n: st.integers(0, 8).map(lambda k: n / 10.0**k))
INT64 = st.integers(-(2**63), 2**63 - 1)


@st.composite
def any_bars(draw: st.DrawFn) -> QuoteColumns:
    size = draw(st.integers(1, 40))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=size, max_size=size))

    numbers = draw(st.sampled_from([FINITE, PRICES]))
    ts = draw(st.lists(st.integers(1, 2**53), min_size=size, max_size=size, unique=True))
    return QuoteColumns.build(
        BAR,
        instrument_id=1,
        ts=np.array(sorted(ts), dtype=np.int64),
        columns={
            **{name: column(numbers) for name in ("open", "high", "low", "close")},
            "volume": np.array(column(INT64), dtype=np.int64),
            "amount": np.array(column(st.none() | numbers), dtype=object),
            "pre_close": np.array(column(st.none() | numbers), dtype=object),
            "suspended": column(st.booleans()),
            "open_interest": np.array(column(st.none() | INT64), dtype=object),
        },
    )


@settings(max_examples=300, deadline=None)
@given(any_bars())
def test_codec_any_bars_come_back_bit_for_bit(rows: QuoteColumns) -> None:
    assert same_rows(round_trip(rows), rows)


def test_codec_ticks_come_back_bit_for_bit() -> None:
    rows = ticks(1, [START, START, START + 3000], [0, 1, 0], last=12.345)
    assert rows.schema is TICK
    assert same_rows(round_trip(rows), rows)


def test_codec_ticks_with_a_full_book_come_back_bit_for_bit() -> None:
    random = np.random.default_rng(7)
    size = 500
    columns: dict[str, Any] = {}
    for column in TICK.columns:
        if column.name == "seq":
            columns["seq"] = np.arange(size) % 3
        elif column.kind is Kind.FLOAT:
            columns[column.name] = np.round(random.uniform(9, 11, size), 2)
        else:
            columns[column.name] = random.integers(0, 10**6, size)
        if column.nullable:
            holes = random.random(size) < 0.1
            columns[column.name] = np.ma.array(columns[column.name], mask=holes)
    ts = START + 3000 * (np.arange(size) // 3)
    rows = QuoteColumns.build(TICK, instrument_id=1, ts=ts, columns=columns)
    assert len(rows.normalised()) == size
    assert same_rows(round_trip(rows), rows)


@pytest.mark.parametrize(
    ("close", "scale"),
    [
        ([10.0, 11.0, 13.0], 0),
        ([10.01, 11.0, 13.5], 2),
        ([1.234, 1.235, 1.2], 3),
        ([1.234567, 1.5, 2.0], 6),
    ],
)
def test_codec_scale_is_the_smallest_that_is_exact(close: list[float], scale: int) -> None:
    payload = codec.Encoder().encode(bars(1, minutes(3), close))
    mode, used = codec.describe(payload)["close"]
    assert mode in ("delta", "offset")
    assert used == scale


def test_codec_scale_does_not_stick_to_the_segment_before() -> None:
    encoder = codec.Encoder()
    encoder.encode(bars(1, minutes(3), [1.234567, 1.5, 2.0]))
    payload = encoder.encode(bars(1, minutes(3), [1.0, 2.0, 4.0]))
    assert codec.describe(payload)["close"][1] == 0
    payload = encoder.encode(bars(1, minutes(3), [1.01, 2.0, 4.0]))
    assert codec.describe(payload)["close"][1] == 2


@pytest.mark.parametrize(
    "close",
    [
        [1.2345678, 1.0, 2.0],
        [0.1 + 0.2, 1.0, 2.0],
        [1e-9, 1.0, 2.0],
        [-0.0, 1.0, 2.0],
        [1e300, 1.0, 2.0],
    ],
)
def test_codec_number_without_exact_fixed_point_stays_float(close: list[float]) -> None:
    rows = bars(1, minutes(3), close)
    payload = codec.Encoder().encode(rows)
    assert codec.describe(payload)["close"][0] == "float"
    assert same_rows(decoded(payload, rows), rows)


def test_codec_constant_and_null_columns_take_no_room() -> None:
    modes = codec.describe(codec.Encoder().encode(bars(1, minutes(3), [1.0, 2.0, 4.0])))
    assert modes["volume"][0] == "const"
    assert modes["suspended"][0] == "const"
    assert modes["open_interest"][0] == "null"


def test_codec_whole_lots_are_stored_as_lots() -> None:
    payload = codec.Encoder().encode(bars(1, minutes(3), volume=[100, 300, 700]))
    assert codec.describe(payload)["volume"][1] == 100
    payload = codec.Encoder().encode(bars(1, minutes(3), volume=[100, 300, 750]))
    assert codec.describe(payload)["volume"][1] == 1


def test_codec_random_walk_stays_within_14_bytes_a_row() -> None:
    random = np.random.default_rng(7)
    size = 4_800
    close = np.round(20 * np.exp(np.cumsum(random.normal(0, 0.0008, size))), 2)
    volume = random.integers(1, 1_000_000, size)
    rows = bars(1, minutes(size), close.tolist(), volume=volume, amount=np.round(close * volume, 2))
    assert len(codec.Encoder().encode(rows)) / size < 14


def test_codec_wanted_columns_only_leaves_the_others_untouched() -> None:
    rows = bars(1, minutes(3), [1.0, 2.0, 4.0])
    out = {"ts": np.zeros(3, dtype=np.int64), "close": np.zeros(3)}
    codec.decode(codec.Encoder().encode(rows), BAR.pick(["close"]), out)
    assert out["close"].tolist() == [1.0, 2.0, 4.0]
    assert out["ts"].tolist() == minutes(3)


def test_codec_no_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        codec.Encoder().encode(QuoteColumns.empty(BAR))


@pytest.mark.parametrize(
    "damage",
    [
        lambda payload: payload[:6],
        lambda payload: payload[:-1],
        lambda payload: b"XXXX" + payload[4:],
        lambda payload: payload[:8] + b"\x00" * (len(payload) - 8),
        lambda payload: b"",
    ],
)
def test_codec_damaged_payload_raises_and_nothing_else(damage: Any) -> None:
    rows = bars(1, minutes(100), np.arange(100).tolist())
    with pytest.raises(codec.PayloadCorrupt):
        decoded(damage(codec.Encoder().encode(rows)), rows)


def test_codec_other_row_count_is_corrupt() -> None:
    payload = codec.Encoder().encode(bars(1, minutes(3), [1.0, 2.0, 4.0]))
    with pytest.raises(codec.PayloadCorrupt, match="holds 3 rows, not 2"):
        decoded(payload, bars(1, minutes(2)))
