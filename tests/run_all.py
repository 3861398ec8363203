"""What `make test` runs, step by step; the first failing step does not hide the others."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile")
#: Real sockets and processes beside each other may wait longer than a test does: so few are asked once more, alone.
MOST_SECOND_LOOKS = 3
#: Longest time of a test that starts a whole platform, its start included.
PLATFORM_SECONDS = 300


@dataclass(frozen=True)
class Step:
    """One command that must succeed. With a `cache`, what fails beside other tests has to pass by itself."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    cache: Path | None = None

    def failures(self) -> list[str]:
        """The tests that failed last."""
        kept = None if self.cache is None else self.cache / "v" / "cache" / "lastfailed"
        return list(json.loads(kept.read_text(encoding="utf-8"))) if kept is not None and kept.exists() else []


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


def test_steps(state: Path, *, slow: bool) -> list[Step]:
    def pytest(name: str, marks: str, *options: str, prefix: Sequence[str] = ()) -> Step:
        chosen = marks if slow else f"({marks}) and not slow"
        cache = state / f"cache {name}"
        options = ("-o", f"cache_dir={cache}", *options)
        return Step(name, [*prefix, *python("-m", "pytest", "-q", "-m", chosen, *options)], cache=cache)

    with_browser = ("-o", f"timeout={PLATFORM_SECONDS}", *SIDE_BY_SIDE)
    on_server = pytest("browser on PostgreSQL", "e2e", *with_browser, "tests/e2e")
    return [
        Step("browser files", python("manage.py", "vendor_assets")),
        Step("catalogues", python("manage.py", "compile_catalogues")),
        pytest("tests", "not e2e", *SIDE_BY_SIDE),
        # Platforms mostly wait: two at a time.
        pytest("browser and processes", "e2e", *with_browser),
        *([replace(on_server, environment={"TESTS_STACK_POSTGRES": "1"})] if slow else []),
        # Faults on PostgreSQL belong to `make test-all` and `make faults`: they would take a minute of `make test`.
        pytest(
            "tests on PostgreSQL",
            "postgres and not e2e" if slow else "postgres and not e2e and not faults",
            *SIDE_BY_SIDE,
            prefix=python("-m", "tests.postgres"),
        ),
    ]


def prepared(folder: Path) -> subprocess.Popen[bytes]:
    """Begin to migrate what the tests copy, beside the steps that use one core only."""
    return subprocess.Popen(python("-m", "tests.prepared", str(folder)), cwd=ROOT)


def run(step: Step, state: str) -> bool:
    print(f"\n=== {step.name}: {' '.join(step.command)}", flush=True)
    started = time.monotonic()
    # Never an installation's own state: commands run here must not meet its databases.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DESK_")}
    environment |= {"TZ": "Asia/Shanghai", "DESK_ENV": "test", "DESK_STATE_DIR": state, **step.environment}

    def execute(*more: str) -> int:
        return subprocess.run([*step.command, *more], cwd=ROOT, env=environment, check=False).returncode

    code = execute()
    again = step.failures() if code else []
    if 0 < len(again) <= MOST_SECOND_LOOKS:
        print(f"=== {step.name}: once more, alone: {', '.join(again)}", flush=True)
        code = execute("-n", "0", "--last-failed")
    print(
        f"=== {step.name}: {'ok' if code == 0 else f'FAILED ({code})'}, {time.monotonic() - started:.0f} s", flush=True
    )
    return code == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slow", action="store_true", help="include tests marked slow")
    parser.add_argument("--lint-only", action="store_true", help="no tests")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="desk-test-all-") as state:
        installations = None if options.lint_only else prepared(Path(state) / "prepared")
        failed = [step.name for step in lint_steps() if not run(step, state)]
        if installations is not None:
            if installations.wait():
                failed.append("prepared installations")
            os.environ["TESTS_PREPARED"] = f"{state}/prepared"
            failed += [step.name for step in test_steps(Path(state), slow=options.slow) if not run(step, state)]
    print(f"\nfailed: {', '.join(failed)}" if failed else "\nall good")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
