"""How long the risk check takes with 200 limits in force, on a desk that is busy.

A SQLite file of its own (`--database-url` for a PostgreSQL), one account with 200 enabled limits of every kind and
scope that apply to it, 100 working orders, 50 holdings, 2,000 orders today. Two figures:

judge     `pre_trade` alone: what the goal (2 ms at p99) is about
read+judge  with everything that limits look at read from the database, as a submission does inside its transaction

    PYTHONPATH=platform:. python -m benchmarks.orders.risk --rounds 2000
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

GOAL_MS = 2.0
LIMITS = 200


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the samples lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def prepare(limits: int) -> None:
    """A desk with so many limits that all apply to alice's orders on Alpha."""
    from datetime import timedelta
    from decimal import Decimal
    from uuid import uuid4

    from ops.clocks import wall_now
    from tests.orders.bench import INSTRUMENTS, MOUTAI, TODAY, make_bench
    from trading.ledger.models import Position
    from trading.orders.models import Order
    from trading.risk.catalogue import CATALOGUE
    from trading.risk.choices import LimitKind, Unit
    from trading.risk.models import Control, RiskLimit

    bench = make_bench()
    account, alice, now = bench.account, bench.alice, wall_now()
    params = {
        LimitKind.SIDES: {"sides": ["BUY", "SELL"]},
        LimitKind.TIME_WINDOW: {"from": "00:00:00", "to": "23:59:59"},
        LimitKind.SYMBOL_ALLOW: {"symbols": sorted(INSTRUMENTS)},
        LimitKind.SYMBOL_DENY: {"symbols": [f"{number:06d}.SZ" for number in range(2, 500)]},
    }
    values = {Unit.PERCENT: 1000, Unit.SECONDS: 1, Unit.DAYS: 5}
    scopes = (
        {"scope": "PLATFORM"},
        {"scope": "ACCOUNT", "account": account},
        {"scope": "USER", "user": alice},
        {"scope": "USER_ACCOUNT", "user": alice, "account": account},
    )
    kinds = list(LimitKind)
    RiskLimit.objects.bulk_create(
        RiskLimit(
            kind=kind,
            value=None if CATALOGUE[kind].unit is Unit.NONE else Decimal(values.get(CATALOGUE[kind].unit, 10**9)),
            params=params.get(kind, {}),
            created_at=now,
            updated_at=now,
            updated_by="benchmark",
            **scopes[number % len(scopes)],
        )
        for number, kind in ((number, kinds[number // len(scopes) % len(kinds)]) for number in range(limits))
    )
    Control.objects.update_or_create(pk=1, defaults={"limits_version": uuid4().hex})
    Position.objects.bulk_create(
        Position(
            account=account,
            symbol=f"{600000 + number}.SH",
            quantity=100,
            sellable=100,
            market_value=1000,
            updated_at=now,
        )
        for number in range(50)
    )
    working, finished = 100, 2000
    Order.objects.bulk_create(
        Order(
            account=account,
            created_by=alice,
            source="API",
            symbol=MOUTAI,
            side="BUY",
            price_type="LIMIT",
            price=Decimal("9.90"),
            quantity=100,
            status="REPORTED" if number < working else "FILLED",
            epoch=1,
            trade_date=TODAY,
            host_name="sim",
            simulated=True,
            submitted_at=now - timedelta(seconds=60 + number),
            expires_at=now,
            final_at=None if number < working else now,
        )
        for number in range(working + finished)
    )


def measure(rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of judging alone, and of reading and judging inside the account's transaction."""
    from decimal import Decimal

    from accounts.models import HostStatus, User
    from marketdata.selectors import instrument_day, instrument_get
    from ops.clocks import wall_now
    from qmt.gateway import PriceType, Side
    from tests.orders.bench import MOUTAI, TODAY
    from trading.ledger.journal import account_journal
    from trading.orders.services.context import check_context, newest_quote
    from trading.orders.services.ticket import Ticket
    from trading.risk.checks import pre_trade

    alice = User.objects.get(username="alice")
    instrument = instrument_get(MOUTAI)
    day, quote = instrument_day(instrument, TODAY), newest_quote(instrument)
    account_id = alice.grants.get().account_id
    ticket = Ticket(MOUTAI, Side.BUY, 100, PriceType.LIMIT, Decimal("10.00"), None)
    judged, whole = [], []
    for _ in range(rounds):
        HostStatus.objects.update(updated_at=wall_now())  # a trade worker that reports
        with account_journal(account_id) as journal:
            began = time.perf_counter()
            context = check_context(journal, ticket, instrument=instrument, day=day, quote=quote, user_id=alice.pk)
            read = time.perf_counter()
            pre_trade(context)
            ended = time.perf_counter()
        assert context.facts is not None
        assert len(context.facts.limits) == LIMITS
        judged.append((ended - read) * 1000)
        whole.append((ended - began) * 1000)
    return judged, whole


def main() -> None:
    """Build the desk, measure, print one line per figure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=2000)
    options.add_argument("--database-url", default="", help="postgresql://…; SQLite in a folder of its own by default")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="desk-risk-") as folder:
        os.environ |= {"DESK_ENV": "test", "DESK_STATE_DIR": folder, "TZ": "Asia/Shanghai"}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "desk.settings")
        if given.database_url:
            os.environ["DESK_DATABASE_URL"] = given.database_url
        time.tzset()
        Path(folder, "db").mkdir(exist_ok=True)

        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("migrate", database="quotes", verbosity=0)
        prepare(LIMITS)
        measure(100)
        judged, whole = measure(given.rounds)
    print(f"{LIMITS} limits in force, {given.rounds} orders judged")
    for name, values, goal in (("judge", judged, f"  goal p99 ≤ {GOAL_MS} ms"), ("read+judge", whole, "")):
        print(f"{name:<12} p50 {percentile(values, 0.5):.3f} ms  p99 {percentile(values, 0.99):.3f} ms{goal}")


if __name__ == "__main__":
    main()
