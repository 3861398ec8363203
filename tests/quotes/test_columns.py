"""What may enter the store, and in which form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.errors import QuotesRefused
from tests.quotes.builders import bars, closes, ticks

TS = [1000, 2000, 3000]


def build(**columns: Any) -> QuoteColumns:
    given: dict[str, Any] = {name: [1.0, 2.0, 3.0] for name in ("open", "high", "low", "close")}
    return QuoteColumns.build(BAR, instrument_id=7, ts=TS, columns={**given, "volume": [1, 2, 3], **columns})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"open": [1.0, float("nan"), 1.0]},
            "column open is not a finite number: row=1 instrument_id=7 ts=2000",
        ),
        (
            {"amount": [1.0, 1.0, float("inf")]},
            "column amount is not a finite number: row=2 instrument_id=7 ts=3000",
        ),
        (
            {"pre_close": [float("nan")] * 3},
            "column pre_close is not a finite number: row=0 instrument_id=7 ts=1000",
        ),
        ({"close": [1.0, None, 1.0]}, "column close is NULL: row=1 instrument_id=7 ts=2000"),
        (
            {"volume": [100, 100.5, 100]},
            "column volume is not exact as INT: row=1 instrument_id=7 ts=2000",
        ),
        (
            {"volume": [100.0, 1e300, 100.0]},
            "column volume is not exact as INT: row=1 instrument_id=7 ts=2000",
        ),
        ({"volume": [1, 2]}, "column volume has 2 rows, ts has 3"),
        ({"volume": ["1", "2", "3"]}, "column volume must be numbers, not <U1"),
        ({"turnover": [1.0, 1.0, 1.0]}, "not a bar column: turnover"),
        ({"close": None}, "column close is missing"),
    ],
)
def test_build_bad_value_is_refused_by_name(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(QuotesRefused) as refusal:
        build(**columns)
    assert str(refusal.value) == message


@pytest.mark.parametrize("ts", [[1.5], [0], [-1], [[1]]])
def test_build_bad_stamp_is_refused(ts: list[Any]) -> None:
    columns = {name: [1] for name in ("open", "high", "low", "close", "volume")}
    with pytest.raises(QuotesRefused):
        QuoteColumns.build(BAR, instrument_id=7, ts=ts, columns=columns)


@pytest.mark.parametrize(
    "amount",
    [
        [1.5, None, 2.5],
        np.ma.array([1.5, 99.0, 2.5], mask=[False, True, False]),
        pd.array([1.5, pd.NA, 2.5], dtype="Float64"),
        pd.Series([1.5, pd.NA, 2.5], dtype="Float64"),
    ],
)
def test_build_null_of_any_kind_becomes_a_mask_over_zero(amount: Any) -> None:
    rows = build(amount=amount)
    assert rows.null_mask("amount").tolist() == [False, True, False]
    assert rows.values["amount"].tolist() == [1.5, 0.0, 2.5]


def test_build_absent_nullable_column_is_null_throughout() -> None:
    rows = build()
    assert rows.null_mask("open_interest").all()
    assert rows.values["suspended"].tolist() == [False, False, False]


def test_normalised_repeated_keys_keep_the_last_row_given() -> None:
    rows = bars(7, [3000, 1000, 3000, 2000], [1.0, 2.0, 3.0, 4.0])
    assert closes(rows.normalised()) == [(7, 1000, 2.0), (7, 2000, 4.0), (7, 3000, 3.0)]


def test_normalised_ticks_of_one_stamp_are_told_apart_by_seq() -> None:
    rows = ticks(7, [1000, 1000, 1000], [1, 0, 1]).normalised()
    assert rows.values["seq"].tolist() == [0, 1]


def test_concat_null_masks_cover_parts_without_any() -> None:
    joined = QuoteColumns.concat([build(amount=[1.0, 1.0, 1.0]), build(amount=[1.0, None, 1.0])])
    assert joined.null_mask("amount").tolist() == [False, False, False, False, True, False]


def test_to_frame_null_is_nan_in_floats_and_na_in_integers() -> None:
    frame = build(amount=[1.0, None, 3.0], open_interest=[5, None, 6]).to_frame()
    assert frame["amount"].isna().tolist() == [False, True, False]
    assert frame["open_interest"].tolist()[1] is pd.NA
    assert str(frame["open_interest"].dtype) == "Int64"


def test_from_frame_reads_its_own_columns() -> None:
    frame = pd.DataFrame(
        {
            "ts": TS,
            "open": [1.0] * 3,
            "high": [1.0] * 3,
            "low": [1.0] * 3,
            "close": [1.0, 2.0, 3.0],
            "volume": [1, 2, 3],
        }
    )
    rows = QuoteColumns.from_frame(BAR, frame, instrument_id=7)
    assert closes(rows) == [(7, 1000, 1.0), (7, 2000, 2.0), (7, 3000, 3.0)]
