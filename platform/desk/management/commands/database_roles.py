"""Bound the platform's own PostgreSQL role: `manage.py database_roles --application desk_app`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from desk.database_roles import RoleError, role_bound


class Command(BaseCommand):
    help = "Grant the platform's role what it needs in both databases, and take everything else. Run it as the owner, after migrate."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--application", required=True, metavar="ROLE", help="the role the platform's processes use"
        )

    def handle(self, *args: Any, application: str, **options: Any) -> None:
        for alias in settings.DATABASES:
            try:
                bounded = role_bound(alias, application)
            except (RoleError, DatabaseError) as error:
                raise CommandError(str(error)) from error
            appended = f"; only added to: {', '.join(bounded.append_only)}" if bounded.append_only else ""
            self.stdout.write(f"{alias}: {application} works with {bounded.tables} tables{appended}.")
