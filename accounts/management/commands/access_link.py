"""A one-time link from the command line: for the first administrator, and for one who is locked out."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.choices import LinkKind
from accounts.mailing import LINK_PATH
from accounts.models import User
from accounts.second_factor import second_factor_remove
from accounts.services import link_create
from desk.settings.schema import get_config
from ops.audit import Actor
from ops.errors import DeskError


class Command(BaseCommand):
    help = "Print a one-time link with which a person chooses a new password (good for a day)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="user name")
        parser.add_argument(
            "--without-second-factor",
            action="store_true",
            help="also switch the person's second factor off: telephone and recovery codes are lost",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']!r}.")
        actor = Actor.system("command-line")
        try:
            with transaction.atomic():
                plain = link_create(actor=actor, user=user, kind=LinkKind.RESET)
                if options["without_second_factor"]:
                    second_factor_remove(actor=actor, user=user)
        except DeskError as error:
            raise CommandError(error.message) from error
        config = get_config()
        self.stdout.write(f"{config.public_url or f'http://127.0.0.1:{config.port}'}{LINK_PATH}{plain}/")
        self.stderr.write("It is shown this once.")
