"""Every question of a verification, in order; one that fails is a finding, and the others are asked all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import DatabaseError

from desk.verify.audit import verify_audit
from desk.verify.books import verify_ledger, verify_orders
from desk.verify.links import verify_files, verify_links
from desk.verify.quotes import verify_archives, verify_segments
from desk.verify.report import Report
from marketdata.services.archive import archive_folder

AREAS = ("files", "links", "audit", "ledger", "orders", "quotes")


@dataclass(frozen=True, slots=True)
class Options:
    """What is looked at.

    Attributes
    ----------
    areas
        Some of `AREAS`.
    archives
        Folder of archived ticks; None: the configured one.
    anchors
        Signed anchors other than the state folder's.
    """

    areas: tuple[str, ...] = AREAS
    archives: Path | None = None
    anchors: bytes | None = None


def verify_all(options: Options = Options(), say: Callable[[str], None] = lambda _text: None) -> Report:
    """Look at everything that is stored. Reads only; people may go on working."""
    report = Report()
    archives = options.archives or archive_folder()
    questions: tuple[tuple[str, Callable[[], None]], ...] = (
        ("files", lambda: verify_files(report)),
        ("links", lambda: verify_links(report)),
        ("audit", lambda: verify_audit(report, options.anchors)),
        ("ledger", lambda: verify_ledger(report)),
        ("orders", lambda: verify_orders(report)),
        ("quotes", lambda: verify_segments(report)),
        ("quotes", lambda: verify_archives(report, archives)),
    )
    for area, ask in questions:
        if area not in options.areas:
            continue
        say(area)
        try:
            ask()
        except DatabaseError as error:
            # A damaged file answers some questions and not others.
            report.find(area, "database", f"{type(error).__name__}: {error}".splitlines()[0])
    return report
