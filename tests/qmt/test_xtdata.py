"""The SDK's quote module over a terminal process: shapes, padding, adjustment, and the traps the gateway is built around."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from qmt.errors import TerminalDown, WrongTerminal
from qmt.gateway import QuoteBatch
from qmt.quotes import QuoteSession
from qmt.sdk import Sdk
from tests.contract.conftest import wait_until
from tests.contract.faces import FaceA

FIELDS = ["open", "high", "low", "close", "volume"]


def test_kline_shape_of_get_market_data(xtdata: Any) -> None:
    found = xtdata.get_market_data(FIELDS, ["600519.SH", "000001.SZ"], "1d", "20240102", "20240110")

    assert list(found) == FIELDS
    assert list(found["close"].index) == ["600519.SH", "000001.SZ"]
    assert list(found["close"].columns) == [
        "20240102",
        "20240103",
        "20240104",
        "20240105",
        "20240108",
        "20240109",
        "20240110",
    ]


def test_tick_shape_of_get_market_data_is_a_structured_array(xtdata: Any) -> None:
    found = xtdata.get_market_data([], ["600519.SH"], "tick", count=3)["600519.SH"]

    assert isinstance(found, np.ndarray)
    assert found.dtype.names[:2] == ("time", "lastPrice")
    assert found["askPrice"].shape == (3, 5)


def test_kline_shape_of_get_market_data_ex(xtdata: Any) -> None:
    found = xtdata.get_market_data_ex(["close"], ["600519.SH"], "1m", "20240102", "20240102")["600519.SH"]

    assert (found.index[0], found.index[-1], len(found)) == ("20240102093000", "20240102150000", 241)
    assert list(found.columns) == ["close"]


def test_tick_rows_of_get_market_data_ex_carry_lists(xtdata: Any) -> None:
    found = xtdata.get_market_data_ex([], ["600519.SH"], "tick", count=2)["600519.SH"]

    assert len(found["bidPrice"].iloc[0]) == 5


def test_count_takes_the_last_rows(xtdata: Any) -> None:
    def ask(count: int) -> Any:
        return xtdata.get_market_data_ex(["close"], ["600519.SH"], "1d", "", "20240110", count)["600519.SH"]

    assert list(ask(2).index) == ["20240109", "20240110"]
    assert len(ask(0)) == 0


def test_local_read_pads_what_is_missing_unless_told_not_to(xtdata: Any) -> None:
    xtdata.download_history_data2(["600000.SH"], "1d", "20240201", "20240208")
    padded = xtdata.get_local_data([], ["600000.SH"], "1d", "20240201", "20240229")["600000.SH"]
    plain = xtdata.get_local_data([], ["600000.SH"], "1d", "20240201", "20240229", fill_data=False)["600000.SH"]

    assert (len(plain), len(padded)) == (6, 15)
    filled = padded.iloc[6:]
    assert (filled["suspendFlag"] == 1).all()
    assert (filled["volume"] == 0).all()
    assert (filled["close"] == plain["close"].iloc[-1]).all()


def test_front_ratio_divides_by_later_factors_only(xtdata: Any) -> None:
    events = xtdata.get_divid_factors("600519.SH")
    last = events.index[-1]
    raw, adjusted = (
        xtdata.get_market_data_ex(["close"], ["600519.SH"], "1d", "20200102", "", dividend_type=kind)["600519.SH"][
            "close"
        ]
        for kind in ("none", "front_ratio")
    )

    assert adjusted.iloc[-1] == raw.iloc[-1]
    before = raw.index[raw.index < last][-1]
    assert adjusted[before] == pytest.approx(raw[before] / events["dr"].iloc[-1])
    assert adjusted.iloc[0] == pytest.approx(raw.iloc[0] / events["dr"].prod())


def test_back_ratio_leaves_the_oldest_price(xtdata: Any) -> None:
    raw, adjusted = (
        xtdata.get_market_data_ex(["close"], ["600519.SH"], "1d", "20200102", "", dividend_type=kind)["600519.SH"][
            "close"
        ]
        for kind in ("none", "back_ratio")
    )

    assert adjusted.iloc[0] == raw.iloc[0]
    assert adjusted.iloc[-1] > raw.iloc[-1]


def test_additive_front_adjustment_subtracts_the_dividend(xtdata: Any) -> None:
    events = xtdata.get_divid_factors("600519.SH")
    last = events.iloc[-1]
    raw, adjusted = (
        xtdata.get_market_data_ex(["close"], ["600519.SH"], "1d", "20200102", "", dividend_type=kind)["600519.SH"][
            "close"
        ]
        for kind in ("none", "front")
    )

    before = raw.index[raw.index < events.index[-1]][-1]
    share = 1 + last["stockBonus"] + last["stockGift"] + last["allotNum"]
    assert adjusted[before] == pytest.approx(
        (raw[before] - last["interest"] + last["allotNum"] * last["allotPrice"]) / share
    )


def test_unsimulated_period_is_refused_in_words(xtdata: Any) -> None:
    with pytest.raises(RuntimeError, match="1w"):
        xtdata.get_market_data_ex([], ["600519.SH"], "1w")


def test_reference_functions(xtdata: Any) -> None:
    assert xtdata.get_instrument_type("600519.SH") == {"stock": True}
    assert xtdata.get_instrument_type("000300.SH") == {"index": True}
    assert {period["name"] for period in xtdata.get_period_list()} >= {"tick", "1m", "5m", "1d"}
    assert sum(xtdata.get_index_weight("000300.SH").values()) == pytest.approx(100, abs=0.1)
    assert xtdata.get_trading_calendar("SH", "20240101", "20240105") == ["20240102", "20240103", "20240104", "20240105"]
    assert xtdata.get_authorized_market_list() == ["SH", "SZ", "BJ"]
    assert xtdata.get_stock_list_in_sector("没有这个板块") == []
    assert xtdata.get_instrument_detail("999999.SH") is None


def test_latest_kline_of_all_symbols(xtdata: Any) -> None:
    found = xtdata.get_full_kline(["close"], ["600519.SH", "000001.SZ"], "1m")

    assert list(found["close"].index) == ["600519.SH", "000001.SZ"]
    assert found["close"].shape[1] == 1


def test_single_subscriptions_push_lists(xtdata: Any, terminal: FaceA) -> None:
    ticks: list[dict[str, Any]] = []
    bars: list[dict[str, Any]] = []
    assert xtdata.subscribe_quote("600519.SH", "tick", callback=ticks.append) > 0
    assert xtdata.subscribe_quote("600519.SH", "1m", callback=bars.append) > 0
    assert xtdata.subscribe_quote("999999.SH", "1m", callback=bars.append) == -1

    terminal.advance(6)

    assert wait_until(lambda: len(ticks) >= 2 and bool(bars))
    assert ticks[0]["600519.SH"][0]["lastPrice"] > 0
    assert bars[0]["600519.SH"][0]["close"] > 0


def test_sdk_reconnects_silently_and_forgets_subscriptions(xtdata: Any, terminal: FaceA) -> None:
    xtdata.connect(*_split(terminal))  # now it remembers the address
    pushed: list[object] = []
    xtdata.subscribe_whole_quote(["SH"], pushed.append)
    before = xtdata.get_client()
    terminal.drop()
    assert wait_until(lambda: not before.is_connected())

    xtdata.get_full_tick(["600519.SH"])
    assert wait_until(lambda: bool(pushed))
    pushed.clear()
    terminal.advance(6)
    time.sleep(0.3)

    assert xtdata.get_client() is not before
    assert pushed == []


def test_gateway_never_lets_the_sdk_reconnect_by_itself(sdk: Sdk, terminal: FaceA) -> None:
    session = QuoteSession(sdk)
    session.connect(terminal.address)
    terminal.drop()
    assert wait_until(lambda: not session.is_alive())

    with pytest.raises(TerminalDown):
        session.full_tick(["600519.SH"])

    assert terminal.control.status()["subscriptions"] == []
    session.close()


def test_other_data_directory_is_another_terminal(sdk: Sdk, terminal: FaceA, tmp_path: Any) -> None:
    session = QuoteSession(sdk, data_dir=tmp_path)

    with pytest.raises(WrongTerminal):
        session.connect(terminal.address)

    assert not session.is_alive()


@pytest.mark.parametrize(
    "address", ["", "127.0.0.1", "127.0.0.1:", ":58610", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:1"]
)
def test_address_without_a_terminal_is_down(sdk: Sdk, address: str) -> None:
    session = QuoteSession(sdk)

    with pytest.raises(TerminalDown):
        session.connect(address)


def test_whole_market_push_is_decoded_quickly(sdk: Sdk, terminal: FaceA) -> None:
    session = QuoteSession(sdk)
    session.connect(terminal.address)
    batches: list[tuple[float, QuoteBatch]] = []
    started = time.monotonic()

    session.subscribe_quotes(["SH", "SZ", "BJ"], lambda batch: batches.append((time.monotonic() - started, batch)))

    assert wait_until(lambda: bool(batches))
    assert batches[0][0] < 1.0
    assert len(batches[0][1]) > 50
    session.close()


def _split(terminal: FaceA) -> tuple[str, int]:
    host, _, port = terminal.address.partition(":")
    return host, int(port)
