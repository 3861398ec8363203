"""Write docs/coverage.md from the registry of the SDK's functions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from trading.functions.coverage_page import COVERAGE_PAGE, coverage_page


class Command(BaseCommand):
    help = "Write docs/coverage.md: every function and callback of the SDK, and what of it the platform offers."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        COVERAGE_PAGE.write_text(coverage_page(), encoding="utf-8")
        self.stdout.write(f"{COVERAGE_PAGE} is written.")
