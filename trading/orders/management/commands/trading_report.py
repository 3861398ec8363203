"""The daily programmatic-trading report, as CSV on the standard output."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import BrokerAccount
from accounts.selectors import host_clock
from ops.inputs import calendar_date
from trading.orders.trading_report import report_csv, trading_report


class Command(BaseCommand):
    help = "Print the programmatic-trading report of a trade date, one line per account."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--date", help="Trade date; by default each account's present one.")
        parser.add_argument("--account", action="append", help="Account number; by default all. Repeatable.")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = None
        if options["date"] is not None:
            wanted = calendar_date(options["date"])
            if wanted is None:
                raise CommandError(f"not a date: {options['date']}")
        accounts = BrokerAccount.objects.select_related("host__status").order_by("pk")
        if options["account"]:
            accounts = accounts.filter(account_no__in=options["account"])
            missing = set(options["account"]) - set(accounts.values_list("account_no", flat=True))
            if missing:
                raise CommandError(f"no such account: {', '.join(sorted(missing))}")
        reports = []
        for account in accounts:
            clock = host_clock(account.host)
            trade_date = wanted or (None if clock is None else clock.trade_date)
            if trade_date is None:
                self.stderr.write(f"{account.account_no}: its market's date is not known; name one with --date")
                continue
            reports.append(trading_report(account, trade_date))
        self.stdout.write(report_csv(reports), ending="")
