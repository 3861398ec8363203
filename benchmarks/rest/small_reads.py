"""Small reads over REST: an account's positions and one quote, beside a FastAPI stub that answers constants.

    PYTHONPATH=platform:. python -m benchmarks.rest.small_reads [--seconds 10] [--without-stub]

One web process of the platform (SQLite, Valkey, a token with its rate) and the stub, each asked by the same client: one
connection for the latency, eight for the rate. Goals: p50 at most 8 ms at one connection, at least 120 requests a second
of one web process.
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]

from benchmarks.stand import cpu_seconds, free_port, run, say, stand, stop, table, wait_for  # noqa: E402

VENV = ROOT / "var" / "benchmarks" / "fastapi"
PACKAGES = ("fastapi==0.165.0", "uvicorn==0.54.0", "httptools==0.9.0", "uvloop==0.23.0")
SYMBOL = "600000.SH"
HOLDINGS = 20
CONNECTIONS = 8
WARM_UP = 50


@dataclass(frozen=True)
class Service:
    """Who is asked: a name, an address, a key, and the process whose time is counted."""

    name: str
    netloc: str
    token: str
    pid: int
    addresses: dict[str, str]


class Caller:
    """One connection that is kept."""

    def __init__(self, service: Service) -> None:
        self._connection = http.client.HTTPConnection(service.netloc, timeout=30)
        self._headers = {"Authorization": f"Bearer {service.token}"}

    def ask(self, address: str) -> None:
        """One request; anything but 200 ends the benchmark."""
        self._connection.request("GET", address, headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{address}: {response.status} {body[:200]!r}")


def latency_ms(service: Service, address: str, seconds: float) -> list[float]:
    """How long each request took, one after the other."""
    caller, found = Caller(service), []
    for _ in range(WARM_UP):
        caller.ask(address)
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        caller.ask(address)
        found.append((time.perf_counter() - began) * 1000)
    return found


def rate(service: Service, address: str, seconds: float) -> float:
    """Requests a second over several connections."""
    end = time.perf_counter() + seconds
    counts = [0] * CONNECTIONS

    def ask(number: int) -> None:
        caller = Caller(service)
        while time.perf_counter() < end:
            caller.ask(address)
            counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def fill() -> int:
    """Holdings and a quote in the database that the environment names; the account's number."""
    import django

    django.setup()
    from accounts.models import BrokerAccount
    from marketdata.models import Instrument
    from marketdata.quotes.models import LatestQuote
    from ops.clocks import wall_now
    from trading.ledger.models import Position

    account = BrokerAccount.objects.get(account_no="8000000001")
    prices = dict.fromkeys(("avg_price", "open_price", "last_price"), "12.3")
    Position.objects.bulk_create(
        Position(
            account=account,
            symbol=f"{600_000 + number}.SH",
            instrument_id=number + 1,
            quantity=1000,
            sellable=800,
            market_value="12300",
            updated_at=wall_now(),
            **prices,
        )
        for number in range(HOLDINGS)
    )
    sizes = ("lot_size", "min_quantity", "quantity_step", "volume_unit", "max_limit_quantity", "max_market_quantity")
    facts = {"name": SYMBOL, "market": "SH", "board": "MAIN", "kind": "STOCK", "tick": "0.01", "updated_at": wall_now()}
    row, _made = Instrument.objects.update_or_create(symbol=SYMBOL, defaults={**facts, **dict.fromkeys(sizes, 100)})
    levels = {"bid": [12.3] * 5, "ask": [12.31] * 5, "bid_volume": [100] * 5, "ask_volume": [100] * 5}
    prices_now = dict.fromkeys(("last", "open", "high", "low", "pre_close"), 12.3)
    LatestQuote.objects.create(
        instrument_id=row.pk, ts=1, volume=1000, amount=12_300.0, received_at=1, **prices_now, **levels
    )
    return int(account.pk)


@contextmanager
def stub() -> Iterator[Service]:
    """The FastAPI stub in a virtualenv of its own."""
    python, marker = VENV / "bin" / "python", VENV / "ready"
    if not marker.exists():
        say(f"the stub's packages into {VENV}, once")
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
        run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES])
        marker.touch()
    port = free_port()
    process = subprocess.Popen([str(python), str(Path(__file__).with_name("stub.py")), str(port)])
    try:
        wait_for(port, process)
        yield Service("FastAPI stub", f"127.0.0.1:{port}", "stub", process.pid, addresses(1))
    finally:
        stop(process)


def addresses(account: int) -> dict[str, str]:
    return {"positions": f"/api/v1/positions?account={account}", "one quote": f"/api/v1/quotes?symbols={SYMBOL}"}


def measure(service: Service, seconds: float) -> list[dict[str, str]]:
    """A row of the table per address."""
    rows = []
    for what, address in service.addresses.items():
        say(f"{service.name}: {what}")
        took = latency_ms(service, address, seconds)
        before = cpu_seconds(psutil.Process(service.pid))
        asked = rate(service, address, seconds)
        cuts = statistics.quantiles(took, n=100)
        rows.append(
            {
                "service": service.name,
                "read": what,
                "p50 ms": f"{statistics.median(took):.2f}",
                "p95 ms": f"{cuts[94]:.2f}",
                "p99 ms": f"{cuts[98]:.2f}",
                "requests/s": f"{asked:.0f}",
                "CPU ms/request": f"{(cpu_seconds(psutil.Process(service.pid)) - before) / (asked * seconds) * 1000:.2f}",
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--without-stub", action="store_true", help="the platform alone; nothing is downloaded")
    options = parser.parse_args()
    rows = []
    if not options.without_stub:
        with stub() as service:
            rows += measure(service, options.seconds)
    with stand("web", scopes="market:read,account:read") as own:
        os.environ["DJANGO_SETTINGS_MODULE"] = "desk.settings"
        desk = Service("QMT Desk", f"127.0.0.1:{own.port}", own.token, own.pid, addresses(fill()))
        rows += measure(desk, options.seconds)
    print(table(rows))


if __name__ == "__main__":
    main()
