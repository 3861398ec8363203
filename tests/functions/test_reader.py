"""A reader process: a hung call is given up with it, and nobody else notices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from qmt.gateway import AccountRef
from qmt.reader import ReaderPool, ReadFailure
from qmt.registry import functions
from tests.contract.conftest import wait_until
from tests.contract.faces import PLATFORM, FaceA
from tests.functions.conftest import setup_of

TICK = functions()["xtdata.get_full_tick"]
ASSET = functions()["xttrader.query_stock_asset"]
ORDERS = functions()["xttrader.query_stock_orders"]


@pytest.fixture
def clean(terminal: FaceA) -> Iterator[FaceA]:
    """The terminal, without armed faults afterwards."""
    yield terminal
    terminal.clear()


def tick(reader: ReaderPool, seconds: float = 15) -> Any:
    return orjson.loads(reader.call(TICK, {"code_list": ["600519.SH"]}, seconds=seconds))


def test_hung_call_is_given_up_and_the_next_one_is_answered_by_another_process(
    reader: ReaderPool, clean: FaceA
) -> None:
    tick(reader)
    before, account = reader.pid, clean.account()
    clean.arm("hang", "queryStockAsset", count=1)
    started = time.monotonic()

    with pytest.raises(ReadFailure) as failure:
        reader.call(ASSET, {}, account=account, seconds=0.5)

    assert failure.value.code == "FUNCTION_TIMEOUT"
    assert time.monotonic() - started < 3
    assert tick(reader)["600519.SH"]["lastPrice"] > 0
    assert reader.pid not in (0, before)
    assert wait_until(lambda: not alive(before))
    assert reader.replaced == 1


def test_call_beside_a_hung_one_is_still_answered(reader: ReaderPool, clean: FaceA) -> None:
    tick(reader)
    account = clean.account()
    clean.arm("hang", "queryStockAsset", count=1)
    answers: list[bytes] = []
    slow = threading.Thread(target=lambda: answers.append(reader.call(ORDERS, {}, account=account, seconds=8)))
    reader.call(ORDERS, {"cancelable_only": True}, account=clean.account(), seconds=8)  # opens the session
    clean.arm("delay", "queryStockOrders", seconds=1.2, count=1)
    slow.start()

    with pytest.raises(ReadFailure):
        reader.call(ASSET, {}, account=account, seconds=0.5)
    slow.join(10)

    assert answers == [b"[]"]


def test_killed_process_fails_its_calls_and_is_replaced(reader: ReaderPool, clean: FaceA) -> None:
    tick(reader)
    before = reader.pid
    clean.arm("hang", "queryStockAsset", count=1)
    threading.Timer(0.3, os.kill, (before, signal.SIGKILL)).start()

    with pytest.raises(ReadFailure) as failure:
        reader.call(ASSET, {}, account=clean.account(), seconds=8)

    assert failure.value.code == "UNAVAILABLE"
    assert tick(reader)["600519.SH"]["lastPrice"] > 0


def test_lost_links_are_made_again(reader: ReaderPool, clean: FaceA) -> None:
    account = clean.account()
    tick(reader)
    reader.call(ASSET, {}, account=account, seconds=8)

    clean.drop()
    time.sleep(0.2)

    assert tick(reader)["600519.SH"]["lastPrice"] > 0
    assert orjson.loads(reader.call(ASSET, {}, account=account, seconds=8))["account_id"] == account.account_no


def test_unknown_account_of_the_terminal_is_answered_with_nothing(reader: ReaderPool) -> None:
    assert reader.call(ASSET, {}, account=AccountRef("9999999999"), seconds=8) == b"null"


def test_absent_terminal_is_down(tmp_path: Path, terminal: FaceA) -> None:
    from dataclasses import replace

    pool = ReaderPool(replace(setup_of(terminal, tmp_path), userdata=str(tmp_path)))
    try:
        with pytest.raises(ReadFailure) as failure:
            tick(pool)
        assert failure.value.code == "TERMINAL_DOWN"
    finally:
        pool.close()


def test_reader_ends_with_its_parent(tmp_path: Path, terminal: FaceA) -> None:
    code = (
        "import sys, time\n"
        "from qmt.reader import ReaderPool, ReaderSetup\n"
        "pool = ReaderPool(ReaderSetup.parse(sys.argv[1])); pool.start()\n"
        "print(pool.pid, flush=True); time.sleep(60)"
    )
    environment = os.environ | {"PYTHONPATH": str(PLATFORM)}
    parent = subprocess.Popen(
        [sys.executable, "-c", code, setup_of(terminal, tmp_path).text()],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert alive(child)

    parent.kill()
    parent.wait()
    parent.stdout.close()

    assert wait_until(lambda: not alive(child))


def test_closed_pool_takes_no_calls(tmp_path: Path, terminal: FaceA) -> None:
    pool = ReaderPool(setup_of(terminal, tmp_path))
    pool.close()

    with pytest.raises(ReadFailure, match="stopping"):
        tick(pool)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
