"""Make an API token for a person and print it, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.choices import Scope
from accounts.models import User
from accounts.models.access import DEFAULT_RATE_PER_MINUTE
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
        parser.add_argument("--accounts", help="comma-separated account numbers (ids) it is limited to; default: all")
        parser.add_argument("--networks", default="", help="comma-separated networks it may be used from, 10.0.0.0/8")
        parser.add_argument("--rate", type=int, default=DEFAULT_RATE_PER_MINUTE, help="requests a minute")
        parser.add_argument("--name", default="command line", help="what it is for")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['user']!r}.")
        days = options["days"]
        if not 0 <= days <= 3660:
            raise CommandError("--days is 0 (never expires) to 3660.")
        try:
            _token, plain = token_create(
                actor=Actor.system("command-line"),
                user=user,
                name=options["name"],
                scopes=_parts(options["scopes"]),
                account_ids=_account_ids(options["accounts"]),
                networks=_parts(options["networks"]),
                rate_per_minute=options["rate"],
                expires_at=wall_now() + timedelta(days=days) if days else None,
            )
        except DeskError as error:
            raise CommandError(error.message) from error
        self.stdout.write(plain)
        self.stderr.write("Keep it now: it is not shown again.")


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _account_ids(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(part) for part in _parts(text)]
    except ValueError:
        raise CommandError("--accounts takes the accounts' ids (whole numbers).") from None
