"""Rows of strategies and runs, for tests that need one to be there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from accounts.models import BrokerAccount, User
from ops.clocks import wall_now
from tests.orders.bench import MOUTAI
from trading.strategies.models import Plugin, Run


def make_plugin(**changes: Any) -> Plugin:
    """A strategy that lies there and declares one parameter."""
    values: dict[str, Any] = {
        "name": "puppet",
        "digest": "d" * 64,
        "origin": "FOLDER",
        "location": "/nowhere/puppet.py",
        "title": "Puppet",
        "parameters": [
            {"name": "count", "kind": "integer", "default": 3, "help": "How many", "minimum": 1, "maximum": 9}
        ],
        "periods": ["1m", "5m", "1d"],
        "found_at": wall_now(),
    }
    return Plugin.objects.create(**(values | changes))


def make_run(account: BrokerAccount, person: User, *, plugin: Plugin | None = None, **changes: Any) -> Run:
    """A run that is stopped; its account trades automatically."""
    BrokerAccount.objects.filter(pk=account.pk).update(auto_trading=True)
    account.auto_trading = True
    now = wall_now()
    values: dict[str, Any] = {
        "account": account,
        "created_by": person,
        "plugin": plugin or make_plugin(),
        "label": "puppet",
        "symbols": [MOUTAI],
        "period": "1m",
        "capital": Decimal(100_000),
        "changed_at": now,
        "created_at": now,
    }
    return Run.objects.create(**(values | changes))
