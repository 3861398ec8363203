"""Describe one plug-in in a process of its own: ``python -m trading.strategies.describing MEMORY_MB {found as JSON}``.

The catalogue is made by the platform, a strategy's code by its author: loading it must not be able to harm or hang the
process that asks. The answer is one line of JSON, ``{"plugin": …}`` or ``{"problem": "…"}``. Knows no Django.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trading.strategies.limits import bound_process
from trading.strategies.loading import Found, LoadError, describe, load

SECONDS = 10.0
ROOT = Path(__file__).resolve().parents[2]


def described(found: Found, memory_mb: int, *, seconds: float = SECONDS) -> dict[str, Any]:
    """What `loading.describe` says, from a process of its own.

    Raises
    ------
    LoadError
        As `load` and `describe`; or the process took too long, or died.
    """
    command = [sys.executable, "-m", "trading.strategies.describing", str(memory_mb), json.dumps(asdict(found))]
    # Windows finds its libraries through SystemRoot; nothing else of ours is an author's business.
    environment = {"PYTHONPATH": f"{ROOT / 'platform'}{_SEPARATOR}{ROOT}", "OPENBLAS_NUM_THREADS": "1"}
    try:
        answer = subprocess.run(
            command, cwd=ROOT, env=_system() | environment, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise LoadError(f"loading it takes longer than {seconds:.0f} s") from None
    try:
        told: dict[str, Any] = json.loads(answer.stdout.decode("utf-8", "replace").splitlines()[-1])
    except (ValueError, IndexError):
        words = answer.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise LoadError(f"loading it ended with exit code {answer.returncode} {' '.join(words)[:200]}") from None
    if "problem" in told:
        raise LoadError(told["problem"])
    plugin: dict[str, Any] = told["plugin"]
    return plugin


def main(arguments: list[str]) -> int:
    """Print the description of the plug-in that the arguments name."""
    bound_process(int(arguments[0]))
    answer: dict[str, Any]
    try:
        # What an author prints must not stand among our answer.
        with contextlib.redirect_stdout(io.StringIO()):
            answer = {"plugin": describe(load(Found(**json.loads(arguments[1]))))}
    except LoadError as problem:
        answer = {"problem": str(problem)}
    except MemoryError:
        answer = {"problem": "loading it takes more memory than a strategy may have"}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")
    return 0


_SEPARATOR = ";" if sys.platform == "win32" else ":"


def _system() -> dict[str, str]:
    import os

    return {name: os.environ[name] for name in ("SYSTEMROOT", "PATH", "TMPDIR", "TEMP") if name in os.environ}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
