"""What a verification looked at, and what is wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Attributes
    ----------
    area
        `files`, `links`, `audit`, `ledger`, `orders` or `quotes`.
    subject
        What it is about, with the name or number by which it is found.
    problem
        What is there and what should be, in words.
    """

    area: str
    subject: str
    problem: str

    def __str__(self) -> str:
        return f"{self.area}: {self.subject}: {self.problem}"


@dataclass(slots=True)
class Report:
    """Findings, and how many things of each kind were looked at: a report that looked at nothing proves nothing."""

    findings: list[Finding] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)

    def find(self, area: str, subject: str, problem: str) -> None:
        self.findings.append(Finding(area, subject, problem))

    def as_dict(self) -> dict[str, Any]:
        """As JSON says it."""
        return {
            "sound": not self.findings,
            "checked": dict(sorted(self.checked.items())),
            "findings": [asdict(finding) for finding in self.findings],
        }
