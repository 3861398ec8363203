"""Prove the audit trail, or name the first broken link of each chain."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ops.audit_check import audit_check


class Command(BaseCommand):
    help = "Prove every audit chain and anchor, or name the first broken link of each (exit code 1)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--public-key", type=Path, help="prove the signed anchors with this key, kept elsewhere")

    def handle(self, *args: Any, public_key: Path | None = None, **options: Any) -> None:
        try:
            pem = None if public_key is None else public_key.read_text(encoding="ascii")
        except (OSError, UnicodeError) as error:
            raise CommandError(f"{public_key} cannot be read.") from error
        report = audit_check(public_key_pem=pem)
        for chain in report.chains:
            if chain.intact:
                self.stdout.write(f"{chain.chain}: {chain.events} events, intact")
        if not report.intact:
            raise CommandError("The audit trail is broken.\n" + "\n".join(report.problems))
        words = f"{len(report.chains)} chains, {report.events} events"
        self.stdout.write(f"{words}, {report.anchors} signed anchors: intact.")
