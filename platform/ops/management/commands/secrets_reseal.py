"""After a change of DESK_ENCRYPTION_KEY: seal every stored secret with the new key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ops.errors import DeskError
from ops.sealing import RESEALERS, SealBroken


class Command(BaseCommand):
    help = "Seal every stored secret with the first of the present encryption keys."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, reseal in sorted(RESEALERS.items()):
            try:
                count = reseal()
            except (SealBroken, DeskError) as error:
                raise CommandError(f"{name}: {error}. Put the key it was sealed with behind the new one.") from error
            self.stdout.write(f"{name}: {count} sealed with the present key.")
