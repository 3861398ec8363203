"""The SDK's functions over a whole platform: what hangs or dies there reaches nobody who trades."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from qmt.terminal.control import ControlClient
from tests.e2e.platform_stack import Stack, make_stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TICK = {"arguments": {"code_list": ["600519.SH"]}}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = make_stack(tmp_path_factory.mktemp("functions"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[httpx.Client]:
    with stack.api("alice") as client:
        yield client


def call(api: httpx.Client, name: str, body: dict[str, Any]) -> httpx.Response:
    return api.post(f"/qmt/functions/{name}", json=body)


def test_hung_function_leaves_trading_and_other_functions_alone(stack: Stack, api: httpx.Client) -> None:
    account = next(one["id"] for one in api.get("/accounts").json()["results"])
    control = ControlClient(stack.state_dir / "terminal" / "sim" / "userdata_mini")
    control.arm("hang", "queryNewPurchaseLimit", count=1)
    hung: list[httpx.Response] = []
    waiting = threading.Thread(
        target=lambda: hung.append(call(api, "query_new_purchase_limit", {"arguments": {"account": account}}))
    )
    waiting.start()
    time.sleep(2)

    last = call(api, "get_full_tick", TICK).json()["result"]["600519.SH"]["lastPrice"]
    order = {"account": account, "symbol": "600519.SH", "side": "BUY", "quantity": 100, "price": f"{last * 0.97:.2f}"}
    placed = api.post("/orders", json=order).json()
    deadline = time.monotonic() + 5
    while api.get(f"/orders/{placed['id']}").json()["status"] != "REPORTED":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert waiting.is_alive()
    waiting.join(20)
    control.close()

    assert (hung[0].status_code, hung[0].json()["code"]) == (504, "FUNCTION_TIMEOUT")
    orders = call(api, "query_stock_orders", {"arguments": {"account": account}}).json()["result"]
    assert [one["order_status"] for one in orders] == [50]


def test_killed_reads_worker_comes_back_and_nobody_else_minds(stack: Stack, api: httpx.Client) -> None:
    record = json.loads(Path(stack.state_dir / "run" / "reads@sim.pid.json").read_text(encoding="utf-8"))
    os.kill(record["pid"], signal.SIGKILL)

    assert api.get("/health/ready").status_code == 200
    deadline = time.monotonic() + 60
    while (status := call(api, "get_full_tick", TICK).status_code) != 200:
        assert status in (503, 504)  # said in time, where the worker is not back in time
        assert time.monotonic() < deadline


def test_large_answer_is_fetched_as_a_file(api: httpx.Client) -> None:
    given = {"arguments": {"stock_list": ["600519.SH"], "period": "1m", "start_time": "20240101"}}

    answer = call(api, "get_market_data_ex", given)

    assert answer.status_code == 202
    path = answer.json()["file"].removeprefix("/api/v1")
    table = api.get(path).json()["600519.SH"]
    assert len(table["index"]) > 100_000
    assert len(table["columns"]["close"]) == len(table["index"])
