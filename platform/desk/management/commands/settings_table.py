"""Write docs/configuration.md from the schema of the settings."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from desk.settings_table import SETTINGS_TABLE, settings_table


class Command(BaseCommand):
    help = "Write docs/configuration.md: every setting with its variable, key, default and meaning."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        SETTINGS_TABLE.write_text(settings_table(), encoding="utf-8")
        self.stdout.write(f"{SETTINGS_TABLE} is written.")
