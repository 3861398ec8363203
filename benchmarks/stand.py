"""What the benchmarks of live streams and of REST stand on: Valkey and one process of the platform, with demo data."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import psutil

ROOT = Path(__file__).resolve().parents[1]
QUOTES_CHANNEL = "desk:live:quotes"
START_SECONDS = 120.0
STOP_SECONDS = 10.0
PREPARE_SECONDS = 300.0


@dataclass(frozen=True)
class Stand:
    """Where to connect, with what, and whose processor time to read."""

    port: int
    token: str
    redis: str
    pid: int


@contextmanager
def stand(*command: str, scopes: str, rate: int = 60_000) -> Iterator[Stand]:
    """Run ``manage.py COMMAND --port N`` over a state folder of its own, which is removed afterwards.

    What is being done is told on standard error, and nothing is waited for without an end: what does not start shows its
    last words, what does not stop is killed.
    """
    state = tempfile.mkdtemp(prefix="desk-bench-")
    port = free_port()
    os.environ |= {"DESK_ENV": "test", "DESK_STATE_DIR": state, "TZ": "Asia/Shanghai"}
    sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]
    from desk.settings.schema import get_config
    from desk.supervisor import plan

    config = get_config()
    plan.prepare_folders(config)
    manage = [sys.executable, str(ROOT / "manage.py")]
    running: list[subprocess.Popen[bytes]] = []
    words = Path(state) / "server.log"
    try:
        say("databases and demo data")
        for step in (["migrate", "-v0"], ["migrate", "-v0", "--database", "quotes"], ["demo_data"]):
            run([*manage, *step])
        token = run([*manage, "token_create", "alice", "--scopes", scopes, "--rate", str(rate)])
        with words.open("wb") as log:
            running.append(subprocess.Popen(plan.valkey(config).command, stdout=log, stderr=log))
            say(f"manage.py {' '.join(command)}")
            running.append(subprocess.Popen([*manage, *command, "--port", str(port)], stdout=log, stderr=log))
        wait_for(port, running[-1], words)
        yield Stand(port, token, config.redis_url, running[-1].pid)
    finally:
        for process in reversed(running):
            stop(process)
        shutil.rmtree(state, ignore_errors=True)


def say(words: str) -> None:
    """Tell what is being done; the table alone goes to standard output."""
    print(f"… {words}", file=sys.stderr, flush=True)


def run(command: Sequence[str], seconds: float = PREPARE_SECONDS) -> str:
    """Run a command to its end and give its output; what it said stands in the error when it fails or hangs."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout.strip()


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], words: Path | None = None) -> None:
    """Until somebody listens; an error with the process's last words when it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    told = words.read_text(encoding="utf-8", errors="replace")[-2000:] if words is not None else ""
    raise RuntimeError(f"nobody listens at {port} (ended with {process.poll()}): {told}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process; one that takes too long is killed."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def quotes_message(symbols: int, stamp: int) -> bytes:
    """One publication of quotes, signed: every symbol with five levels; `stamp` is what each carries as its time."""
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
    body = orjson.dumps({"t": time.time_ns() // 1_000_000, "q": data})
    return signed_as_platform("quotes", body, Path(os.environ["DESK_STATE_DIR"]))


def signed_as_platform(channel: str, body: bytes, state_dir: Path) -> bytes:
    """A live message as the processes publish it whose generated keys lie in `state_dir`."""
    from ops.signing import PLATFORM, key_of, with_mark

    encryption_key = (state_dir / "encryption_key").read_text(encoding="ascii").strip()
    return with_mark(channel, body, signer=PLATFORM, key=key_of(PLATFORM, encryption_key=encryption_key))


def cpu_seconds(process: psutil.Process | None) -> float:
    """Processor time so far; 0 for somebody else's machine."""
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
