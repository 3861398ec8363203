"""Compare the quote store with vnpy_sqlite on one machine, in one run.

    PYTHONPATH=platform:. python -m benchmarks.store.run [--postgres postgresql://USER@HOST:PORT/NAME]

The peer gets a virtualenv of its own under var/benchmarks (made on first use). PostgreSQL is a server of
our own with durable settings unless one is given; a scratch database is created in it and dropped again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.postgres import temporary_postgres

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PEER_VENV = ROOT / "var" / "benchmarks" / "vnpy"
# vnpy itself without its desktop dependencies, and what its data layer imports.
PEER_PACKAGES = (["--no-deps", "vnpy==4.5.0"], ["vnpy_sqlite==1.1.3", "numpy", "pandas", "tzlocal", "ta-lib"])
SCRATCH = "desk_benchmark_store"

Figures = dict[str, float]


def peer_python() -> Path:
    """Interpreter of the peer's virtualenv, which is made when it is missing."""
    python = PEER_VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    marker = PEER_VENV / "ready"
    if not marker.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(PEER_VENV)], check=True)
        for packages in PEER_PACKAGES:
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
        marker.touch()
    return python


def measure(python: str, script: str, folder: str, **environment: str) -> Figures:
    """Run one measuring script in a folder of its own and return its figures."""
    done = subprocess.run(
        [python, str(HERE / script)],
        cwd=folder,
        env={**os.environ, "TZ": "Asia/Shanghai", "HOME": folder, **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


@contextmanager
def scratch_database(url: str, name: str = SCRATCH) -> Iterator[str]:
    """URL of a new database on the server of ``url``; dropped at the end."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name}")
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def our_figures(folder: str, *, script: str = "ours.py", **environment: str) -> Figures:
    """Measure ours with a state folder of its own."""
    for name in ("DESK_DATABASE_URL", "DESK_QUOTES_URL"):
        os.environ.pop(name, None)
    return measure(
        sys.executable,
        script,
        folder,
        DJANGO_SETTINGS_MODULE="desk.settings",
        DESK_ENV="test",
        DESK_STATE_DIR=folder,
        **environment,
    )


def print_table(peer: Figures, ours: dict[str, Figures]) -> None:
    """Absolute figures and ratios to the peer."""
    lines = [
        ("sealed write, rows/s", "save", "save", 100),
        ("  the same again, rows/s", "save_same", "save", None),
        ("hot upsert, rows/s", "upsert", "save", 12),
        ("  the same again, rows/s", "upsert_same", "save", None),
        ("50 symbols x 4,800 bars to a DataFrame, ms", "read_all", "read_all", 100),
        ("one symbol x 4,800 bars to a DataFrame, ms", "read_one", "read_one", 25),
        ("MB per million rows", "bytes", "bytes", None),
    ]

    def shown(label: str, figures: Figures, key: str) -> str:
        if key == "bytes":
            return f"{figures[key] / figures['rows']:.1f}"
        if "rows/s" in label:
            return f"{figures['rows'] / figures[key]:,.0f}"
        return f"{figures[key] * 1000:,.1f}"

    header = f"{'':46}{'vnpy_sqlite':>14}"
    header += "".join(f"{name:>14}{'ratio':>9}" for name in ours) + f"{'wanted':>9}"
    print(header)
    for label, key, peer_key, wanted in lines:
        line = f"{label:46}{shown(label, peer, peer_key):>14}"
        for figures in ours.values():
            ratio = peer[peer_key] / figures[key]
            if key == "bytes":
                ratio = (peer[key] / peer["rows"]) / (figures[key] / figures["rows"])
            line += f"{shown(label, figures, key):>14}{ratio:>8.0f}x"
        print(line + (f"{wanted:>8}x" if wanted else ""))


def main() -> None:
    """Measure the peer, then ours, then print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", metavar="URL", help="a running server to measure PostgreSQL on")
    arguments = parser.parse_args()
    python = peer_python()
    with tempfile.TemporaryDirectory() as folder:
        peer = measure(str(python), "peer.py", folder)
    ours = {}
    with tempfile.TemporaryDirectory() as folder:
        ours["SQLite"] = our_figures(folder)
    with ExitStack() as stack:
        server = arguments.postgres or stack.enter_context(temporary_postgres(durable=True))["DESK_QUOTES_URL"]
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = stack.enter_context(scratch_database(server))
        ours["PostgreSQL"] = our_figures(folder, DESK_QUOTES_URL=url)
    print_table(peer, ours)


if __name__ == "__main__":
    main()
