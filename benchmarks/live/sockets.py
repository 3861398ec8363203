"""How long a published quote takes to many socket clients of one web process."""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.stand import QUOTES_CHANNEL, cpu_seconds, quotes_message, say, stand, table

STAMP = re.compile(r'"ts":(\d+)')
WARM_UP_SECONDS = 1.0


@dataclass(frozen=True)
class Target:
    """Where to connect, and whose CPU time to read (None: somebody else's machine)."""

    url: str
    token: str
    redis: str
    pid: int | None = None


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
    cpu_before = cpu_seconds(web)
    latencies_ms.clear()
    count = int(rate * seconds)
    start = time.perf_counter()
    for index in range(count):
        await asyncio.sleep(max(0.0, start + index / rate - time.perf_counter()))
        stamp = time.time_ns()
        await redis.publish(QUOTES_CHANNEL, quotes_message(symbols, stamp))
    await asyncio.sleep(1.0)
    cpu = cpu_seconds(web) - cpu_before
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
        rows = []
        for clients in options.clients:
            say(f"{clients} clients")
            rows.append(
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
            )
        print(table(rows))

    if options.url is None:
        with stand("web", scopes="market:read,account:read") as own:
            run(Target(f"ws://127.0.0.1:{own.port}/ws/v1", own.token, own.redis, own.pid))
    elif options.token is None or options.redis is None:
        parser.error("--url needs --token and --redis")
    else:
        run(Target(options.url, options.token, options.redis))


if __name__ == "__main__":
    main()
