"""The permission matrix: every address and every person, with the one status that is right.

The entries are read from the URL configuration and, for pages with acts, from their
classes; the table is `permission_matrix.txt`. A new address without a row fails, and so
does a row whose address is gone. The socket's rows are checked in tests/live.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.choices import TradeRight
from accounts.models import Grant, User
from alerts.choices import ChannelKind
from alerts.models import Channel, Subscription
from frontend.access.page import Page
from ops.alerts import AlertKind
from ops.clocks import wall_now
from ops.models import Alert, AuditEvent, Job, Severity
from tests.backtest.rows import make_backtest
from tests.orders.bench import Bench, host_ready, make_bench
from tests.people import confirmed, signed_in
from tests.strategies.runs import make_run
from tests.subscriptions.window import Window, issue
from trading.execution.services import execution_start
from trading.grids.services import grid_start
from trading.ledger.models import Difference
from trading.money.models import Transfer
from trading.orders.models import KillRun, KillTarget
from trading.risk.models import ApprovalRule, RiskLimit
from trading.signals.models import Signal
from trading.signals.services import exit_plan_set
from trading.webhooks.models import EventDelivery, Webhook

TABLE = Path(__file__).with_name("permission_matrix.txt")
#: viewer: role VIEWER with a grant to see Alpha. none: a trader without a grant on it. own: trades it and
#: cancels own orders. all: cancels everybody's. confirmed: the administrator after proving it again.
PEOPLE = ("anonymous", "viewer", "none", "own", "all", "risk", "admin", "confirmed")
METHODS = ("get", "post", "put", "patch", "delete")


def entries(patterns: list[Any] | None = None, prefix: str = "/") -> Iterator[str]:
    """Every ``METHOD /route`` outside of the Django admin, with one entry per act of a page."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern).replace("^", "", 1)
        if route.startswith("/admin/"):
            continue
        if isinstance(pattern, URLResolver):
            yield from entries(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "view_class", None)
            if view is None:
                yield from (f"{method} {route}" for method in ("GET", "POST"))
                continue
            for method in METHODS:
                if method == "post" and issubclass(view, Page):
                    yield from (f"POST {route} act={act}" for act in view.acts)
                elif hasattr(view, method):
                    yield f"{method.upper()} {route}"


ENTRIES = sorted(entries())


def rows() -> dict[str, dict[str, str]]:
    """The committed table: entry → person → status."""
    table = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith(("#", "WS ", "RPC ")):
            continue
        entry, _bar, cells = line.partition(" | ")
        table[entry.strip()] = dict(zip(PEOPLE, cells.split(), strict=True))
    return table


class World:
    """Objects that the addresses name, and a client per person."""

    def __init__(self, bench: Bench) -> None:
        team = bench.team
        self.bench = bench
        Grant.objects.filter(user=team.bob).update(trade=TradeRight.OWN)
        Grant.objects.create(user=team.viewer, account=team.alpha)
        victim = User.objects.create_user("dave", password="x")
        order = bench.submit()
        execution = execution_start(
            user=team.alice,
            account_id=team.alpha.pk,
            body={
                "kind": "BASKET",
                "legs": [{"symbol": "000001.SZ", "side": "BUY", "quantity": 100, "price": "12.00"}],
            },
        ).execution
        bench.hold(1000, "000001.SZ")
        grid = grid_start(user=team.alice, account_id=team.alpha.pk, body={"symbol": "000001.SZ", "center": "12.34"})
        job = Job.objects.create(kind="test", owner=team.alice.pk)
        now = wall_now()
        alert = Alert.objects.create(
            kind=AlertKind.values[0],
            severity=Severity.WARNING,
            title="of Alpha",
            dedup_key="matrix",
            account_id=team.alpha.pk,
            first_at=now,
            last_at=now,
            notified_at=now,
        )
        channel = Channel.objects.create(owner=team.alice, kind=ChannelKind.WEBHOOK, name="c", sealed="x", hint="h")
        subscription = Subscription.objects.create(owner=team.alice, channel=channel)
        event = AuditEvent.objects.earliest("pk")
        limit = RiskLimit.objects.create(
            kind="ORDERS_PER_DAY",
            scope="USER",
            user=victim,
            value=100,
            created_at=now,
            updated_at=now,
            updated_by="tests",
        )
        rule = ApprovalRule.objects.create(
            scope="USER", user=victim, enabled=False, created_at=now, updated_at=now, updated_by="tests"
        )
        hook = Webhook.objects.create(owner=team.alice, account=team.alpha, name="w", sealed="x", hint="h", cursor=0)
        delivery = EventDelivery.objects.create(
            id=EventDelivery.id_of(hook.pk, team.alpha.pk, 1),
            webhook=hook,
            version=1,
            kind="order",
            body={},
            status="DEAD",
            created_at=now,
            due_at=now,
        )
        difference = Difference.objects.create(
            account=team.alpha,
            kind="CASH",
            key="CNY",
            ours="1",
            theirs="2",
            trade_date=now.date(),
            first_seen_at=now,
            last_seen_at=now,
        )
        terminal = Window(bench)
        terminal.offer(issue())
        terminal.quota(SH=6000)
        run = KillRun.objects.create(scope="ACCOUNT", started_by=team.admin, started_at=now)
        KillTarget.objects.create(run=run, account=team.alpha)
        plan = exit_plan_set(user=team.alice, account_id=team.alpha.pk, enabled=False)
        signal = Signal.objects.create(
            account=team.alpha,
            user=team.alice,
            kind="STOP_LOSS",
            priority=10,
            symbol=order.symbol,
            instrument_id=1,
            side="SELL",
            quantity=100,
            price="9.25",
            quote_ts=1,
            trade_date=now.date(),
            detected_at=now,
            expires_at=now,
            state="RECORDED",
        )
        strategy = make_run(team.alpha, team.alice)
        backtest = make_backtest(team.alice, strategy.plugin)
        Grant.objects.filter(user__in=(team.alice, team.bob), account=team.alpha).update(can_move_money=True)
        transfer = Transfer.objects.create(
            account=team.alpha,
            kind="BANK_IN",
            amount=1,
            note="a test",
            client_transfer_id="matrix",
            host_name="sim",
            day=now.date(),
            created_by=team.alice,
            created_at=now,
            expires_at=now + timedelta(hours=1),
        )
        self.names = {
            "transfer_id": str(transfer.pk),
            "backtest_id": str(backtest.pk),
            "plot": "equity",
            "table": "days",
            "strategy_run_id": str(strategy.pk),
            "plan_id": str(plan.pk),
            "signal_id": str(signal.pk),
            "limit_id": str(limit.pk),
            "rule_id": str(rule.pk),
            "webhook_id": str(hook.pk),
            "delivery_id": str(delivery.pk),
            "run_id": str(run.pk),
            "alert_id": str(alert.pk),
            "difference_id": str(difference.pk),
            "parked_id": "1",
            "date": "2026-11-20",
            "channel_id": str(channel.pk),
            "subscription_id": str(subscription.pk),
            "event_id": str(event.pk),
            "account_id": str(team.alpha.pk),
            "order_id": str(order.pk),
            "execution_id": str(execution.pk),
            "grid_id": str(grid.pk),
            "job_id": str(job.pk),
            "user_id": str(victim.pk),
            "symbol": order.symbol,
            # A function of an account; as the name of a sector it is one that does not exist.
            "name": "xttrader.query_stock_positions",
            "finding_id": "1",
            "import_id": "00000000-0000-0000-0000-000000000000",
            "token": "x" * 43,
        }
        self.bodies: dict[str, dict[str, Any]] = {
            "POST /api/v1/qmt/functions/<str:name>": {"arguments": {"account": team.alpha.pk}},
            "POST /api/v1/transfers": {
                "account": team.alpha.pk,
                "kind": "BANK_IN",
                "amount": "1",
                "bank_no": "9999",
                "bank_account": "1",
                "note": "a test",
                "client_transfer_id": "another",
            },
            "POST /api/v1/transfers/check": {"account": team.alpha.pk, "kind": "BANK_IN", "amount": "1"},
            "POST /api/v1/transfers/<uuid:transfer_id>/refuse": {"reason": "a test"},
            "POST /api/v1/transfers/<uuid:transfer_id>/resolve": {"moved": True, "note": "a test"},
            "PUT /api/v1/money-limits/<int:account_id>": {"single_amount": "1", "day_amount": "1"},
            "POST /api/v1/orders": {
                "account": team.alpha.pk,
                "symbol": order.symbol,
                "side": "BUY",
                "quantity": 100,
                "price": "9.90",
            },
            "POST /api/v1/accounts/<int:account_id>/ledger": {
                "kind": "ADJUSTMENT",
                "key": "matrix",
                "note": "a test",
                "cash": "1",
            },
            "POST /api/v1/accounts/<int:account_id>/differences/<int:difference_id>/resolve": {"note": "a test"},
            "POST /api/v1/accounts/<int:account_id>/parked/<int:parked_id>": {"order": None},
            "POST /api/v1/strategy-runs": {
                "account": team.alpha.pk,
                "strategy": strategy.plugin.name,
                "label": "another",
                "symbols": [order.symbol],
                "period": "1d",
                "capital": "10000",
            },
            "POST /api/v1/backtests": {
                "strategy": strategy.plugin.name,
                "symbols": [order.symbol],
                "period": "1d",
                "start": "2024-01-02",
                "end": "2024-01-31",
                "capital": "10000",
            },
            "POST /api/v1/grids": {"account": team.alpha.pk, "symbol": order.symbol},
            "POST /api/v1/grids/preview": {"account": team.alpha.pk, "symbol": order.symbol},
            "POST /api/v1/executions/cancel": {"account": team.alpha.pk},
            "POST /api/v1/orders/cancel": {"account": team.alpha.pk},
            "POST /api/v1/ipo-subscriptions": {"account": team.alpha.pk, "symbol": "732499.SH"},
            "POST /api/v1/ipo-subscriptions/all": {"account": team.alpha.pk},
            "PUT /api/v1/ipo-subscriptions/plans": {"account": team.alpha.pk, "enabled": True},
            "PUT /api/v1/macd-rules": {"account": team.alpha.pk, "symbol": order.symbol, "amount": "5000"},
            "PUT /api/v1/exit-plans": {"account": team.alpha.pk, "enabled": True},
            "POST /api/v1/orders/<uuid:order_id>/replace": {"price": "9.80"},
            "POST /api/v1/executions": {
                "account": team.alpha.pk,
                "kind": "SPLIT",
                "symbol": order.symbol,
                "side": "BUY",
                "quantity": 200,
                "child_quantity": 100,
                "price": "9.90",
            },
            "POST /api/v1/executions/check": {
                "account": team.alpha.pk,
                "kind": "SPLIT",
                "symbol": order.symbol,
                "side": "BUY",
                "quantity": 200,
                "child_quantity": 100,
                "price": "9.90",
            },
            "POST /api/v1/approval-rules/trial": {
                "account": team.alpha.pk,
                "symbol": order.symbol,
                "side": "BUY",
                "quantity": 100,
                "price": "9.90",
            },
            "POST /api/v1/orders/check": {
                "account": team.alpha.pk,
                "symbol": order.symbol,
                "side": "BUY",
                "quantity": 100,
                "price": "9.90",
            },
            "POST /api/v1/risk/limits": {"kind": "ORDERS_PER_DAY", "scope": "PLATFORM", "value": "100"},
            "PATCH /api/v1/risk/limits/<int:limit_id>": {"version": 1, "value": "90"},
            "PATCH /api/v1/webhooks/<int:webhook_id>": {"name": "another"},
            "POST /api/v1/approval-rules": {"scope": "PLATFORM", "min_value": "1000000"},
            "PATCH /api/v1/approval-rules/<int:rule_id>": {"version": 1, "note": "a test"},
            "POST /api/v1/approvals/orders/<uuid:order_id>/refuse": {"reason": "a test"},
            "POST /api/v1/approvals/executions/<uuid:execution_id>/refuse": {"reason": "a test"},
            "POST /api/v1/kill-switch": {"scope": "ACCOUNT", "account": team.alpha.pk},
            "POST /accounts/ act=kill": {"account": team.alpha.pk},
            "POST /api/v1/trading-states": {"state": "HALTED"},
            "POST /accounts/ act=halt": {"account": team.alpha.pk},
            "POST /accounts/ act=state": {"account": team.alpha.pk, "state": "HALTED"},
            "POST /accounts/ act=mode": {"account": team.alpha.pk, "mode": "READ_ONLY"},
        }
        self.queries: dict[str, dict[str, Any]] = {
            f"GET /api/v1/{name}": {"account": team.alpha.pk}
            for name in ("orders", "executions", "trades", "asset", "positions", "transfers")
        }
        for address in (
            "ipo-subscriptions",
            "ipo-subscriptions/issues",
            "ipo-subscriptions/plans",
            "exit-plans",
            "exit-plans/triggers",
            "strategy-runs",
            "grids",
            "macd-rules",
            "signals",
        ):
            self.queries[f"GET /api/v1/{address}"] = {"account": team.alpha.pk}
        self.queries["GET /api/v1/reports/trading"] = {"account": team.alpha.pk}
        self.queries["GET /api/v1/reports/trading.csv"] = {"account": team.alpha.pk}
        self.queries["GET /api/v1/risk/limits/effective"] = {"account": team.alpha.pk}
        self.queries["GET /api/v1/quotes"] = {"symbols": order.symbol}
        self.queries["GET /api/v1/audit/history"] = {"target": f"account:{team.alpha.pk}"}
        self.clients = {
            "anonymous": Client(),
            "viewer": signed_in(team.viewer),
            "none": signed_in(team.charlie),
            "own": signed_in(team.bob),
            "all": signed_in(team.alice),
            "risk": signed_in(team.risk),
            "admin": signed_in(team.admin),
            "confirmed": confirmed(team.admin),
        }

    def ask(self, entry: str, person: str) -> int:
        """The status of one request; nothing it changed remains."""
        method, route, *act = entry.split(" ")
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: self.names.get(found[1], "1"), route)
        path = path.replace("api(?:/|$)", "api/nothing")
        client = self.clients[person]
        keep = deepcopy(client.cookies)
        body = {**self.bodies.get(entry, {}), **({"act": act[0].removeprefix("act=")} if act else {})}
        with transaction.atomic(), transaction.atomic(using="quotes"):
            if method != "GET":
                host_ready(self.bench.team)  # all of them may take longer than a host's word lasts
            if method == "GET":
                response = client.get(path, self.queries.get(entry, {}))
            elif path.startswith("/api/"):
                response = getattr(client, method.lower())(path, body, content_type="application/json")
            else:
                response = getattr(client, method.lower())(path, body)
            transaction.set_rollback(True)
            transaction.set_rollback(True, using="quotes")
        client.cookies = keep
        return response.status_code


@pytest.fixture
def world(db: None) -> World:
    """The cast with something at every address."""
    return World(make_bench())


def test_matrix_has_a_row_for_every_entry_and_no_other() -> None:
    assert sorted(rows()) == ENTRIES


@pytest.mark.django_db(databases=["default", "quotes"])
@pytest.mark.parametrize("person", PEOPLE)
def test_matrix_every_entry_answers_as_the_table_says(world: World, person: str) -> None:
    table = rows()
    wrong = {}
    for entry in ENTRIES:
        status = str(world.ask(entry, person))
        if entry in table and table[entry][person] != status:
            wrong[entry] = f"{status}, the table says {table[entry][person]}"
    assert wrong == {}


def admin_pages(patterns: list[Any] | None = None, prefix: str = "/") -> Iterator[str]:
    """Every address of the Django admin that takes no more than a key."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if not route.startswith("/admin"):
            continue
        if isinstance(pattern, URLResolver):
            yield from admin_pages(pattern.url_patterns, route)
        elif "(?P" not in route:
            yield re.sub(r"<(?:\w+:)?\w+>", "1", route)


@pytest.mark.parametrize("person", ["anonymous", "viewer", "none", "own", "all", "risk"])
def test_django_admin_is_closed_to_everybody_else(world: World, person: str) -> None:
    """Even for who got Django's staff flag: the role decides."""
    User.objects.exclude(role="ADMIN").update(is_staff=True, is_superuser=False)
    client = world.clients[person]
    open_to_staff = {"/admin/", "/admin/login/", "/admin/logout/", "/admin/jsi18n/", "/admin/password_change/"}
    open_to_staff |= {"/admin/password_change/done/", "/admin/autocomplete/"}
    seen = {path: client.get(path).status_code for path in set(admin_pages()) - open_to_staff}
    assert len(seen) > 40
    assert {path: status for path, status in seen.items() if status == 200} == {}


@pytest.mark.django_db(databases=["default", "quotes"])
def test_expired_grant_opens_nothing(world: World) -> None:
    """The table's `all` becomes its `none` when the time is over, with no process in between."""
    table = rows()
    Grant.objects.filter(user=world.bench.team.alice).update(expires_at=wall_now() - timedelta(milliseconds=5))
    for entry in ("GET /api/v1/accounts/<int:account_id>", "POST /api/v1/orders", "GET /api/v1/orders/<uuid:order_id>"):
        assert str(world.ask(entry, "all")) == table[entry]["none"]


def test_anonymous_user_sees_no_account() -> None:
    from accounts.models import BrokerAccount

    for rule in ("visible_to", "tradable_by", "cancellable_by", "approvable_by", "managed_by"):
        assert getattr(BrokerAccount.objects, rule)(AnonymousUser()).query.is_empty()
