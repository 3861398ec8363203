"""Arguments of a call: the field, the reason, nothing that the SDK would misread or open."""

from __future__ import annotations

from typing import Any

import pytest

from qmt.registry import find
from qmt.registry.arguments import ArgumentProblem, check_arguments
from qmt.registry.model import FunctionSpec


def spec_of(name: str) -> FunctionSpec:
    spec = find(name)
    assert spec is not None
    return spec


@pytest.mark.parametrize(
    ("function", "given", "field", "reason"),
    [
        ("get_full_tick", {}, "code_list", "missing"),
        ("get_full_tick", {"code_list": "600519.SH"}, "code_list", "unfit"),
        ("get_full_tick", {"code_list": ["600519.SH", 1]}, "code_list[1]", "unfit"),
        ("get_full_tick", {"code_list": ["../x.SH"]}, "code_list[0]", "unfit"),
        ("get_full_tick", {"code_list": ["600519.SH"], "codes": []}, "codes", "unknown"),
        ("get_local_data", {"data_dir": "C:/"}, "data_dir", "ours"),
        ("download_history_data2", {"stock_list": [], "period": "1d", "callback": 1}, "callback", "ours"),
        ("get_market_data", {"count": True}, "count", "unfit"),
        ("get_market_data", {"count": 1.0}, "count", "unfit"),
        ("get_market_data", {"count": -2}, "count", "unfit"),
        ("get_market_data", {"count": 1 << 80}, "count", "unfit"),
        ("get_market_data", {"fill_data": 1}, "fill_data", "unfit"),
        ("get_market_data", {"start_time": "2024-01-02"}, "start_time", "unfit"),
        ("get_market_data", {"start_time": "２０２４０１０２"}, "start_time", "unfit"),
        ("get_market_data", {"dividend_type": "sideways"}, "dividend_type", "unfit"),
        ("get_market_data", {"dividend_type": None}, "dividend_type", "unfit"),
        ("get_sector_info", {"sector_name": "../../secret"}, "sector_name", "unfit"),
        ("get_stock_list_in_sector", {"sector_name": "a\x00b"}, "sector_name", "unfit"),
        ("read_feather", {"file_path": "/etc/passwd"}, "file_path", "unfit"),
        ("read_feather", {"file_path": ".."}, "file_path", "unfit"),
        ("timetag_to_datetime", {"timetag": 0, "format": "%999999999Y"}, "format", "unfit"),
        ("query_stock_asset", {"account": "8000000001"}, "account", "unfit"),
        ("query_stock_asset", {"account": True}, "account", "unfit"),
        ("write_feather", {"dest_path": "a.fe", "param": {"$where": 1}, "df": []}, "param", "unfit"),
        ("write_feather", {"dest_path": "a.fe", "param": {"n": 1 << 70}, "df": []}, "param", "unfit"),
        ("write_feather", {"dest_path": "a.fe", "param": {"n": float("nan")}, "df": []}, "param", "unfit"),
        ("write_feather", {"dest_path": "a.fe", "param": {}, "df": [1]}, "df", "unfit"),
        ("get_formula_result", {"request_id": "1"}, "timeout_second", "missing"),
    ],
)
def test_argument_that_does_not_fit_is_named(function: str, given: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(ArgumentProblem) as refused:
        check_arguments(spec_of(function), given)

    assert (refused.value.field, refused.value.reason) == (field, reason)


def test_null_is_taken_where_it_is_the_default() -> None:
    given = {"stock_list": ["600519.SH"], "period": "1d", "incrementally": None}

    assert check_arguments(spec_of("download_history_data2"), given) == given


def test_deep_nesting_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(50):
        deep = {"a": deep}

    with pytest.raises(ArgumentProblem):
        check_arguments(spec_of("write_feather"), {"dest_path": "a.fe", "param": deep, "df": []})
