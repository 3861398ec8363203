#!/usr/bin/env python
"""Command line of the project; puts `platform/` on the import path first.

`platform/` is a plain folder, never a package: a module of that name would
shadow the standard library's `platform`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main() -> None:
    sys.path.insert(0, str(ROOT / "platform"))
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "desk.settings")
    # The market's dates are Shanghai's on every machine (SDK times use the host's zone).
    os.environ.setdefault("TZ", "Asia/Shanghai")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from pydantic import ValidationError

    try:
        _ = settings.INSTALLED_APPS  # reads the configuration
    except (ImproperlyConfigured, ValidationError) as error:
        # What is wrong is the configuration, not the program: one sentence, no traceback.
        sys.exit(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
