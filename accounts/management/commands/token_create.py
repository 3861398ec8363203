"""Make an API token for a person and print it, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.choices import Scope
from accounts.models import User
from accounts.services import token_create
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import DeskError

DEFAULT_DAYS = 365


class Command(BaseCommand):
    help = "Make an API token for a person. The token is printed once and stored as a digest."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="user name")
        parser.add_argument(
            "--scopes",
            required=True,
            help=f"comma-separated, from: {', '.join(Scope.values)}",
        )
        parser.add_argument("--days", type=int, default=DEFAULT_DAYS, help="days until it expires (0: never)")
        parser.add_argument("--name", default="command line", help="what it is for")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['user']!r}.")
        days = options["days"]
        if not 0 <= days <= 3660:
            raise CommandError("--days is 0 (never expires) to 3660.")
        scopes = [scope.strip() for scope in options["scopes"].split(",") if scope.strip()]
        try:
            _token, plain = token_create(
                actor=Actor.system("command-line"),
                user=user,
                name=options["name"],
                scopes=scopes,
                expires_at=wall_now() + timedelta(days=days) if days else None,
            )
        except DeskError as error:
            raise CommandError(error.message) from error
        self.stdout.write(plain)
        self.stderr.write("Keep it now: it is not shown again.")
