"""Write docs/codes.md from the enum of refusal codes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from frontend.code_table import CODE_TABLE, code_table


class Command(BaseCommand):
    help = "Write docs/codes.md: every refusal code with its sentence in both languages."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        CODE_TABLE.write_text(code_table(), encoding="utf-8")
        self.stdout.write(f"{CODE_TABLE} is written.")
