"""``manage.py restore``: a backup in this installation's place, with every account halted."""

from __future__ import annotations

import logging
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from desk.backup.create import Made
from desk.backup.manifest import read_manifest
from desk.backup.restore import restore
from desk.backup.service import passphrase_of
from desk.settings.schema import get_config
from ops.errors import DeskError


class Command(BaseCommand):
    help = "Bring a backup back; see docs/backup.md. The platform has to be stopped."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="the backup's folder")
        parser.add_argument("--replace", action="store_true", help="there is an installation; keep it aside and go on")
        parser.add_argument(
            "--any-key", action="store_true", help="its secrets may stay sealed with a key that is lost"
        )
        parser.add_argument(
            "--as-copy", action="store_true", help="the original lives on: this becomes an installation of its own"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Nobody listens to live messages now; that is no news.
        for name in ("ops.publish", "ops.alerts.store"):
            logging.getLogger(name).setLevel(logging.ERROR)
        config = get_config()
        folder: Path = options["folder"].resolve()
        try:
            done = restore(
                Made(folder, read_manifest(folder)),
                config,
                passphrase=passphrase_of(config),
                replace=options["replace"],
                any_key=options["any_key"],
                as_copy=options["as_copy"],
                say=self._say,
            )
        except DeskError as error:
            raise CommandError(str(error)) from error
        facts = ", ".join(f"{count} {name}" for name, count in done.facts.items())
        self.stdout.write(f"restored: {facts}")
        if done.kept:
            self.stdout.write(f"what was there is kept: {done.kept}")
        self.stdout.write(
            "Every account is halted. Start the platform, let it reconcile, look at each account, resume it."
        )

    def _say(self, text: str) -> None:
        self.stdout.write(text)
