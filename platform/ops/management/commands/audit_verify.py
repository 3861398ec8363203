"""Prove the audit trail, or name the first broken link of each chain."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ops.anchors import anchors_verify
from ops.audit import chains_verify


class Command(BaseCommand):
    help = "Prove every audit chain, or name its first broken link (exit code 1)."

    def handle(self, *args: Any, **options: Any) -> None:
        chains = events = 0
        broken = []
        for report in chains_verify():
            chains += 1
            events += report.events
            if report.intact:
                self.stdout.write(f"{report.chain}: {report.events} events, intact")
            else:
                broken.append(f"{report.chain}: broken at #{report.sequence}: {report.problem}")
        broken += anchors_verify()
        if broken:
            raise CommandError("The audit trail is broken.\n" + "\n".join(broken))
        self.stdout.write(f"{chains} chains, {events} events: intact.")
