"""The whole market's snapshot every three seconds, from the terminal's link to socket clients, and what it costs.

Real processes on loopback: a terminal with a generated feed (`benchmarks.live.feed`) under the real SDK's Python layer, the data
worker, the engine, one web process, Valkey, SQLite. Every instrument has a new tick in every snapshot, every tick is stored,
bars of one and five minutes are built, and clients follow the quotes.

    PYTHONPATH=platform:. python -m benchmarks.live.snapshot                 # one minute
    PYTHONPATH=platform:. python -m benchmarks.live.snapshot --minutes 10    # the proof

CPU is that of the processes over the whole stretch, as a share of one core. The delay of a snapshot is from its last byte
handed to the terminal's link until the last of its quotes is in the slowest client's program. `idle` is the same platform
with the market closed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import psutil
from websockets.asyncio.client import connect

from benchmarks.live.feed import symbols_of

ROOT = Path(__file__).resolve().parents[2]
MEASURED = ("data", "engine", "web")
STAMP = re.compile(r'"ts":(\d+)')
START_SECONDS = 60.0
# Long enough for the first whole minute to have begun: its bars are then stored while it is measured.
SETTLE_SECONDS = 60.0
IDLE_SETTLE_SECONDS = 45.0
GOALS = {"busy": 50.0, "idle": 2.0, "delay_ms": 1000.0}


@dataclass
class Stack:
    """The running processes."""

    state: Path
    port: int
    token: str = ""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.state / "pushes.txt"

    def start(self, name: str, *command: str) -> None:
        with (self.state / f"{name}.log").open("ab") as out:
            self.processes[name] = subprocess.Popen(command, stdout=out, stderr=out, cwd=ROOT)

    def feed(self, options: argparse.Namespace, *more: str) -> None:
        """Start the terminal, or start it again with other options."""
        if (running := self.processes.pop("feed", None)) is not None:
            running.terminate()
            running.wait()
        self.start(
            "feed",
            sys.executable,
            *("-m", "benchmarks.live.feed", "--state-dir", str(self.state), "--log", str(self.log)),
            *("--instruments", str(options.instruments), "--seconds", str(options.seconds), *more),
        )

    def cpu_seconds(self) -> dict[str, float]:
        found = {}
        for name in MEASURED:
            process = psutil.Process(self.processes[name].pid)
            every = [process, *process.children(recursive=True)]
            found[name] = sum(sum(one.cpu_times()[:2]) for one in every)
        return found


@contextlib.contextmanager
def stack(options: argparse.Namespace) -> Iterator[Stack]:
    """Everything, in a folder that is removed afterwards."""
    state = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    os.environ |= {
        "DESK_ENV": "test",
        "DESK_STATE_DIR": str(state),
        "TZ": "Asia/Shanghai",
        "DESK_MARKETDATA__TICKS__CAPTURE": "market",
        "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
    }
    time.tzset()
    from desk.settings.schema import get_config
    from desk.supervisor import plan

    config = get_config()
    plan.prepare_folders(config)
    running = Stack(state, port)
    try:
        running.start("valkey", *plan.valkey(config).command)
        for command in (("migrate", "-v0"), ("migrate", "-v0", "--database", "quotes"), ("demo_data",)):
            subprocess.run(plan.manage(*command), check=True, stdout=subprocess.DEVNULL)
        _create_instruments(options.instruments)
        create = plan.manage("token_create", "alice", "--scopes", "market:read")
        running.token = subprocess.run(create, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        running.feed(options)
        running.start("data", *plan.manage("worker", "data", "--host", "sim"))
        running.start("engine", *plan.manage("engine"))
        running.start("web", *plan.manage("web", "--port", str(port)))
        _wait_for(port)
        yield running
    finally:
        for process in reversed(list(running.processes.values())):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()
        if options.keep:
            print(f"kept: {state}", file=sys.stderr)
        else:
            shutil.rmtree(state, ignore_errors=True)


def _create_instruments(count: int) -> None:
    """Rows for the made-up codes: the terminal's own static data does not have them."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "desk.settings"
    import django

    django.setup()
    from django.utils import timezone

    from marketdata.models import Instrument

    now = timezone.now()
    Instrument.objects.bulk_create(
        [
            Instrument(
                symbol=symbol,
                name=symbol,
                market=symbol[-2:],
                board="MAIN",
                kind="STOCK",
                lot_size=100,
                min_quantity=100,
                quantity_step=100,
                tick="0.01",
                volume_unit=100,
                max_limit_quantity=1_000_000,
                max_market_quantity=1_000_000,
                updated_at=now,
            )
            for symbol in symbols_of(count)
        ],
        batch_size=1_000,
    )


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


async def follow(stack: Stack, symbols: list[str] | None, arrivals: dict[int, tuple[int, float]]) -> None:
    """Note per snapshot how many frames came, and when the last one did."""
    headers = {"Authorization": f"Bearer {stack.token}"}
    url = f"ws://127.0.0.1:{stack.port}/ws/v1"
    async with connect(url, additional_headers=headers, compression=None, max_size=None) as socket_:
        await socket_.send(orjson.dumps({"op": "subscribe", "channel": "quotes", "symbols": symbols}).decode())
        async for text in socket_:
            now = time.time() * 1000
            if not str(text).startswith('{"type":"quotes","data"'):
                continue
            found = STAMP.search(str(text))  # parsing every frame would measure this program
            if found is not None:
                stamp = int(found[1])
                frames, _ = arrivals.get(stamp, (0, 0.0))
                arrivals[stamp] = (frames + 1, now)


async def measure(stack: Stack, options: argparse.Namespace) -> tuple[dict[str, float], list[float], int]:
    """CPU seconds per process, the delay of each snapshot, and how many a client missed."""
    few = symbols_of(options.instruments)[: options.symbols]
    clients: list[dict[int, tuple[int, float]]] = [{} for _ in range(options.clients)]
    tasks = [
        asyncio.create_task(follow(stack, None if number < options.whole else few, arrivals))
        for number, arrivals in enumerate(clients)
    ]
    await asyncio.sleep(SETTLE_SECONDS)
    began, before = time.time() * 1000, stack.cpu_seconds()
    await asyncio.sleep(options.minutes * 60)
    ended, after = time.time() * 1000, stack.cpu_seconds()
    await asyncio.sleep(2)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if not isinstance(result, asyncio.CancelledError):
            raise SystemExit(f"a client failed: {result!r}")
    pushes = [tuple(map(int, line.split())) for line in stack.log.read_text().splitlines()]
    delays, missed = [], 0
    for stamp, left in pushes:
        if began <= left <= ended - 1500:
            missed += sum(stamp not in arrivals for arrivals in clients)
            times = [arrivals[stamp][1] for arrivals in clients if stamp in arrivals]
            delays.append(max(times, default=ended) - left)
    return {name: after[name] - before[name] for name in after}, delays, missed


def report(label: str, used: dict[str, float], seconds: float) -> float:
    shares = {name: 100 * value / seconds for name, value in used.items()}
    total = sum(shares.values())
    parts = "  ".join(f"{name} {share:.1f}%" for name, share in shares.items())
    print(f"{label:<6} {parts}  together {total:.1f}% of one core")
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--idle-seconds", type=float, default=30.0, help="0: the idle platform is not measured")
    parser.add_argument("--instruments", type=int, default=5_500)
    parser.add_argument("--seconds", type=float, default=3.0, help="between two snapshots")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--whole", type=int, default=2, help="so many of them follow every instrument")
    parser.add_argument("--symbols", type=int, default=60, help="instruments that each of the others follows")
    parser.add_argument("--keep", action="store_true", help="keep the state folder with the logs")
    options = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.2f}; {psutil.cpu_count()} cores")
    with stack(options) as running:
        used, delays, missed = asyncio.run(measure(running, options))
        busy = report("busy", used, options.minutes * 60)
        ordered = sorted(delays)
        worst = ordered[-1] if ordered else float("inf")
        middle = ordered[len(ordered) // 2] if ordered else float("inf")
        print(
            f"delay  {len(delays)} snapshots of {options.instruments} to {options.clients} clients: "
            f"median {middle:.0f} ms, worst {worst:.0f} ms, missed by a client {missed}"
        )
        from marketdata.quotes.models import RawQuote, RawTick

        print(f"stored {RawTick.objects.count()} ticks, {RawQuote.objects.count()} bars")
        idle = 0.0
        if options.idle_seconds:
            running.feed(options, "--closed")
            time.sleep(IDLE_SETTLE_SECONDS)
            before = running.cpu_seconds()
            time.sleep(options.idle_seconds)
            after = running.cpu_seconds()
            idle = report("idle", {name: after[name] - before[name] for name in after}, options.idle_seconds)
    met = busy <= GOALS["busy"] and worst < GOALS["delay_ms"] and idle < GOALS["idle"]
    print("goals met" if met else f"goals missed: {GOALS}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
