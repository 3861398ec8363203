"""Parts of an account's snapshot that other apps contribute.

The ledger knows neither orders nor fills, yet a snapshot must hold them for the same
version. Apps above register a section when they start; the snapshot asks them inside
its own consistent read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.models import BrokerAccount

Section = Callable[[BrokerAccount], list[dict[str, Any]]]

_sections: dict[str, Section] = {}


def register_section(name: str, section: Section) -> None:
    """Add a part to every account snapshot; registering again replaces it."""
    _sections[name] = section


def read_sections(account: BrokerAccount) -> dict[str, list[dict[str, Any]]]:
    """Every registered part, read now."""
    return {name: section(account) for name, section in _sections.items()}
