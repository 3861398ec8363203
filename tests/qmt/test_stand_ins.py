"""The native stand-ins: as strict as pybind11, and honest about what they do not do."""

from __future__ import annotations

import decimal
import pickle
from typing import Any

import numpy as np
import pytest

from qmt.gateway import Side
from qmt.sdk import Sdk
from qmt.terminal import natives
from qmt.terminal.native import NotSimulated, uncovered_calls
from qmt.terminal.native.datacenter import COMMON_CONTROLS
from qmt.terminal.native.strict import build, check_call, manifest, structs
from qmt.terminal.native.xtpythonclient import PUSHES, RESPONSES
from qmt.terminal.types import AssetView, OrderStatus, OrderView, PositionView, TradeView
from tests.contract.faces import FaceA

D = decimal.Decimal


def test_manifests_hold_what_the_wheel_has() -> None:
    assert len(manifest("xtpythonclient")["classes"]) == 98
    assert len(manifest("xtpythonclient")["client"]) == 117
    assert len(manifest("datacenter")["client"]) == 55
    assert len(manifest("datacenter")["module"]) == 25


def test_both_spellings_are_one_member() -> None:
    request = structs()["OrderStockReq"]()

    request.m_strOrderRemarkNew = "a"
    request.m_strOrderRemark = "b"

    assert (request.order_remark1, request.order_remark) == ("a", "b")


def test_market_and_market_name_are_two_members() -> None:
    request = structs()["CancelOrderStockReq"]()

    request.m_nMarket = 1
    request.m_strMarket = "SZ"

    assert (request.market, request.market1) == (1, "SZ")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("m_nOrderVolume", 100.0),
        ("m_nOrderVolume", "100"),
        ("m_nPriceType", 11.0),
        ("m_dPrice", "1.0"),
        ("m_strOrderRemark", None),
        ("m_nOrderVolume", 1 << 70),
    ],
)
def test_wrong_type_is_a_type_error(attribute: str, value: object) -> None:
    with pytest.raises(TypeError, match="incompatible function arguments"):
        setattr(structs()["OrderStockReq"](), attribute, value)


@pytest.mark.parametrize(
    ("attribute", "value", "stored"),
    [
        ("m_nOrderVolume", np.int64(100), 100),
        ("m_dPrice", 1, 1.0),
        ("m_dPrice", D("1.5"), 1.5),
        ("m_strOrderRemark", b"x", "x"),
    ],
)
def test_what_pybind_converts_is_converted(attribute: str, value: object, stored: object) -> None:
    request = structs()["OrderStockReq"]()

    setattr(request, attribute, value)

    assert getattr(request, attribute) == stored


def test_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        structs()["SmtCompactReturnReq"]().m_strSrcGroupId = "x"


@pytest.mark.parametrize("name", ["XtOrder", "XtTrade", "XtAsset", "XtPosition", "XtOrderError"])
def test_pushed_structs_cannot_be_pickled_and_have_no_dict(name: str) -> None:
    struct = structs()[name]()

    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(struct)
    with pytest.raises(AttributeError):
        _ = struct.__dict__


def test_call_with_a_wrong_signature_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="incompatible function arguments"):
        check_call("get_full_tick", manifest("datacenter")["client"]["get_full_tick"], ("600519.SH",))


def test_everything_the_terminal_sends_fits_its_struct() -> None:
    order = OrderView(
        "1",
        2,
        7,
        "SIM7",
        "600519.SH",
        "x",
        Side.BUY,
        100,
        11,
        D("1.5"),
        0,
        D(0),
        OrderStatus.REPORTED,
        "",
        "",
        "tag",
        1,
    )
    trade = TradeView(
        "1", 2, "T1", 7, "SIM7", "600519.SH", "x", Side.SELL, D(1), 100, D(100), D(5), D(0), D(0), "", "", 1
    )
    asset = AssetView("1", 2, D(1), D(2), D(3), D(4), D(10))
    position = PositionView("1", 2, "600519.SH", "x", 100, 0, 0, 100, 0, D(1), D(1), D(1), D(100))

    assert build("XtOrder", natives.order(order)).m_nOrderVolume == 100
    assert build("XtTrade", natives.trade(trade)).traded_id == "T1"
    assert build("XtAsset", natives.asset(asset)).m_dTotalAsset == 10.0
    assert build("XtPosition", natives.position(position)).on_road_volume == 100


def test_simulated_names_exist_in_the_wheel() -> None:
    client = manifest("xtpythonclient")["client"]

    assert {f"{operation}WithSeq" for operation in RESPONSES} <= set(client)
    assert {callback for callback, _ in [*RESPONSES.values(), *PUSHES.values()]} <= set(client)
    assert {struct for _, struct in [*RESPONSES.values(), *PUSHES.values()] if struct} <= set(structs())


def test_unsimulated_trade_call_raises_at_once_and_is_recorded(sdk: Sdk, terminal: FaceA) -> None:
    trader = _trader(sdk, terminal, 811)
    account = sdk.xttype.StockAccount("1234567890")

    with pytest.raises(NotSimulated):
        trader.query_credit_detail(account)

    assert uncovered_calls()["XtQuantAsyncClient.queryCreditDetailWithSeq"] >= 1
    trader.stop()


def test_unsimulated_quote_call_raises_at_once_and_is_recorded(xtdata: Any) -> None:
    with pytest.raises(NotSimulated):
        xtdata.get_main_contract("IF.IF")
    with pytest.raises(NotSimulated):
        xtdata.get_formulas()
    with pytest.raises(NotSimulated):
        xtdata.get_l2_quote([], "600519.SH")

    assert {"IPythonApiClient.get_main_contract", "commonControl getformulas"} <= set(uncovered_calls())


def test_second_session_with_the_same_id_is_refused(sdk: Sdk, terminal: FaceA) -> None:
    first = _trader(sdk, terminal, 812)
    second = _trader(sdk, terminal, 812)

    assert first.connect() == 0
    assert second.connect() == -1

    first.stop()
    second.stop()


def test_stale_lock_of_a_killed_process_refuses_the_id(sdk: Sdk, terminal: FaceA) -> None:
    lock = terminal.userdata / "lock_down_queue_win_813"
    lock.touch()
    trader = _trader(sdk, terminal, 813)

    assert trader.connect() == -1

    lock.unlink()
    assert trader.connect() == 0
    trader.stop()


def test_connect_is_one_shot(sdk: Sdk, terminal: FaceA) -> None:
    trader = _trader(sdk, terminal, 814)

    assert trader.connect() == 0
    assert trader.connect() == -1

    trader.stop()


def test_answered_commands_are_the_same_on_both_sides(terminal: FaceA) -> None:
    from qmt.terminal.commoncontrol import CommonControl
    from qmt.terminal.inprocess import InProcessTerminal

    with InProcessTerminal() as host:
        client = host.terminal.quote_attach(lambda _: None)
        assert CommonControl(host.terminal, client).commands == COMMON_CONTROLS
        assert host.terminal.trade.operations == set(RESPONSES)


def _trader(sdk: Sdk, terminal: FaceA, session: int) -> Any:
    class Silent(sdk.xttrader.XtQuantTraderCallback):  # type: ignore[name-defined,misc]
        pass

    made: list[Any] = []

    def build_it() -> None:
        trader = sdk.xttrader.XtQuantTrader(str(terminal.userdata), session, Silent())
        trader.start()
        made.append(trader)

    from qmt.deadlines import bounded

    bounded(build_it, 5, "build")
    return made[0]
