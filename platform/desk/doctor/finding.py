"""One thing the doctor looked at."""

from __future__ import annotations

from dataclasses import dataclass


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


def good(subject: str, detail: str) -> Finding:
    """A finding that needs nothing."""
    return Finding(subject, True, detail)


def bad(subject: str, detail: str, advice: str) -> Finding:
    """A finding that needs a person."""
    return Finding(subject, False, detail, advice)
