"""Write the static files where a proxy serves them: `manage.py publish_static FOLDER`."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management.base import BaseCommand
from whitenoise.compress import Compressor


class Command(BaseCommand):
    help = "Copy every static file below FOLDER under its address, compressed copies beside; older trees stay."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="the folder that stands for / of the site")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        target = folder / settings.STATIC_URL.strip("/")
        if target.exists():
            self.stdout.write(f"{target} is there already.")
            return
        aside = target.with_name(f"{target.name}.new")
        shutil.rmtree(aside, ignore_errors=True)
        count = publish(aside)
        aside.rename(target)
        self.stdout.write(f"{count} files in {target}.")


def publish(folder: Path) -> int:
    """Copy every static file into `folder`, with a gzip copy beside where that is smaller; returns how many."""
    compressor = Compressor(use_brotli=False, quiet=True)
    seen: set[str] = set()
    for finder in finders.get_finders():
        for name, storage in finder.list(None):
            if name in seen:
                continue  # as everywhere: the first finder wins
            seen.add(name)
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(storage.path(name), path)
            if compressor.should_compress(name):
                compressor.compress(str(path))
    return len(seen)
