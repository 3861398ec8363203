"""Compare our back-test with backtrader on one machine, in one run: the same bars, the same rule, one core each.

    PYTHONPATH=platform:. python -m benchmarks.strategies.backtest [--skip-peer-minutes]

The peer gets a virtualenv of its own under var/benchmarks (made on first use). Its year of minutes takes minutes.
Ours goes through the whole of it: price limits, T+1, the price cage, lots, fees by date, participation, ex-rights, a virtual book.
Reading the bars is not in either figure. Goals: 2 s and 20 s.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PEER_VENV = ROOT / "var" / "benchmarks" / "backtrader"
PEER_PACKAGES = ("backtrader==1.9.78.123", "numpy", "pandas")
GOALS = {"1d": 2.0, "1m": 20.0}
TITLES = {"1d": "50 symbols x 5 years of 1d", "1m": "50 symbols x 1 year of 1m"}

Figures = dict[str, dict[str, Any]]


def peer_python() -> Path:
    """Interpreter of the peer's virtualenv, which is made when it is missing."""
    python = PEER_VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    marker = PEER_VENV / "ready"
    if not marker.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(PEER_VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEER_PACKAGES], check=True)
        marker.touch()
    return python


def measure(python: str, script: str, *arguments: str) -> Figures:
    """Run one measuring script and return its figures."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, str(HERE / script), *arguments],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(ROOT / "platform"), str(ROOT)]),
                "DJANGO_SETTINGS_MODULE": "desk.settings",
                "DESK_ENV": "test",
                "DESK_STATE_DIR": folder,
                "OPENBLAS_NUM_THREADS": "1",
            },
            stdout=subprocess.PIPE,
            check=True,
        )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Measure the peer, then ours, then print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skip-peer-minutes", action="store_true", help="leave the peer's slow half out")
    arguments = parser.parse_args()
    peer = measure(str(peer_python()), "peer.py", *([] if arguments.skip_peer_minutes else ["--minutes"]))
    ours = measure(sys.executable, "ours.py")
    print(f"{'':30}{'backtrader, s':>15}{'ours, s':>10}{'ratio':>8}{'goal, s':>9}{'fills':>16}")
    for period, title in TITLES.items():
        own, other = ours[period], peer.get(period)
        seconds = "-" if other is None else f"{other['seconds']:.2f}"
        ratio = "-" if other is None else f"{other['seconds'] / own['seconds']:.0f}x"
        fills = f"{'-' if other is None else other['fills']} / {own['fills']}"
        print(f"{title:30}{seconds:>15}{own['seconds']:>10.2f}{ratio:>8}{GOALS[period]:>9.0f}{fills:>16}")


if __name__ == "__main__":
    main()
