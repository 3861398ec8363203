"""``manage.py backup``: everything that cannot be had again, while the platform goes on."""

from __future__ import annotations

import getpass
import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from desk.backup.create import backups
from desk.backup.service import backup_run
from desk.settings.schema import get_config
from ops.audit import Actor
from ops.errors import DeskError

#: Of the scheduled backup: whoever trades or computes goes before it.
NICENESS = 10


class Command(BaseCommand):
    help = "Back up both databases, archives and anchors into DESK_BACKUP_DIR; see docs/backup.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--verify", action="store_true", help="bring it back in a scratch place and verify it there"
        )
        parser.add_argument("--list", action="store_true", help="only show which backups there are")
        parser.add_argument("--scheduled", action="store_true", help="as the schedule: verified, and named so")

    def handle(self, *args: Any, **options: Any) -> None:
        config = get_config()
        if options["list"]:
            for made in backups(config.backup_folder):
                manifest = made.manifest
                words = ("encrypted" if manifest.encrypted else "not encrypted", *manifest.problems)
                self.stdout.write(f"{made.folder}  {manifest.stored_bytes / 1e6:,.1f} MB  {', '.join(words)}")
            return
        scheduled = options["scheduled"]
        if scheduled and hasattr(os, "nice"):
            os.nice(NICENESS)
        actor = (
            Actor.system("backup") if scheduled else Actor(kind="system", id="backup", label=f"backup by {_person()}")
        )
        try:
            made = backup_run(config, actor=actor, verify=options["verify"] or scheduled, say=self._say)
        except DeskError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{made.folder}  {made.manifest.stored_bytes / 1e6:,.1f} MB in {made.manifest.seconds} s")
        if made.manifest.problems:
            raise CommandError("not complete: " + "; ".join(made.manifest.problems))

    def _say(self, text: str) -> None:
        self.stdout.write(text)


def _person() -> str:
    """Who is signed in at this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
