"""Bring an installation up to date before a start: browser files, catalogues, databases, demo data."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from desk.profile import profile_problem, profile_stamp
from desk.settings.schema import get_config
from ops.health import check_migrations


class Command(BaseCommand):
    help = "Fetch browser libraries, compile catalogues, migrate both databases, add demo data (demo only)."

    def handle(self, *args: Any, **options: Any) -> None:
        # Nobody listens to live messages before the start; that is no news.
        logging.getLogger("ops.publish").setLevel(logging.ERROR)
        call_command("vendor_assets", stdout=self.stdout)
        call_command("compile_catalogues", stdout=self.stdout)
        for alias in settings.DATABASES:
            # `migrate` with nothing to do still costs half a second of every start.
            if not check_migrations(alias).ok:
                call_command("migrate", database=alias, verbosity=0, interactive=False)
        config = get_config()
        if problem := profile_problem(config):
            raise CommandError(problem)
        profile_stamp(config)
        if config.env == "demo":
            call_command("demo_data", verbosity=0, stdout=self.stdout)
