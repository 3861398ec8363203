"""Findings about this machine: Python, packages, the SDK, time, disk, browser libraries."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from desk.doctor.finding import Finding, bad, good
from desk.settings.effective import unknown_variables
from desk.settings.safety import TIME_ZONE, local_offset_is_shanghai
from desk.settings.schema import ROOT, DeskConfig
from desk.vendor import FRONTEND, VENDOR, fingerprint, is_current, vendor_files
from qmt.errors import SdkUnavailable
from qmt.sdk import PINNED_VERSION, verify_package

PYTHON_VERSIONS = ((3, 11), (3, 13))
MINIMUM_FREE_BYTES = 2_000_000_000


def machine_findings(config: DeskConfig) -> Iterator[Finding]:
    """Look at everything that needs no running service."""
    yield python_version(sys.version_info[:2])
    yield variables(os.environ)
    yield packages(ROOT / "requirements.txt")
    yield sdk()
    yield time_zone()
    yield state_folder(config.state_dir)
    yield browser_libraries()


def variables(environ: Mapping[str, str]) -> Finding:
    """A misspelt variable changes nothing and says nothing; here it does."""
    unknown = unknown_variables(environ)
    if not unknown:
        return good("configuration", "every DESK_ variable names a setting")
    return bad(
        "configuration",
        f"{', '.join(unknown)} {'names' if len(unknown) == 1 else 'name'} no setting",
        "Correct the spelling (docs/configuration.md lists every setting), or remove it.",
    )


def python_version(version: tuple[int, int]) -> Finding:
    """The interpreter has to be one the SDK's native modules exist for."""
    words = ".".join(str(part) for part in version)
    low, high = (".".join(str(part) for part in bound) for bound in PYTHON_VERSIONS)
    if PYTHON_VERSIONS[0] <= version <= PYTHON_VERSIONS[1]:
        return good("Python", words)
    return bad("Python", words, f"Install Python {low} to {high}, delete .venv and run make run again.")


def packages(requirements: Path) -> Finding:
    """Installed versions against the pinned ones."""
    wrong = list(_wrong_packages(requirements))
    if not wrong:
        return good("packages", f"as pinned in {requirements.name}")
    shown = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
    return bad("packages", shown, f"Run: {sys.executable} -m pip install -r {requirements.name}")


def _wrong_packages(requirements: Path) -> Iterator[str]:
    for line in requirements.read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        if not text:
            continue
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            installed = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield f"{requirement.name} is missing"
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            yield f"{requirement.name} {installed} instead of {requirement.specifier}"


def sdk() -> Finding:
    """Version and origin of the SDK, without importing it."""
    try:
        origin = verify_package()
    except SdkUnavailable as error:
        return bad(
            "SDK", str(error), f"Run: {sys.executable} -m pip install --force-reinstall xtquant=={PINNED_VERSION}"
        )
    return good("SDK", f"xtquant {PINNED_VERSION} from {origin}")


def time_zone() -> Finding:
    """The SDK converts every time with the host's zone; under another one dates shift by a day."""
    if local_offset_is_shanghai():
        return good("time zone", TIME_ZONE)
    return bad(
        "time zone",
        "/".join(time.tzname),
        f"Start with TZ={TIME_ZONE}; on Windows set the system's time zone to (UTC+08:00) Beijing.",
    )


def state_folder(folder: Path) -> Finding:
    """Whether the state folder can be written and has room."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        return bad("state folder", f"{folder} cannot be written", "Give this user the folder, or set DESK_STATE_DIR.")
    free = shutil.disk_usage(existing).free
    detail = f"{folder}, {free / 1e9:.1f} GB free"
    if free < MINIMUM_FREE_BYTES:
        return bad("state folder", detail, "Free some disk space, or move the state with DESK_STATE_DIR.")
    return good("state folder", detail)


def browser_libraries() -> Finding:
    """Whether the portal's third-party files are there, in the locked versions."""
    files = vendor_files(FRONTEND)
    if is_current(VENDOR, fingerprint(FRONTEND), files):
        return good("browser libraries", f"{len(files)} files")
    return bad("browser libraries", "missing or of other versions", "Run: manage.py vendor_assets (make run does it).")
