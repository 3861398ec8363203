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
        from desk.doctor.finding import written
        from desk.doctor.machine import machine_findings
        from desk.doctor.platform_parts import platform_findings

        config = get_config()
        failures = written(chain(machine_findings(config), platform_findings(config)), self)
        if failures:
            self.stdout.write(f"\n{failures} {'thing needs' if failures == 1 else 'things need'} attention.")
            sys.exit(1)
        self.stdout.write("\nEverything is as it should be.")
