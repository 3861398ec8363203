"""The terminal's process: starting, stopping, dying, and what it says when it cannot run."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from qmt.errors import SessionRefused
from qmt.gateway import AccountRef, OrderRequest, OrderResponse, Period, PriceType, Side, TradeEvent, TradeGateway
from qmt.terminal.cli import EXIT_MISCONFIGURED
from qmt.terminal.control import ControlClient, ControlError
from qmt.terminal.control import main as control_main
from tests.contract.conftest import wait_until
from tests.contract.faces import PLATFORM, FaceA

pytestmark = pytest.mark.faults


@pytest.fixture
def own(tmp_path: Path) -> Iterator[FaceA]:
    """A terminal process that the test may kill."""
    face = FaceA(tmp_path)
    yield face
    face.close()


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a terminal that is expected to end by itself."""
    environment = {**os.environ, "PYTHONPATH": str(PLATFORM), "TZ": "Asia/Shanghai"}
    command = [sys.executable, "-m", "qmt.terminal", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_killed_terminal_continues_with_its_orders_history_and_a_later_clock(own: FaceA) -> None:
    account = own.account()
    events: list[TradeEvent] = []
    gateway, quotes = own.trade(events.append), own.quotes()
    gateway.open([account])
    quotes.connect(own.address)
    price = Decimal(str(round(quotes.full_tick(["600000.SH"])["600000.SH"].last * 0.96, 2)))
    request = OrderRequest(account.account_no, 2, "600000.SH", Side.BUY, 100, PriceType.LIMIT, price, "before-the-kill")
    gateway.submit(request)
    assert wait_until(lambda: any(isinstance(event, OrderResponse) for event in events))
    quotes.download(["600000.SH"], Period.DAY_1, "20240101", "20240201")
    before = quotes.market_clock().market_time_ms

    own.process.kill()
    own.process.wait()
    gateway.close()
    quotes.close()
    (own.userdata / "terminal.json").unlink()
    own.process = own.start()

    gateway.open([account])
    quotes.connect(own.address)
    assert [order.tag for order in gateway.query_orders(account, timeout_seconds=5)] == ["before-the-kill"]
    assert len(quotes.read_local(["600000.SH"], Period.DAY_1, "20240101", "20240201")["600000.SH"]) > 15
    assert quotes.market_clock().market_time_ms >= before
    gateway.close()
    quotes.close()


def test_second_terminal_in_the_same_folder_is_refused_in_a_sentence(terminal: FaceA) -> None:
    done = start("--state-dir", str(terminal.state_dir), "--host-name", "contract")

    assert done.returncode == 1
    assert "another terminal already runs in" in done.stderr
    assert "Traceback" not in done.stderr


def test_busy_port_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = start("--state-dir", str(tmp_path), "--port", str(port))

    assert done.returncode == 1
    assert f"port {port} is in use by another program" in done.stderr
    assert "Traceback" not in done.stderr


def test_unusable_replay_file_is_said_in_a_sentence(tmp_path: Path) -> None:
    data = tmp_path / "bars.csv"
    data.write_text("this,is\nnot,bars\n")

    done = start("--state-dir", str(tmp_path / "state"), "--data", str(data))

    assert done.returncode == EXIT_MISCONFIGURED
    assert "bars.csv" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--host-name", "../x"],
        ["--speed", "nan"],
        ["--speed", "0"],
        ["--account", "x:-1"],
        ["--account", "1:nan"],
        ["--basis", "guess"],
    ],
)
def test_malformed_command_line_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    done = start("--state-dir", str(tmp_path), *arguments)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_new_day_begins_without_yesterdays_orders_and_an_orderly_stop_leaves_no_announcement(own: FaceA) -> None:
    account = own.account()
    gateway = own.trade(lambda _: None)
    gateway.open([account])
    own.order_by_hand(account, "600000.SH", 100, _resting_price(own))
    assert len(gateway.query_orders(account, timeout_seconds=5)) == 1
    first = own.control.status()["clock"]["trade_date"]

    own.control.restart(down_seconds=0.1, new_day=True)
    assert wait_until(lambda: _date(own) > first)
    assert wait_until(lambda: _opens(gateway, account))  # the clock is told before sessions are taken
    assert gateway.query_orders(account, timeout_seconds=5) == ()
    gateway.close()

    own.process.send_signal(signal.SIGTERM)
    assert own.process.wait(10) == 0
    assert not (own.userdata / "terminal.json").exists()


def _opens(gateway: TradeGateway, account: AccountRef) -> bool:
    try:
        gateway.open([account])
    except SessionRefused:
        return False
    return True


def _resting_price(own: FaceA) -> float:
    quotes = own.quotes()
    quotes.connect(own.address)
    last = quotes.full_tick(["600000.SH"])["600000.SH"].last
    quotes.close()
    return round(last * 0.96, 2)


def _date(own: FaceA) -> str:
    try:
        with ControlClient(own.userdata) as control:
            return str(control.status()["clock"]["trade_date"])
    except ControlError:
        return ""


def test_paused_market_stands_still(terminal: FaceA) -> None:
    terminal.control.pause()
    first = terminal.control.status()["clock"]["market_time_ms"]
    time.sleep(0.5)

    assert terminal.control.status()["clock"]["market_time_ms"] - first < 250
    terminal.control.resume()
    assert wait_until(lambda: terminal.control.status()["clock"]["market_time_ms"] > first + 250)


def test_command_line_of_the_control_channel(terminal: FaceA, capsys: pytest.CaptureFixture[str]) -> None:
    assert control_main(["--userdata", str(terminal.userdata), "arm", "lose", "orderStock", "--count", "2"]) == 0
    assert control_main(["--userdata", str(terminal.userdata), "status"]) == 0

    shown = json.loads(capsys.readouterr().out)
    assert [(fault["action"], fault["count"]) for fault in shown["faults"]] == [("lose", 2)]


def test_control_without_a_terminal_fails_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert control_main(["--userdata", str(tmp_path), "status"]) == 1

    assert "no simulated terminal runs in" in capsys.readouterr().err


def test_wrong_control_values_are_refused_in_words(terminal: FaceA) -> None:
    with pytest.raises(ControlError, match="market time cannot"):
        terminal.control.advance(-5)
    with pytest.raises(ControlError):
        terminal.control.arm("explode")
