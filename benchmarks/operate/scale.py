"""What grows when the team grows: the same acts on a small desk and on a large one, side by side in one run.

A desk is an installation of its own (SQLite, or databases of a PostgreSQL server) that holds people, accounts on hosts,
grants, instruments with quotes, holdings and the day's orders. Each act is done by a person chosen at random, through REST
inside the process (no network, no worker), so that what is measured is the platform's own work.

    PYTHONPATH=platform:. python -m benchmarks.operate.scale
    PYTHONPATH=platform:. python -m tests.postgres python -m benchmarks.operate.scale --postgres
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

HOLDINGS = 50
ORDERS = 100
GRANTS = 10
SPEAKERS = 20


@dataclass(frozen=True)
class Size:
    """How much there is of everything."""

    users: int
    accounts: int
    instruments: int
    hosts: int


SMALL = Size(users=20, accounts=4, instruments=200, hosts=1)
LARGE = Size(users=2000, accounts=200, instruments=5500, hosts=10)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the samples lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# ------------------------------------------------------------------------------ a desk
def build(size: Size) -> dict[int, str]:
    """Fill the databases; tokens of some people. Rows are made directly: services are what is measured."""
    chance = random.Random(1)
    tokens = make_people(size, chance)
    make_market(size)
    make_books(chance)
    return tokens


def make_people(size: Size, chance: random.Random) -> dict[int, str]:
    """Hosts that are ready, accounts, people with grants, and tokens of some."""
    from accounts.choices import Role, TradeRight
    from accounts.models import ApiToken, BrokerAccount, Grant, HostStatus, QmtHost, User
    from ops.clocks import wall_now
    from tests.orders.bench import MARKET_NOW, TODAY
    from tests.people import make_token

    now = wall_now()
    hosts = QmtHost.objects.bulk_create(QmtHost(name=f"host-{number}") for number in range(size.hosts))
    HostStatus.objects.bulk_create(
        HostStatus(
            host=host,
            trade_date=TODAY,
            phase="CONTINUOUS",
            clock_offset_ms=int((MARKET_NOW - now).total_seconds() * 1000),
            simulated=True,
            session_state="READY",
            updated_at=now,
        )
        for host in hosts
    )
    accounts = BrokerAccount.objects.bulk_create(
        BrokerAccount(host=hosts[number % len(hosts)], account_no=f"{8_000_000_000 + number}", name=f"Account {number}")
        for number in range(size.accounts)
    )
    users = User.objects.bulk_create(User(username=f"user{number}", role=Role.TRADER) for number in range(size.users))
    Grant.objects.bulk_create(
        Grant(user=user, account=account, trade=TradeRight.OWN)
        for user in users
        for account in chance.sample(accounts, min(GRANTS, len(accounts)))
    )
    tokens = {user.pk: make_token(user)[1] for user in users[:SPEAKERS]}
    ApiToken.objects.update(rate_per_minute=1_000_000)
    return tokens


def make_market(size: Size) -> None:
    """Instruments with today's limits and a quote each."""
    from accounts.models import QmtHost
    from marketdata.models import Instrument, InstrumentDay
    from marketdata.quotes.models import LatestQuote
    from ops.clocks import wall_now
    from qmt.calendar import to_ms
    from tests.orders.bench import MARKET_NOW, TODAY

    now, host = wall_now(), QmtHost.objects.first()
    assert host is not None
    instruments = Instrument.objects.bulk_create(
        Instrument(
            symbol=f"{600_000 + number:06d}.SH",
            name=f"股票{number}",
            market="SH",
            board="MAIN",
            kind="STOCK",
            lot_size=100,
            min_quantity=100,
            quantity_step=100,
            tick=Decimal("0.01"),
            volume_unit=100,
            max_limit_quantity=1_000_000,
            max_market_quantity=1_000_000,
            tradable=True,
            updated_at=now,
        )
        for number in range(size.instruments)
    )
    InstrumentDay.objects.bulk_create(
        InstrumentDay(
            instrument=row,
            trade_date=TODAY,
            pre_close=Decimal("10.00"),
            limit_up=Decimal("11.00"),
            limit_down=Decimal("9.00"),
            updated_at=now,
        )
        for row in instruments
    )
    stamp = to_ms(TODAY, MARKET_NOW.time())
    LatestQuote.objects.using("quotes").bulk_create(
        LatestQuote(
            instrument_id=row.pk,
            ts=stamp,
            last=10.0,
            open=10.0,
            high=10.1,
            low=9.9,
            pre_close=10.0,
            volume=100_000,
            amount=1_000_000.0,
            bid=[9.99, 9.98, 9.97, 9.96, 9.95],
            ask=[10.0, 10.01, 10.02, 10.03, 10.04],
            bid_volume=[100] * 5,
            ask_volume=[100] * 5,
            received_at=stamp,
            host=host.name,
        )
        for row in instruments
    )


def make_books(chance: random.Random) -> None:
    """Money, holdings and the day's orders of every account."""
    from accounts.models import BrokerAccount, User
    from marketdata.models import Instrument
    from ops.clocks import wall_now
    from tests.orders.bench import TODAY
    from trading.ledger.models import AssetSnapshot, Position
    from trading.orders.models import Order

    now, users = wall_now(), list(User.objects.all())
    symbols = list(Instrument.objects.values_list("symbol", flat=True))
    for account in BrokerAccount.objects.select_related("host"):
        AssetSnapshot.objects.create(account=account, cash=Decimal(10**9), total_asset=Decimal(10**9), at=now)
        Position.objects.bulk_create(
            Position(account=account, symbol=symbol, quantity=1000, sellable=1000, updated_at=now)
            for symbol in chance.sample(symbols, HOLDINGS)
        )
        Order.objects.bulk_create(
            Order(
                account=account,
                created_by=users[chance.randrange(len(users))],
                source="API",
                symbol=chance.choice(symbols),
                side="BUY",
                price_type="LIMIT",
                price=Decimal("9.90"),
                quantity=100,
                status="REPORTED" if number < 5 else "FILLED",
                epoch=1,
                trade_date=TODAY,
                host_name=account.host.name,
                simulated=True,
                submitted_at=now,
                expires_at=now,
                final_at=None if number < 5 else now,
            )
            for number in range(ORDERS)
        )


# ------------------------------------------------------------------------------- acts
def acts(size: Size, tokens: dict[int, str]) -> dict[str, Callable[[], None]]:
    """What is done, each by somebody with a token, chosen at random."""
    from django.test import Client

    from accounts.models import BrokerAccount, HostStatus
    from ops.clocks import wall_now
    from trading.orders import claims

    chance, client = random.Random(2), Client(SERVER_NAME="localhost")
    theirs = {
        user: list(BrokerAccount.objects.filter(grants__user=user).values_list("pk", flat=True)) for user in tokens
    }
    hosts = [f"host-{number}" for number in range(size.hosts)]

    def somebody() -> tuple[dict[str, str], int]:
        user = chance.choice(list(tokens))
        return {"authorization": f"Bearer {tokens[user]}"}, chance.choice(theirs[user])

    def read(path: str) -> Callable[[], None]:
        def act() -> None:
            token, account = somebody()
            answer = client.get(f"/api/v1/{path.format(account=account, symbol=_symbol())}", headers=token)
            assert answer.status_code == 200, (path, answer.content)

        return act

    def _symbol() -> str:
        return f"{600_000 + chance.randrange(size.instruments):06d}.SH"

    def order() -> None:
        token, account = somebody()
        HostStatus.objects.update(updated_at=wall_now())
        body = {
            "account": account,
            "symbol": _symbol(),
            "side": "BUY",
            "quantity": 100,
            "price_type": "LIMIT",
            "price": "9.95",
        }
        answer = client.post("/api/v1/orders", json.dumps(body), content_type="application/json", headers=token)
        assert answer.status_code == 201, answer.content

    def poll() -> None:
        # What each trade worker asks every second, and at each ring.
        list(claims.claimable(chance.choice(hosts))[:8])

    return {
        "accounts one may see": read("accounts"),
        "one account": read("accounts/{account}"),
        f"{HOLDINGS} positions": read("positions?account={account}"),
        "orders of the day, first page": read("orders?account={account}"),
        "one quote": read("quotes?symbols={symbol}"),
        "instrument search": read("instruments?q={symbol}"),
        "order accepted": order,
        "a worker's poll": poll,
    }


# ---------------------------------------------------------------------------- one desk
def run_child(size: Size, rounds: int) -> None:
    """Build one desk, do everything, print seconds per act as JSON."""
    time.tzset()
    import django

    django.setup()
    from django.core.management import call_command

    for alias in ("default", "quotes"):
        call_command("migrate", database=alias, verbosity=0)
    began = time.perf_counter()
    tokens = build(size)
    result: dict[str, Any] = {"built": time.perf_counter() - began, "acts": {}}
    for name, act in acts(size, tokens).items():
        for _ in range(20):
            act()
        taken = []
        for _ in range(rounds):
            started = time.perf_counter()
            act()
            taken.append((time.perf_counter() - started) * 1000)
        result["acts"][name] = [percentile(taken, 0.5), percentile(taken, 0.99)]
    print(json.dumps(result))


def desk(size: Size, rounds: int, databases: dict[str, str]) -> dict[str, Any]:
    """The figures of one desk, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="desk-scale-") as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DESK_")}
        environment |= {
            "DESK_ENV": "test",
            "DESK_STATE_DIR": folder,
            "TZ": "Asia/Shanghai",
            "DJANGO_SETTINGS_MODULE": "desk.settings",
        }
        shape = ",".join(str(getattr(size, name)) for name in ("users", "accounts", "instruments", "hosts"))
        command = [sys.executable, "-m", "benchmarks.operate.scale", "--child", shape, "--rounds", str(rounds)]
        done = subprocess.run(
            command,
            env=environment | databases,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def postgres_databases(size: Size) -> dict[str, str]:
    """Two new databases on the server that the environment names."""
    import psycopg

    named = {}
    for variable in ("DESK_DATABASE_URL", "DESK_QUOTES_URL"):
        parts = urlsplit(os.environ[variable])
        name = f"scale_{variable[5:-4].lower()}_{size.users}"
        with psycopg.connect(os.environ[variable], autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{name}"')
        named[variable] = parts._replace(path=f"/{name}").geturl()
    return named


def main() -> None:
    """Measure both desks and print one line per act."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=300)
    options.add_argument("--postgres", action="store_true", help="databases of the server that tests.postgres starts")
    options.add_argument("--child", default="", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        run_child(Size(*(int(part) for part in given.child.split(","))), given.rounds)
        return
    found = []
    for size in (SMALL, LARGE):
        found.append(desk(size, given.rounds, postgres_databases(size) if given.postgres else {}))
        print(f"{size}: built in {found[-1]['built']:.1f} s", flush=True)
    print(f"{'act':<32}{'small p50':>10}{'p99':>8}{'large p50':>11}{'p99':>8}{'ratio':>7}")
    for name, (small, small_worst) in found[0]["acts"].items():
        large, large_worst = found[1]["acts"][name]
        print(f"{name:<32}{small:>10.2f}{small_worst:>8.2f}{large:>11.2f}{large_worst:>8.2f}{large / small:>7.2f}")


if __name__ == "__main__":
    main()
