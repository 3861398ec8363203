"""Sign the present heads of all audit chains into the state folder's anchor file."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ops.anchor_file import AnchorKeyError
from ops.anchors import anchor
from ops.audit_check import anchor_file


class Command(BaseCommand):
    help = "Anchor every audit chain now, in the platform's chain and in the signed file (beat does it daily)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--public-key", action="store_true", help="only print the key that proves the signatures")

    def handle(self, *args: Any, public_key: bool, **options: Any) -> None:
        file = anchor_file()
        try:
            if public_key:
                self.stdout.write(file.public_key_pem())
                return
            anchor()
            content = file.append()
        except (AnchorKeyError, OSError) as error:
            raise CommandError(str(error)) from error
        if content is None:
            self.stdout.write("There is nothing to anchor yet.")
            return
        self.stdout.write(f"{len(content['heads'])} chains are signed in {file.path}.")
