"""Bring the translation catalogues up to date with the code (for developers)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from desk.catalogues import collect, untranslated, update
from desk.settings.schema import ROOT


class Command(BaseCommand):
    help = "Collect every translatable text into the catalogues and say what is not translated yet."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        found = collect(ROOT)
        for folder in settings.LOCALE_PATHS:
            path = Path(folder) / "zh_Hans" / "LC_MESSAGES" / "django.po"
            missing = untranslated(update(path, found))
            self.stdout.write(f"{path}: {len(found)} texts, {len(missing)} without translation")
            for text in missing:
                self.stdout.write(f"  {text}")
