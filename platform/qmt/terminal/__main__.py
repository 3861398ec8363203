"""``python -m qmt.terminal``: run a simulated terminal until it is told to stop."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from pathlib import Path

if __package__ in (None, ""):  # started by file name: make the package importable as manage.py does
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from qmt.terminal.cli import EXIT_MISCONFIGURED, parse
from qmt.terminal.runner import TerminalMisconfigured, TerminalProblem, run

#: As the platform's other processes write theirs: the merged log is one table.
LOG_FORMAT = "%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s"


def main(argv: list[str] | None = None) -> int:
    """Run the terminal; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, datefmt="%Y-%m-%d %H:%M:%S", stream=sys.stderr)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        run(parse(argv), stopped)
    except TerminalProblem as problem:
        logging.getLogger("qmt.terminal").error("%s", problem)
        return EXIT_MISCONFIGURED if isinstance(problem, TerminalMisconfigured) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
