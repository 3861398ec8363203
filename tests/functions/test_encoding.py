"""Answers of the SDK as JSON."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from qmt.reader.encoding import encode
from qmt.terminal.native.strict import build


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, None),
        ({1: [True, 2, "三"]}, {"1": [True, 2, "三"]}),
        (float("nan"), None),
        ([float("inf"), np.float64("nan"), np.int64(7), np.bool_(True)], [None, None, 7, True]),
        (1 << 70, str(1 << 70)),
        (b"text", "text"),
        (b"\xff\x00", {"base64": "/wA="}),
        (dt.date(2024, 1, 2), "2024-01-02"),
        (
            pd.DataFrame({"close": [1.5, np.nan]}, index=["a", "b"]),
            {"index": ["a", "b"], "columns": {"close": [1.5, None]}},
        ),
        (
            pd.DataFrame({"bid": [[1.0, 2.0]], "at": [pd.Timestamp("2024-01-02")]}),
            {"index": [0], "columns": {"bid": [[1.0, 2.0]], "at": ["2024-01-02T00:00:00"]}},
        ),
        (
            np.array([(1, 2.5)], dtype=[("time", "i8"), ("price", "f8")]),
            {"columns": {"time": [1], "price": [2.5]}},
        ),
        (np.arange(4).reshape(2, 2)[:, ::-1], [[1, 0], [3, 2]]),
    ],
)
def test_answer_is_told_in_json(answer: Any, told: Any) -> None:
    assert orjson.loads(encode(answer)) == told


def test_native_struct_is_told_by_its_readable_names() -> None:
    told = orjson.loads(encode([build("XtAsset", {"m_dCash": 12.5, "account_id": "1"})]))

    assert told[0]["cash"] == 12.5
    assert told[0]["account_id"] == "1"
    assert not any(name.startswith("m_") for name in told[0])


def test_what_is_no_data_is_refused() -> None:
    with pytest.raises(TypeError, match="not data"):
        encode([print])


def test_endless_answer_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(TypeError, match="deep"):
        encode(endless)
