"""``manage.py verify``: is what is stored what it claims to be."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from desk.verify.run import AREAS, Options, verify_all


class Command(BaseCommand):
    help = "Audit trail, ledger, orders, links and market data, held against themselves; exit code 1 with any finding."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", action="append", choices=AREAS, help="only this area; may be repeated")
        parser.add_argument("--json", action="store_true", help="one JSON document on the standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        quiet = options["json"]
        say = (lambda _text: None) if quiet else (lambda text: self.stdout.write(f"{text} …"))
        report = verify_all(Options(areas=tuple(options["only"] or AREAS)), say)
        if quiet:
            self.stdout.write(json.dumps(report.as_dict(), indent=1, ensure_ascii=False))
        else:
            for finding in report.findings:
                self.stdout.write(str(finding))
            looked = ", ".join(f"{count} {name}" for name, count in sorted(report.checked.items()))
            self.stdout.write(f"{len(report.findings)} findings; looked at {looked or 'nothing'}")
        if report.findings:
            sys.exit(1)
