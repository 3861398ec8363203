"""Fetch the browser libraries: `manage.py vendor_assets`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from desk.vendor import VendorError, bring_up_to_date


class Command(BaseCommand):
    help = "Install the locked browser libraries and copy the named files (only when they changed)."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            copied = bring_up_to_date()
        except VendorError as error:
            raise CommandError(str(error)) from error
        if copied:
            self.stdout.write(f"{copied} browser library files in place.")
