"""One thing the doctor looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.management.base import BaseCommand


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact, whether it is as it should be, and what to do if it is not.

    Attributes
    ----------
    advice : str
        What a person does about it, in words; blank when nothing is wrong.
    """

    subject: str
    ok: bool
    detail: str
    advice: str = ""


def written(findings: Iterable[Finding], command: BaseCommand) -> int:
    """Write each finding as it comes; how many need a person."""
    failures = 0
    for finding in findings:
        mark = command.style.SUCCESS("ok  ") if finding.ok else command.style.ERROR("FAIL")
        command.stdout.write(f"{mark} {finding.subject}: {finding.detail}")
        if not finding.ok:
            failures += 1
            command.stdout.write(f"     → {finding.advice}")
    return failures


def good(subject: str, detail: str) -> Finding:
    """A finding that needs nothing."""
    return Finding(subject, True, detail)


def bad(subject: str, detail: str, advice: str) -> Finding:
    """A finding that needs a person."""
    return Finding(subject, False, detail, advice)
