"""What `make test` runs, step by step; the first failing step does not hide the others."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile")


@dataclass(frozen=True)
class Step:
    """One command that must succeed."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def lint_steps() -> list[Step]:
    return [
        Step("style", [str(BIN / "ruff"), "check"]),
        Step("format", [str(BIN / "ruff"), "format", "--check", "--quiet"]),
        Step("types", [str(BIN / "mypy")]),
        Step("layers", [str(BIN / "lint-imports")], {"PYTHONPATH": "platform:."}),
        Step("migrations", python("manage.py", "makemigrations", "--check", "--dry-run")),
    ]


def test_steps(*, slow: bool) -> list[Step]:
    def pytest(name: str, marks: str, *options: str, prefix: Sequence[str] = ()) -> Step:
        chosen = marks if slow else f"({marks}) and not slow"
        return Step(name, [*prefix, *python("-m", "pytest", "-q", "-m", chosen, *options)])

    return [
        Step("browser files", python("manage.py", "vendor_assets")),
        Step("catalogues", python("manage.py", "compile_catalogues")),
        pytest("tests", "not e2e", *SIDE_BY_SIDE),
        # Platforms mostly wait: two at a time.
        pytest("browser and processes", "e2e", *SIDE_BY_SIDE),
        # Faults on PostgreSQL belong to `make test-all` and `make faults`: they would take a minute of `make test`.
        pytest(
            "tests on PostgreSQL",
            "postgres and not e2e" if slow else "postgres and not e2e and not faults",
            *SIDE_BY_SIDE,
            prefix=python("-m", "tests.postgres"),
        ),
    ]


def run(step: Step, state: str) -> bool:
    print(f"\n=== {step.name}: {' '.join(step.command)}", flush=True)
    started = time.monotonic()
    # Never an installation's own state: commands run here must not meet its databases.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DESK_")}
    environment |= {"TZ": "Asia/Shanghai", "DESK_ENV": "test", "DESK_STATE_DIR": state, **step.environment}
    code = subprocess.run(step.command, cwd=ROOT, env=environment, check=False).returncode
    print(
        f"=== {step.name}: {'ok' if code == 0 else f'FAILED ({code})'}, {time.monotonic() - started:.0f} s", flush=True
    )
    return code == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slow", action="store_true", help="include tests marked slow")
    parser.add_argument("--lint-only", action="store_true", help="no tests")
    options = parser.parse_args()
    steps = lint_steps() + ([] if options.lint_only else test_steps(slow=options.slow))
    with tempfile.TemporaryDirectory(prefix="desk-test-all-") as state:
        failed = [step.name for step in steps if not run(step, state)]
    print(f"\nfailed: {', '.join(failed)}" if failed else "\nall good")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
