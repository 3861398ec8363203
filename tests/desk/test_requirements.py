"""Pinned packages: a fresh installation of either file can run the whole platform."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def pins(name: str) -> set[str]:
    """Every `package==version` line of a compiled file, markers included."""
    return {line.strip() for line in (ROOT / name).read_text().splitlines() if re.match(r"[a-z0-9].*==", line)}


def wanted(name: str) -> set[str]:
    """Packages asked for by name, as the compiler spells them."""
    lines = (re.match(r"[A-Za-z0-9._-]+", line) for line in (ROOT / name).read_text().splitlines())
    return {re.sub(r"[-_.]+", "-", found[0]).lower() for found in lines if found and not found[0].startswith("-")}


def test_pins_for_development_hold_every_pin_of_the_platform() -> None:
    assert pins("requirements.txt") - pins("requirements-dev.txt") == set()


def test_every_package_asked_for_is_pinned() -> None:
    for asked, compiled in (("requirements.in", "requirements.txt"), ("requirements-dev.in", "requirements-dev.txt")):
        pinned = {line.split("==")[0].split("[")[0] for line in pins(compiled)}
        assert wanted(asked) - pinned == set()
