"""How long a published quote takes to many socket clients of one web process."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import psutil
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parents[2]
CHANNEL = "desk:live:quotes"
STAMP = re.compile(r'"ts":(\d+)')
WARM_UP_SECONDS = 1.0
START_SECONDS = 30.0


@dataclass(frozen=True)
class Target:
    """Where to connect, and whose CPU time to read (None: somebody else's machine)."""

    url: str
    token: str
    redis: str
    pid: int | None = None


@contextmanager
def own_server() -> Iterator[Target]:
    """Valkey and one web process with demo data, in a folder that is removed afterwards."""
    state = tempfile.mkdtemp(prefix="desk-bench-")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ |= {"DESK_ENV": "test", "DESK_STATE_DIR": state, "TZ": "Asia/Shanghai"}
    sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]
    from desk.settings.schema import get_config
    from desk.supervisor import plan

    config = get_config()
    plan.prepare_folders(config)
    quiet = subprocess.DEVNULL
    manage = [sys.executable, str(ROOT / "manage.py")]
    for command in (["migrate", "-v0"], ["migrate", "-v0", "--database", "quotes"], ["demo_data"]):
        subprocess.run([*manage, *command], check=True, stdout=quiet, stderr=quiet)
    create = [*manage, "token_create", "alice", "--scopes", "market:read,account:read", "--rate", "60000"]
    token = subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()
    valkey = subprocess.Popen(plan.valkey(config).command, stdout=quiet, stderr=quiet)
    web = subprocess.Popen([*manage, "web", "--port", str(port)], stdout=quiet, stderr=quiet)
    try:
        _wait_for(port)
        yield Target(f"ws://127.0.0.1:{port}/ws/v1", token, config.redis_url, web.pid)
    finally:
        for process in (web, valkey):
            process.terminate()
            process.wait()
        shutil.rmtree(state, ignore_errors=True)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def message(symbols: int, stamp: int) -> bytes:
    """One publication: every symbol with five levels, stamped with the time of now."""
    quote = {
        "ts": stamp,
        "last": 1700.01,
        "open": 1690.0,
        "high": 1710.0,
        "low": 1688.5,
        "pre_close": 1695.0,
        "volume": 2_500_000,
        "amount": 4.2e9,
        "bid": [1700.0, 1699.99, 1699.98, 1699.97, 1699.96],
        "ask": [1700.02, 1700.03, 1700.04, 1700.05, 1700.06],
        "bidv": [100, 200, 300, 400, 500],
        "askv": [100, 200, 300, 400, 500],
        "status": 0,
    }
    data = {f"{600000 + index}.SH": quote for index in range(symbols)}
    return orjson.dumps({"t": stamp // 1_000_000, "q": data})


async def listen(connection: ClientConnection, latencies_ms: list[float], newest: dict[int, int]) -> None:
    """Note how old each quotes frame is when it arrives, and the newest one of this client."""
    async for text in connection:
        now = time.time_ns()
        # Only the stamp is read: parsing every frame would measure this program.
        found = STAMP.search(str(text))
        if found is not None and '"snapshot"' not in text[:40]:
            newest[id(connection)] = int(found[1])
            latencies_ms.append((now - int(found[1])) / 1e6)


async def deaf(target: Target, headers: dict[str, str]) -> ClientConnection:
    """A client that asks for everything and reads nothing: its window fills, and the server has to live with it."""
    connection = await connect(target.url, additional_headers=headers, compression=None, max_size=None, max_queue=1)
    await connection.send('{"op": "subscribe", "channel": "quotes"}')
    return connection


async def measure(
    target: Target, *, clients: int, rate: float, seconds: float, symbols: int, silent: int
) -> dict[str, str]:
    """Run one round and return the row of the table; `silent` clients more read nothing."""
    headers = {"Authorization": f"Bearer {target.token}"}
    redis = Redis.from_url(target.redis)
    began = time.perf_counter()
    connections = [
        await connect(target.url, additional_headers=headers, compression=None, max_size=None) for _ in range(clients)
    ]
    for connection in connections:
        await connection.send('{"op": "subscribe", "channel": "quotes"}')
    connected = time.perf_counter() - began
    deaf_ones = [await deaf(target, headers) for _ in range(silent)]
    latencies_ms: list[float] = []
    newest: dict[int, int] = {}
    listeners = [asyncio.create_task(listen(connection, latencies_ms, newest)) for connection in connections]
    await asyncio.sleep(WARM_UP_SECONDS)
    web = psutil.Process(target.pid) if target.pid is not None else None
    cpu_before = _cpu_seconds(web)
    latencies_ms.clear()
    count = int(rate * seconds)
    start = time.perf_counter()
    for index in range(count):
        await asyncio.sleep(max(0.0, start + index / rate - time.perf_counter()))
        stamp = time.time_ns()
        await redis.publish(CHANNEL, message(symbols, stamp))
    await asyncio.sleep(1.0)
    cpu = _cpu_seconds(web) - cpu_before
    for listener in listeners:
        listener.cancel()
    await asyncio.gather(*listeners, return_exceptions=True)
    await asyncio.gather(*(connection.close() for connection in connections))
    for connection in deaf_ones:
        # No closing handshake: it would have to read.
        connection.transport.abort()
    await redis.aclose()
    cuts = statistics.quantiles(latencies_ms, n=100)
    return {
        "clients": str(clients),
        "messages/s": f"{rate:g}",
        "symbols": str(symbols),
        "connect all s": f"{connected:.2f}",
        "silent": str(silent),
        "delivered": f"{len(latencies_ms) / (count * clients):.1%}",
        "last value": f"{sum(value == stamp for value in newest.values())}/{clients}",
        "p50 ms": f"{statistics.median(latencies_ms):.1f}",
        "p95 ms": f"{cuts[94]:.1f}",
        "p99 ms": f"{cuts[98]:.1f}",
        "max ms": f"{max(latencies_ms):.1f}",
        "web CPU us/frame": "-" if web is None else f"{cpu / len(latencies_ms) * 1e6:.0f}",
    }


def _cpu_seconds(process: psutil.Process | None) -> float:
    if process is None:
        return 0.0
    times = process.cpu_times()
    return float(times.user + times.system)


def table(rows: list[dict[str, str]]) -> str:
    """Rows as aligned columns."""
    names = list(rows[0])
    widths = [max(len(name), *(len(row[name]) for row in rows)) for name in names]
    lines = [[*names], *([row[name] for name in names] for row in rows)]
    return "\n".join("  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--rate", type=float, default=20, help="publications per second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--symbols", type=int, default=60, help="symbols in each publication")
    parser.add_argument("--silent", type=int, default=1, help="clients more that read nothing")
    parser.add_argument("--url", help="a running platform's socket; with --token and --redis")
    parser.add_argument("--token")
    parser.add_argument("--redis")
    options = parser.parse_args()

    def run(target: Target) -> None:
        rows = [
            asyncio.run(
                measure(
                    target,
                    clients=clients,
                    rate=options.rate,
                    seconds=options.seconds,
                    symbols=options.symbols,
                    silent=options.silent,
                )
            )
            for clients in options.clients
        ]
        print(table(rows))

    if options.url is None:
        with own_server() as target:
            run(target)
    elif options.token is None or options.redis is None:
        parser.error("--url needs --token and --redis")
    else:
        run(Target(options.url, options.token, options.redis))


if __name__ == "__main__":
    main()
