"""``manage.py ledger_verify``: add every account's books up again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import BrokerAccount
from trading.ledger.verification import ledger_verify


class Command(BaseCommand):
    help = "Compare positions and cash with the ledger's entries; exit code 1 when anything does not add up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", type=int, help="Only this account's number here.")

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = BrokerAccount.objects.order_by("pk")
        if options["account"] is not None:
            accounts = accounts.filter(pk=options["account"])
            if not accounts.exists():
                raise CommandError(f"there is no account {options['account']}")
        faults = 0
        for account in accounts:
            verified = ledger_verify(account)
            faults += len(verified.faults)
            for fault in verified.faults:
                self.stderr.write(str(fault))
            self.stdout.write(f"{account}: {verified.entries} entries, {len(verified.faults)} faults")
        if faults:
            raise CommandError(f"{faults} sums do not agree with their entries")
