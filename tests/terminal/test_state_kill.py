"""What the terminal answered is in its state file, even when its process is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

from qmt.calendar import load_sse_calendar
from qmt.terminal.clock import ManualClock
from qmt.terminal.exchange import Exchange
from qmt.terminal.state import StateStore
from qmt.terminal.types import AccountConfig
from tests.terminal.desk import ALPHA, FlatMarket, at

ROOT = Path(__file__).resolve().parents[2]
_TRADER = """
import sys
sys.path[:0] = [{platform!r}, {root!r}]
from decimal import Decimal
from qmt.calendar import load_sse_calendar
from qmt.gateway import Side
from qmt.terminal.clock import ManualClock
from qmt.terminal.exchange import Exchange
from qmt.terminal.state import StateStore
from qmt.terminal.types import AccountConfig, OrderTicket
from tests.terminal.desk import ALPHA, FlatMarket, at
store = StateStore({path!r}, identity="flat")
exchange = Exchange(market=FlatMarket(load_sse_calendar()), clock=ManualClock(at("10:00")), store=store, accounts=[AccountConfig(ALPHA)])
while True:
    result = exchange.submit(OrderTicket(ALPHA, "600001.SH", Side.BUY, 100, 11, Decimal("9.50")))
    if result.accepted and result.order_id % 2:
        exchange.cancel(ALPHA, order_id=result.order_id)
    print(result.order_id, flush=True)
"""


def test_every_answered_order_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "exchange.sqlite3"
    script = _TRADER.format(platform=str(ROOT / "platform"), root=str(ROOT), path=str(path))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    answered = [int(process.stdout.readline()) for _ in range(100)]
    time.sleep(0.01)
    process.kill()
    answered += [int(line) for line in process.stdout.read().splitlines()[:-1]]  # the last line may be cut
    process.wait()
    answered = [number for number in answered if number > 0]

    store = StateStore(path, identity="flat")
    exchange = Exchange(
        market=FlatMarket(load_sse_calendar()),
        clock=ManualClock(at("10:00")),
        store=store,
        accounts=[AccountConfig(ALPHA)],
    )
    orders = {view.order_id: view for view in exchange.orders(ALPHA)}
    assert set(answered) <= set(orders)
    assert all(int(orders[number].status) in (51, 54) for number in answered if number % 2)
    open_orders = [view for view in orders.values() if int(view.status) in (48, 50, 51)]
    asset = exchange.asset(ALPHA)
    assert asset.cash + asset.frozen_cash == 1_000_000
    assert asset.frozen_cash == len(open_orders) * Decimal("955.01")  # 950.00, 5.00 commission, 0.01 transfer fee
