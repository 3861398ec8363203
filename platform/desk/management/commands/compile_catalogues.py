"""Compile the message catalogues with Babel: no gettext binaries needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Compile django.po and djangojs.po below the locale folders, where they changed."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        compiled = sum(
            compile_catalogue(source)
            for folder in settings.LOCALE_PATHS
            for source in sorted(Path(folder).glob("*/LC_MESSAGES/*.po"))
        )
        if compiled:
            self.stdout.write(f"{compiled} catalogues compiled.")


def compile_catalogue(source: Path) -> bool:
    """Compile one `.po` beside itself; False when its `.mo` is newer already.

    Raises
    ------
    CommandError
        Naming the file and line of a malformed catalogue.
    """
    target = source.with_suffix(".mo")
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return False
    try:
        with source.open("rb") as file:
            catalogue = read_po(file, locale=source.parent.parent.name, abort_invalid=True)
    except (PoFileError, ValueError) as error:
        raise CommandError(f"{source}: {error}") from error
    aside = target.with_suffix(".mo.new")
    with aside.open("wb") as file:
        write_mo(file, catalogue)
    aside.replace(target)
    return True
