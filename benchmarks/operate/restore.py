"""How long a backup and its restore take: 10 million bars, 100,000 orders.

    PYTHONPATH=platform:. python -m benchmarks.operate.restore                 # SQLite
    PYTHONPATH=platform:. python -m benchmarks.operate.restore --postgres      # PostgreSQL, fsync on
    PYTHONPATH=platform:. python -m benchmarks.operate.restore --encrypted

One-minute bars of 200 instruments in sealed segments and hot rows; orders with a timeline of four steps and a fill each. Timed are whole
commands, the interpreter's start included: `manage.py backup`, and `manage.py restore` into an empty place, up to the moment where
`manage.py up` may be typed: checksums, loading, comparison with the manifest, migrations, halting, exchange. The goal is three
minutes for the restore.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
GOAL_SECONDS = 180.0
INSTRUMENTS = 200
#: Beyond this share of each instrument's bars they are hot rows, as an open month's last days are.
SEALED = 0.96
TRADE_DATE = date(2026, 11, 20)
AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def fill(bars: int, orders: int) -> None:
    """Make the installation; runs in the process whose environment names it."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", "-v0")
    call_command("migrate", "-v0", "--database", "quotes")
    _market(bars)
    _orders(orders)


def _market(bars: int) -> None:
    from benchmarks.store.generator import symbol_bars
    from marketdata.models import Instrument
    from marketdata.quotes.columns import BAR, QuoteColumns
    from marketdata.quotes.periods import Period
    from marketdata.quotes.store import bars_upsert, segments_merge
    from ops.clocks import wall_now

    each = bars // INSTRUMENTS
    sealed = int(each * SEALED)
    for number in range(1, INSTRUMENTS + 1):
        Instrument.objects.create(
            pk=number, symbol=f"{600000 + number}.SH", name=str(number), market="SH", board="MAIN", kind="STOCK",
            lot_size=100, min_quantity=100, quantity_step=100, tick=Decimal("0.01"), volume_unit=100, tradable=True,
            max_limit_quantity=1_000_000, max_market_quantity=1_000_000, updated_at=wall_now(),
        )  # fmt: skip
        made = symbol_bars(number, each)
        values = {
            column.name: np.asarray(made[column.name]).astype(column.kind.value)
            if column.name in made
            else np.zeros(each, dtype=column.kind.value)
            for column in BAR.columns
        }
        rows = QuoteColumns(BAR, np.full(each, number, dtype=np.int64), made["ts"].astype(np.int64), values, {})
        segments_merge(period=Period.MINUTE_1, rows=rows.take(slice(0, sealed)))
        bars_upsert(period=Period.MINUTE_1, rows=rows.take(slice(sealed, each)))


def _orders(count: int) -> None:
    from accounts.models import BrokerAccount, QmtHost, User
    from ops.installation import profile_claim
    from trading.ledger.models import AccountBook
    from trading.orders.models import Order, OrderEvent, Trade

    profile_claim("test")
    user = User.objects.create_user("alice", password=None)
    account = BrokerAccount.objects.create(host=QmtHost.objects.create(name="sim"), account_no="1", name="Alpha")
    AccountBook.objects.create(account=account)
    steps = ("ACCEPTED", "CLAIMED", "REPORTED", "FILLED")
    states = ("QUEUED", "SUBMITTING", "REPORTED", "FILLED")
    for first in range(0, count, 5_000):
        numbers = range(first, min(first + 5_000, count))
        made = Order.objects.bulk_create(
            Order(
                account=account, created_by=user, source="API", symbol="600001.SH", instrument_id=1, side="BUY",
                price_type="LIMIT", price=Decimal(10), quantity=100, traded_quantity=100, traded_amount=Decimal(1000),
                avg_price=Decimal(10), status="FILLED", version=4, epoch=1, trade_date=TRADE_DATE, host_name="sim",
                simulated=True, tag=f"BNCH-{number}", client_order_id=f"bench-{number}", submitted_at=AT, expires_at=AT,
                final_at=AT, reserved_cash=0, order_sysid=str(number), broker_order_id=str(number),
            )
            for number in numbers
        )  # fmt: skip
        OrderEvent.objects.bulk_create(
            OrderEvent(order=order, seq=seq, kind=kind, to_status=state, at=AT, data={"number": seq})
            for order in made
            for seq, (kind, state) in enumerate(zip(steps, states, strict=True), start=1)
        )
        Trade.objects.bulk_create(
            Trade(
                account=account, order=order, trade_date=TRADE_DATE, exchange="SH", order_sysid=order.order_sysid,
                traded_id=order.order_sysid, symbol="600001.SH", side="BUY", price=Decimal(10), quantity=100,
                amount=Decimal(1000), commission=5, stamp_duty=0, transfer_fee=0, fees=5, traded_at=AT, received_at=AT,
            )
            for order in made
        )  # fmt: skip


def timed(name: str, act: Callable[[], Any]) -> float:
    began = time.monotonic()
    act()
    seconds = time.monotonic() - began
    print(f"{name:<10} {seconds:7.1f} s", flush=True)
    return seconds


def manage(environment: Mapping[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def size_of(folder: Path) -> float:
    """MB of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def measure(options: argparse.Namespace, home: Path, stack: ExitStack) -> bool:
    """Returns whether the goal was met."""
    places: list[dict[str, str]] = [{}, {}]
    if options.postgres:
        from tests.postgres import postgres_server

        server = stack.enter_context(postgres_server(durable=True))
        server.create("desk_again", "quotes_again")
        places = [server.environment(), server.environment("desk_again", "quotes_again")]
    base = {name: value for name, value in os.environ.items() if not name.startswith("DESK_")} | {
        "DESK_ENV": "test", "TZ": "Asia/Shanghai", "DJANGO_SETTINGS_MODULE": "desk.settings",
        "DESK_ENCRYPTION_KEY": "a key that both installations have, of many characters",
        "DESK_BACKUP_DIR": str(home / "backups"),
        "PYTHONPATH": os.pathsep.join((str(ROOT / "platform"), str(ROOT))),
    }  # fmt: skip
    if options.encrypted:
        base["DESK_BACKUP_PASSPHRASE"] = "measured with it"  # noqa: S105
    first, again = (
        {**base, **place, "DESK_STATE_DIR": str(home / name)} for name, place in zip("ab", places, strict=True)
    )
    command = [sys.executable, "-m", "benchmarks.operate.restore", "--fill", str(options.bars), str(options.orders)]
    timed("filled", lambda: subprocess.run(command, cwd=ROOT, env=first, check=True))
    timed("backup", lambda: manage(first, "backup"))
    (folder,) = (home / "backups").glob("desk-*")
    print(f"{'':<10} {size_of(folder):7.1f} MB")
    seconds = timed("restore", lambda: manage(again, "restore", str(folder)))
    timed("verify", lambda: manage(again, "verify", "--only", "quotes", "--only", "orders"))
    print(f"goal: restore in {GOAL_SECONDS:.0f} s: {'met' if seconds <= GOAL_SECONDS else 'MISSED'}")
    return seconds <= GOAL_SECONDS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--encrypted", action="store_true")
    parser.add_argument("--bars", type=int, default=10_000_000)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--fill", nargs=2, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        fill(*options.fill)
        return 0
    home = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    try:
        with ExitStack() as stack:
            return 0 if measure(options, home, stack) else 1
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
