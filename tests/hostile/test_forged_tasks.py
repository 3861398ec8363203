"""Tasks made up by somebody who reaches Redis: nothing is traded, granted or changed that the database has not decided."""

from __future__ import annotations

import base64
import inspect
import json
import pickle
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.apps import apps
from django.db import DatabaseError, transaction

from desk.celery_app import app
from tests.faults.harness import Stack, clerk_of, until
from tests.orders.bench import Bench, make_bench

#: What decides about trading, money and rights, and what has been decided.
DECIDING = (
    "accounts.BrokerAccount", "accounts.Grant", "accounts.User", "accounts.QmtHost", "accounts.ApiToken",
    "accounts.HostEnrolment", "orders.Order", "orders.OrderEvent", "orders.Trade", "orders.Approval",
    "orders.KillRun", "orders.KillTarget", "execution.Execution", "execution.Leg", "execution.Child",
    "risk.RiskLimit", "risk.Control", "risk.PersonTrading", "risk.ApprovalRule", "ledger.AccountBook",
    "ledger.Position", "ledger.LedgerEntry", "money.Transfer", "money.TransferEvent", "money.MoneyLimit",
    "signals.Signal", "signals.ExitPlan", "grids.GridSession", "grids.GridAttempt", "webhooks.Webhook",
    "subscriptions.SubscriptionPlan", "strategies.Run", "strategies.RunOrder",
)  # fmt: skip
MADE_UP: tuple[Any, ...] = (
    str(uuid.UUID(int=0)), "00000000-0000-4000-8000-000000000000", "", "x", "' OR 1=1 --", "../../etc/passwd", "\x00",
    0, -1, 2**70, 1.5, True, None, [], {}, ["600519.SH"], {"side": "BUY", "quantity": 100},
)  # fmt: skip


def task_names() -> list[str]:
    app.loader.import_default_modules()
    return sorted(name for name in app.tasks if not name.startswith("celery."))


def deciding_rows() -> dict[str, list[tuple[Any, ...]]]:
    return {name: sorted(apps.get_model(name)._default_manager.values_list(), key=str) for name in DECIDING}


def forged_arguments(task: Any, ids: list[Any]) -> Iterator[list[Any]]:
    """Every made-up value in every place, and ids of rows that exist but are not waiting for this."""
    count = len(inspect.signature(task.run).parameters)
    if count == 0:
        yield []
        return
    for value in (*MADE_UP, *ids):
        yield [value] * count


@pytest.fixture
def bench(db: None) -> Bench:
    return make_bench()


def attempt(task: Any, arguments: list[Any]) -> bool:
    """Whether a task took made-up arguments. What it wrote before it refused stays; only a broken statement takes its own back."""
    before = {alias: transaction.savepoint(using=alias) for alias in ("default", "quotes")}
    try:
        task.run(*arguments)
    except DatabaseError:
        for alias, savepoint in before.items():
            transaction.savepoint_rollback(savepoint, using=alias)
        return False
    except Exception:  # noqa: BLE001 - refusing is what it shall do, by whatever exception
        return False
    return True


@pytest.mark.django_db(databases=["default", "quotes"])
def test_forged_tasks_change_nothing_that_decides(bench: Bench) -> None:
    reported = bench.reported()
    denied = bench.submit(price=Decimal("999999.00"))
    ids = [str(reported.pk), str(denied.pk), bench.account.pk, bench.alice.pk]
    before = deciding_rows()
    changed, taken = [], []
    for name in task_names():
        task = app.tasks[name]
        taken += [attempt(task, arguments) for arguments in forged_arguments(task, ids)]
        if deciding_rows() != before:
            changed.append(name)
            before = deciding_rows()
    assert changed == []
    assert {True, False} == set(taken)  # some found nothing to do, others refused the very form


def message(
    task: str, args: list[Any], queue: str, *, content_type: str = "application/json", body: bytes = b""
) -> str:
    """A task as Celery's Redis transport keeps it."""
    number = str(uuid.uuid4())
    made = body or json.dumps([args, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]).encode()
    return json.dumps(
        {
            "body": base64.b64encode(made).decode(),
            "content-encoding": "utf-8",
            "content-type": content_type,
            "headers": {"lang": "py", "task": task, "id": number, "root_id": number, "retries": 0, "argsrepr": "()"},
            "properties": {
                "correlation_id": number, "reply_to": "", "delivery_mode": 2, "priority": 0, "body_encoding": "base64",
                "delivery_info": {"exchange": "", "routing_key": queue}, "delivery_tag": number,
            },
        }
    )  # fmt: skip


class Boom:
    """Unpickled, it would leave a file behind."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self._path, "w"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_forged_messages_in_redis_neither_trade_nor_stop_the_trade_worker() -> None:
    stack = Stack()
    try:
        stack.prepare()
        stack.start_valkey()
        stack.start_terminal("--account", "8000000001:1000000.00", "--account", "8000000002").close()
        stack.start_worker()
        with clerk_of(stack) as clerk:
            clerk.until_session(seconds=90)
            clerk.ask("limits_off")
            facts = clerk.ask("quote_instrument", symbol="600519.SH")
            queue = "qmt.sim.trade"
            left = stack.folder / "unpickled"
            forged = [
                *(message(name, [value], queue) for name in task_names() for value in ("x", str(uuid.uuid4()), 7)),
                message("os.system", ["true"], queue),
                message("orders.wake", [], queue, body=b"\xff\xfe"),
                message("orders.wake", [], queue, body=b"[" * 100_000),
                message("orders.wake", [], queue, content_type="application/x-python-serialize", body=pickle.dumps(Boom(str(left)))),
            ]  # fmt: skip
            client = redis.Redis.from_url(stack.environment["DESK_REDIS_URL"])
            client.lpush(f"desk:celery:{queue}", *forged)
            client.publish("desk:wake:sim", b"\x00" * 16)
            client.publish("desk:wake:sim", b"x")
            client.publish("desk:live:account:1", b"{")
            client.publish("desk:live:control", b'{"kind": "grant.created", "user_id": 1, "account_id": 1}')
            until(lambda: client.llen(f"desk:celery:{queue}") == 0, 90, "the forged tasks to be consumed")
            client.close()
            assert stack.exit_code("trade") is None, stack.log("trade")[-3000:]
            assert stack.broker_orders("8000000001") == []
            assert not left.exists()
            order = clerk.submit(
                symbol="600519.SH", side="BUY", quantity=100, price_type="LIMIT", price=facts["limit_down"]
            )
            clerk.until_status(order["id"], "REPORTED", seconds=60)
            assert len(stack.broker_orders("8000000001")) == 1
            assert "Traceback" in stack.log("trade") or "rror" in stack.log("trade"), "the attempts are in the log"
    finally:
        stack.close()


def test_worker_accepts_json_only() -> None:
    assert app.conf.accept_content == ["json"]
