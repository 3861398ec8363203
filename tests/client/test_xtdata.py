"""The façade beside the SDK: the same calls to both, over the simulated terminal of one running platform.

`test_xtdata_bars` is the quick half of it.
"""

from __future__ import annotations

import ast
import inspect
import json
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from qmt.sdk import load_sdk, open_quote_gateway
from qmtdesk import Desk, xtdata
from qmtdesk.xtdata.names import NOT_COVERED
from tests.e2e.conftest import stack
from tests.e2e.platform_stack import Stack

__all__ = ["stack"]

MOUTAI, PINGAN = "600519.SH", "000001.SZ"
#: Without underscore in the SDK, and no interfaces.
PLUMBING = frozenset(
    {
        "try_except",
        "create_array",
        "hello",
        "get_client",
        "get_field_list",
        "subscribe_callback_wrapper",
        "subscribe_callback_wrapper_1820",
        "subscribe_callback_wrapper_convert",
        "timetagToDateTime",
        "getDividFactors",
    }
)
Sdk = Any


@pytest.fixture(scope="module")
def sdk(stack: Stack) -> Iterator[Sdk]:
    """The SDK's own ``xtdata``, connected to the platform's terminal."""
    userdata = stack.state_dir / "terminal" / "sim" / "userdata_mini"
    facts = json.loads((userdata / "terminal.json").read_text())
    session = open_quote_gateway(native="simulated", data_dir=userdata / "datadir")
    session.connect(f"{facts['host']}:{facts['port']}")
    yield load_sdk("simulated").xtdata
    session.close()


@pytest.fixture(scope="module")
def ours(stack: Stack) -> Iterator[Any]:
    """The façade, asking the platform."""
    with Desk(stack.url, stack.token("alice", "market:read"), progress=False) as desk:
        xtdata.use(desk)
        yield xtdata
        xtdata.disconnect()


def bars(module: Any, name: str, period: str, start: str, end: str, **more: Any) -> Any:
    for symbol in (MOUTAI, PINGAN):
        module.download_history_data(symbol, period, start, end)
    return getattr(module, name)(more.pop("fields", []), [MOUTAI, PINGAN], period, start, end, **more)


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.parametrize(
    ("period", "start", "end", "more"),
    [
        ("1d", "20251220", "20260110", {}),
        ("1d", "20251220", "20260110", {"fields": ["close", "volume"]}),
        ("1d", "20251220", "20260110", {"count": 3}),
        ("1m", "20260105", "20260106", {}),
        ("5m", "20260105", "20260105", {"fields": ["time", "amount"]}),
        ("1m", "20260105093000", "20260105100000", {}),
    ],
)
def test_bars_are_the_sdks_frames(sdk: Sdk, ours: Any, period: str, start: str, end: str, more: dict[str, Any]) -> None:
    theirs = bars(sdk, "get_market_data_ex", period, start, end, **more)
    mine = bars(ours, "get_market_data_ex", period, start, end, **more)
    assert list(mine) == list(theirs)
    for symbol in theirs:
        assert_frame_equal(mine[symbol], theirs[symbol])


@pytest.mark.slow
@pytest.mark.e2e
def test_bars_by_field_are_the_sdks_frames(sdk: Sdk, ours: Any) -> None:
    theirs = bars(sdk, "get_market_data", "1d", "20251220", "20260110")
    mine = bars(ours, "get_market_data", "1d", "20251220", "20260110")
    assert list(mine) == list(theirs)
    for field in theirs:
        assert_frame_equal(mine[field], theirs[field])


@pytest.mark.slow
@pytest.mark.e2e
def test_lists_and_days_are_the_sdks(sdk: Sdk, ours: Any) -> None:
    calls: list[Callable[[Any], Any]] = [
        lambda m: sorted(m.get_sector_list()),
        lambda m: sorted(m.get_stock_list_in_sector("沪深300")),
        lambda m: m.get_stock_list_in_sector("nonsense"),
        lambda m: m.get_trading_dates("SH", "20260101", "20260115"),
        lambda m: m.get_trading_dates("SH", count=3),
        lambda m: m.get_market_last_trade_date("SH"),
        lambda m: m.get_trading_calendar("SH", "20260101", "20260115"),
        lambda m: m.get_instrument_detail("999999.SH"),
        lambda m: m.get_instrument_type(MOUTAI),
        lambda m: dict(sorted(m.get_index_weight("000300.SH").items())),
        lambda m: m.datetime_to_timetag("20260105093000"),
        lambda m: m.timetag_to_datetime(1767576600000, "%Y%m%d%H%M%S"),
    ]
    for call in calls:
        assert call(ours) == call(sdk)


@pytest.mark.slow
@pytest.mark.e2e
def test_factors_are_the_sdks_frame(sdk: Sdk, ours: Any) -> None:
    assert_frame_equal(ours.get_divid_factors(MOUTAI), sdk.get_divid_factors(MOUTAI))


@pytest.mark.slow
@pytest.mark.e2e
def test_statements_are_the_sdks_frames(sdk: Sdk, ours: Any, stack: Stack) -> None:
    wanted = {"parts": ["financials"], "symbols": [MOUTAI]}
    with stack.api("admin", "admin:*", "market:read") as admin:
        job = admin.post("/static-refresh", json=wanted).json()
        with Desk(stack.url, admin.headers["Authorization"].split()[1], progress=False) as desk:
            assert desk.follow(desk.job(job["id"]), wait=30).status == "DONE"
    sdk.download_financial_data([MOUTAI], ["Capital", "PershareIndex"])
    theirs = sdk.get_financial_data([MOUTAI], ["Capital", "PershareIndex"])
    mine = ours.get_financial_data([MOUTAI], ["Capital", "PershareIndex"])
    assert {symbol: list(tables) for symbol, tables in mine.items()} == {s: list(t) for s, t in theirs.items()}
    for table, frame in theirs[MOUTAI].items():
        assert_frame_equal(mine[MOUTAI][table][list(frame.columns)], frame)


@pytest.mark.slow
@pytest.mark.e2e
def test_known_fields_of_records_are_the_sdks(sdk: Sdk, ours: Any) -> None:
    detail, theirs = ours.get_instrument_detail(MOUTAI), sdk.get_instrument_detail(MOUTAI)
    assert {name: theirs[name] for name in detail} == detail
    with pytest.raises(NotImplementedError, match="FloatVolume: ask POST /api/v1/qmt/functions/get_instrument_detail"):
        detail["FloatVolume"]
    tick, theirs = ours.get_full_tick([MOUTAI])[MOUTAI], sdk.get_full_tick([MOUTAI])[MOUTAI]
    assert all(isinstance(theirs[name], type(tick[name])) for name in tick)
    assert (tick["lastClose"], tick["open"]) == (theirs["lastClose"], theirs["open"])
    assert abs(tick["pvolume"] - tick["volume"] * 100) < 100


@pytest.mark.slow
@pytest.mark.e2e
def test_pushes_have_the_sdks_form_until_they_are_ended(sdk: Sdk, ours: Any) -> None:
    def first(module: Any, subscribe: Callable[[Callable[[Any], None]], int]) -> Any:
        seen: list[Any] = []
        came = threading.Event()

        def note(news: Any) -> None:
            seen.append(news)
            came.set()

        number = subscribe(note)
        assert number > 0
        assert came.wait(10)
        module.unsubscribe_quote(number)
        return seen[0]

    def forms(module: Any) -> list[Any]:
        single = first(module, lambda note: module.subscribe_quote(MOUTAI, "tick", callback=note))
        whole = first(module, lambda note: module.subscribe_whole_quote([MOUTAI], callback=note))
        return [single[MOUTAI][0], whole[MOUTAI]]

    for mine, theirs in zip(forms(ours), forms(sdk), strict=True):
        assert all(isinstance(theirs[name], type(mine[name])) for name in mine)


@pytest.mark.slow
@pytest.mark.e2e
def test_progress_of_a_download_reaches_its_callback(ours: Any) -> None:
    told: list[dict[str, Any]] = []
    ours.download_history_data2(["601318.SH"], "1d", "20240101", "20240131", told.append)
    assert told[-1]["finished"] == told[-1]["total"] > 0
    assert len(ours.get_market_data_ex([], ["601318.SH"], "1d", "20240101", "20240131")["601318.SH"]) == 22


# ------------------------------------------------------------------------------------------------ without a platform
def test_every_function_of_the_sdk_is_covered_or_says_where_to_ask() -> None:
    found = find_spec("xtquant")  # not imported: only `qmt.sdk` may do that
    assert found is not None
    assert found.submodule_search_locations is not None
    tree = ast.parse((Path(found.submodule_search_locations[0]) / "xtdata.py").read_text(encoding="utf-8"))
    theirs = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")}
    mine = {name for name, value in vars(xtdata).items() if callable(value)}
    assert theirs - PLUMBING - mine == NOT_COVERED
    assert not mine & NOT_COVERED
    with pytest.raises(NotImplementedError, match="POST /api/v1/qmt/functions/get_l2_quote"):
        xtdata.get_l2_quote([], MOUTAI)
    with pytest.raises(AttributeError):
        xtdata.get_weather()


def test_signatures_are_the_sdks() -> None:
    module = load_sdk("simulated").xtdata
    names = [name for name, value in vars(xtdata).items() if inspect.isfunction(value) and hasattr(module, name)]
    assert len(names) > 30
    for name in names:
        assert list(inspect.signature(getattr(xtdata, name)).parameters) == list(
            inspect.signature(getattr(module, name)).parameters
        ), name


def test_without_address_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QMTDESK_URL", raising=False)
    xtdata.disconnect()
    with pytest.raises(Exception, match="set QMTDESK_URL and QMTDESK_TOKEN"):
        xtdata.get_sector_list()


@pytest.mark.parametrize("period", ["tick", "1hy", "l2quote"])
def test_period_that_is_not_covered_says_so(period: str) -> None:
    with pytest.raises(NotImplementedError, match=f"the period {period} .*get_market_data_ex"):
        xtdata.get_market_data_ex([], [MOUTAI], period)


def test_frame_without_bars_has_the_columns_and_types() -> None:
    from qmtdesk.xtdata import shapes

    names = ["time", "open", "high", "low", "close", "volume", "amount", "pre_close", "suspended"]
    empty = pd.DataFrame({name: pd.Series(dtype="float64") for name in names})
    empty["time"] = pd.Series(dtype="datetime64[ms, Asia/Shanghai]")
    frame = shapes.bar_frame(empty, [], "1d", 100)
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == shapes.BAR_TYPES
