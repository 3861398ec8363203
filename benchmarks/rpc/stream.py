"""How long a published quote takes to many clients of gRPC's stream of quotes, one rpc process."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from pathlib import Path

import grpc.aio
import psutil
from redis.asyncio import Redis

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]

from benchmarks.stand import QUOTES_CHANNEL, START_SECONDS, Stand, cpu_seconds, quotes_message, say, stand, table  # noqa: E402
from rpc.v1 import live_pb2  # noqa: E402
from rpc.v1.live_pb2_grpc import LiveServiceStub  # noqa: E402

WARM_UP_SECONDS = 1.0
#: Streams that share a connection, as those of one program do.
CLIENTS_PER_CHANNEL = 25


def _now(symbols: int) -> bytes:
    """A publication that carries the time of now in microseconds."""
    return quotes_message(symbols, time.time_ns() // 1_000)


async def listen(stub: LiveServiceStub, token: str, latencies_ms: list[float]) -> None:
    """Note how old each message of quotes is when it arrives."""
    metadata = (("authorization", f"Bearer {token}"),)
    async for told in stub.StreamQuotes(live_pb2.QuotesChannel(), metadata=metadata):
        now = time.time_ns()
        if told.WhichOneof("message") == "quotes" and not told.quotes.snapshot:
            latencies_ms.append((now - told.quotes.quotes[0].ts_ms * 1_000) / 1e6)


async def measure(target: Stand, *, clients: int, rate: float, seconds: float, symbols: int) -> dict[str, str]:
    """Run one round and return the row of the table."""
    redis = Redis.from_url(target.redis)
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [
        grpc.aio.insecure_channel(f"127.0.0.1:{target.port}", options=options)
        for _ in range(max(1, clients // CLIENTS_PER_CHANNEL))
    ]
    latencies_ms: list[float] = []
    listeners = [
        asyncio.create_task(listen(LiveServiceStub(channels[n % len(channels)]), target.token, latencies_ms))
        for n in range(clients)
    ]
    await asyncio.sleep(WARM_UP_SECONDS)
    deadline = time.monotonic() + START_SECONDS
    while not latencies_ms or len(latencies_ms) % clients:
        # Every client has to be there before anything is counted.
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {len(latencies_ms)} of {clients} clients heard the last message")
        latencies_ms.clear()
        await redis.publish(QUOTES_CHANNEL, _now(symbols))
        await asyncio.sleep(WARM_UP_SECONDS)
    server = psutil.Process(target.pid)
    before = cpu_seconds(server)
    latencies_ms.clear()
    count = int(rate * seconds)
    start = time.perf_counter()
    for index in range(count):
        await asyncio.sleep(max(0.0, start + index / rate - time.perf_counter()))
        await redis.publish(QUOTES_CHANNEL, _now(symbols))
    await asyncio.sleep(WARM_UP_SECONDS)
    cpu = cpu_seconds(server) - before
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--rate", type=float, default=20, help="publications per second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--symbols", type=int, default=60, help="symbols in each publication")
    options = parser.parse_args()
    rows = []
    with stand("rpc", scopes="market:read") as target:
        for clients in options.clients:
            say(f"{clients} clients")
            rows.append(
                asyncio.run(
                    measure(
                        target, clients=clients, rate=options.rate, seconds=options.seconds, symbols=options.symbols
                    )
                )
            )
        print(table(rows))


if __name__ == "__main__":
    main()
