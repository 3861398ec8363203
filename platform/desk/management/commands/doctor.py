"""Look at everything and say what to do about what is wrong: `manage.py doctor`."""

from __future__ import annotations

import sys
from itertools import chain
from typing import Any

from desk.management.process import ProcessCommand
from desk.settings.schema import get_config


class Command(ProcessCommand):
    help = "Check this machine and the platform's parts; exit code 1 when something needs a person."

    def handle(self, *args: Any, **options: Any) -> None:
        from desk.doctor.machine import machine_findings
        from desk.doctor.platform_parts import platform_findings

        config = get_config()
        failures = 0
        for finding in chain(machine_findings(config), platform_findings(config)):
            mark = self.style.SUCCESS("ok  ") if finding.ok else self.style.ERROR("FAIL")
            self.stdout.write(f"{mark} {finding.subject}: {finding.detail}")
            if not finding.ok:
                failures += 1
                self.stdout.write(f"     → {finding.advice}")
        if failures:
            self.stdout.write(f"\n{failures} {'thing needs' if failures == 1 else 'things need'} attention.")
            sys.exit(1)
        self.stdout.write("\nEverything is as it should be.")
