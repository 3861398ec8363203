"""How long a published quote takes to many clients of gRPC's stream of quotes, one rpc process."""

from __future__ import annotations

import argparse
import asyncio
import os
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

import grpc.aio
import orjson
import psutil
from redis.asyncio import Redis

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]

from benchmarks.live.sockets import CHANNEL, table  # noqa: E402
from rpc.v1 import live_pb2  # noqa: E402
from rpc.v1.live_pb2_grpc import LiveServiceStub  # noqa: E402

WARM_UP_SECONDS = 1.0
START_SECONDS = 60.0
#: Streams that share a connection, as those of one program do.
CLIENTS_PER_CHANNEL = 25


@dataclass(frozen=True)
class Target:
    """Where to connect, and whose processor time to read."""

    address: str
    token: str
    redis: str
    pid: int


@contextmanager
def own_server() -> Iterator[Target]:
    """Valkey and one rpc process with demo data, in a folder that is removed afterwards."""
    state = tempfile.mkdtemp(prefix="desk-bench-")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ |= {"DESK_ENV": "test", "DESK_STATE_DIR": state, "TZ": "Asia/Shanghai"}
    from desk.settings.schema import get_config
    from desk.supervisor import plan

    config = get_config()
    plan.prepare_folders(config)
    quiet = subprocess.DEVNULL
    manage = [sys.executable, str(ROOT / "manage.py")]
    for command in (["migrate", "-v0"], ["migrate", "-v0", "--database", "quotes"], ["demo_data"]):
        subprocess.run([*manage, *command], check=True, stdout=quiet, stderr=quiet)
    create = [*manage, "token_create", "alice", "--scopes", "market:read"]
    token = subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()
    valkey = subprocess.Popen(plan.valkey(config).command, stdout=quiet, stderr=quiet)
    server = subprocess.Popen([*manage, "rpc", "--port", str(port)], stdout=quiet, stderr=quiet)
    try:
        _wait_for(port)
        yield Target(f"127.0.0.1:{port}", token, config.redis_url, server.pid)
    finally:
        for process in (server, valkey):
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


def message(symbols: int) -> bytes:
    """One publication: every symbol with five levels; `ts` is the time of now in microseconds."""
    quote = {
        "ts": time.time_ns() // 1_000,
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
    return orjson.dumps({"t": time.time_ns() // 1_000_000, "q": data})


async def listen(stub: LiveServiceStub, token: str, latencies_ms: list[float]) -> None:
    """Note how old each message of quotes is when it arrives."""
    metadata = (("authorization", f"Bearer {token}"),)
    async for told in stub.StreamQuotes(live_pb2.QuotesChannel(), metadata=metadata):
        now = time.time_ns()
        if told.WhichOneof("message") == "quotes" and not told.quotes.snapshot:
            latencies_ms.append((now - told.quotes.quotes[0].ts_ms * 1_000) / 1e6)


async def measure(target: Target, *, clients: int, rate: float, seconds: float, symbols: int) -> dict[str, str]:
    """Run one round and return the row of the table."""
    redis = Redis.from_url(target.redis)
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [
        grpc.aio.insecure_channel(target.address, options=options)
        for _ in range(max(1, clients // CLIENTS_PER_CHANNEL))
    ]
    latencies_ms: list[float] = []
    listeners = [
        asyncio.create_task(listen(LiveServiceStub(channels[n % len(channels)]), target.token, latencies_ms))
        for n in range(clients)
    ]
    await asyncio.sleep(WARM_UP_SECONDS)
    while not latencies_ms or len(latencies_ms) % clients:
        # Every client has to be there before anything is counted.
        latencies_ms.clear()
        await redis.publish(CHANNEL, message(symbols))
        await asyncio.sleep(WARM_UP_SECONDS)
    server = psutil.Process(target.pid)
    before = _cpu_seconds(server)
    latencies_ms.clear()
    count = int(rate * seconds)
    start = time.perf_counter()
    for index in range(count):
        await asyncio.sleep(max(0.0, start + index / rate - time.perf_counter()))
        await redis.publish(CHANNEL, message(symbols))
    await asyncio.sleep(WARM_UP_SECONDS)
    cpu = _cpu_seconds(server) - before
    for listener in listeners:
        listener.cancel()
    await asyncio.gather(*listeners, return_exceptions=True)
    for channel in channels:
        await channel.close()
    await redis.aclose()
    cuts = statistics.quantiles(latencies_ms, n=100)
    return {
        "clients": str(clients),
        "messages/s": f"{rate:g}",
        "symbols": str(symbols),
        "delivered": f"{len(latencies_ms)}/{count * clients}",
        "p50 ms": f"{statistics.median(latencies_ms):.1f}",
        "p95 ms": f"{cuts[94]:.1f}",
        "p99 ms": f"{cuts[98]:.1f}",
        "max ms": f"{max(latencies_ms):.1f}",
        "rpc CPU us/message": f"{cpu / len(latencies_ms) * 1e6:.0f}",
    }


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--rate", type=float, default=20, help="publications per second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--symbols", type=int, default=60, help="symbols in each publication")
    options = parser.parse_args()
    with own_server() as target:
        rows = [
            asyncio.run(
                measure(target, clients=clients, rate=options.rate, seconds=options.seconds, symbols=options.symbols)
            )
            for clients in options.clients
        ]
    print(table(rows))


if __name__ == "__main__":
    main()
