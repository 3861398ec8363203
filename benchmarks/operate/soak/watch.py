"""Memory, files, threads and sizes of everything that runs, taken again and again."""

from __future__ import annotations

import contextlib
import csv
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
import psycopg
from redis import Redis, RedisError

from benchmarks.operate.soak.desk import Platform

MEGABYTE: Final = 1_000_000


@dataclass(frozen=True)
class Sample:
    """One process, or several of one name together, at one moment.

    Attributes
    ----------
    at
        Seconds since the samples began.
    memory_mb
        Resident, without what is shared through memory (PostgreSQL's buffers are the server's, not each session's).
    """

    at: float
    name: str
    memory_mb: float
    anonymous_mb: float
    files: int
    threads: int
    pids: tuple[int, ...]


@dataclass
class Watch:
    """What was seen so far."""

    samples: list[Sample] = field(default_factory=list)
    sizes: list[tuple[float, str, float]] = field(default_factory=list)
    """(seconds, what, MB): databases and Redis."""

    def of(self, name: str) -> list[Sample]:
        """The samples of one name, oldest first."""
        return [sample for sample in self.samples if sample.name == name]

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(sample.name for sample in self.samples))

    def write(self, path: Path) -> None:
        """All samples as CSV."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["seconds", "name", "memory_mb", "anonymous_mb", "files", "threads"])
            for one in self.samples:
                writer.writerow([f"{one.at:.1f}", one.name, one.memory_mb, one.anonymous_mb, one.files, one.threads])
            for at, what, megabytes in self.sizes:
                writer.writerow([f"{at:.1f}", what, megabytes, "", "", ""])


@contextlib.contextmanager
def watching(found: Platform, every: float) -> Iterator[Watch]:
    """Take samples every so many seconds for the length of a block."""
    watch, stopped, began = Watch(), threading.Event(), time.monotonic()

    def look() -> None:
        while not stopped.wait(every):
            at = time.monotonic() - began
            for name, processes in _processes(found).items():
                if (sample := _sample(at, name, processes)) is not None:
                    watch.samples.append(sample)
            watch.sizes += [(at, what, megabytes) for what, megabytes in _sizes(found)]

    thread = threading.Thread(target=look, name="watch")
    thread.start()
    try:
        yield watch
    finally:
        stopped.set()
        thread.join()


def _processes(found: Platform) -> dict[str, list[psutil.Process]]:
    """Everything that belongs to the platform, by the supervisor's names; what a process started goes by its name too."""
    grouped: dict[str, list[psutil.Process]] = {}
    with contextlib.suppress(psutil.NoSuchProcess):
        grouped["up"] = [psutil.Process(found.process.pid)]
    for record in sorted(found.run_dir.glob("*.pid.json")):
        with contextlib.suppress(psutil.NoSuchProcess, OSError, ValueError):
            facts = json.loads(record.read_text("utf-8"))
            process = psutil.Process(facts["pid"])
            grouped[facts["name"]] = [process]
            if children := process.children(recursive=True):
                grouped[f"{facts['name']}: children"] = children
    if found.postgres is not None and (pid := found.postgres.pid) is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            server = psutil.Process(pid)
            grouped["postgres"] = [server, *server.children(recursive=True)]
    return grouped


def _sample(at: float, name: str, processes: list[psutil.Process]) -> Sample | None:
    memory = anonymous = files = threads = 0
    pids = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            own, private = _resident(process)
            memory, anonymous = memory + own, anonymous + private
            files, threads = files + process.num_fds(), threads + process.num_threads()
            pids.append(process.pid)
    if not pids:
        return None
    return Sample(at, name, memory / MEGABYTE, anonymous / MEGABYTE, files, threads, tuple(pids))


def _resident(process: psutil.Process) -> tuple[int, int]:
    """Bytes in memory without shared memory, and those of them that no file backs; elsewhere than on Linux both the same."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        resident = int(process.memory_info().rss)
        return resident, resident
    facts = dict(line.split(":", 1) for line in status.read_text("utf-8").splitlines() if line.startswith("Rss"))
    anonymous, file = (int(facts[key].split()[0]) * 1024 for key in ("RssAnon", "RssFile"))
    return anonymous + file, anonymous


def _sizes(found: Platform) -> Iterator[tuple[str, float]]:
    for file in sorted(found.folder.glob("*.sqlite3*")):
        with contextlib.suppress(OSError):
            yield file.name, file.stat().st_size / MEGABYTE
    if found.postgres is not None:
        with contextlib.suppress(psycopg.Error), psycopg.connect(found.environment["DESK_DATABASE_URL"]) as server:
            for name, size in server.execute("SELECT datname, pg_database_size(datname) FROM pg_database"):
                yield f"postgres {name}", int(size) / MEGABYTE
    with contextlib.suppress(RedisError), Redis(unix_socket_path=str(found.run_dir / "valkey.sock")) as redis:
        yield "valkey used", int(redis.info("memory")["used_memory"]) / MEGABYTE
