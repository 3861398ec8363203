"""The proof at the end: the terminal's book, our databases, REST and what the people were told, held against each other.

``python -m benchmarks.operate.soak.books RESULT TERMINAL`` runs in the platform's environment; RESULT is what the load wrote,
TERMINAL a copy of the terminal's state file. Prints JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import django

OPENING_CASH: Final = Decimal("10000000.00")
"""What an account of the simulated terminal begins with."""
KINDS: Final = ("lost", "doubled", "unauthorised", "unexplained")


def hold(result: dict[str, Any], terminal: Path) -> dict[str, Any]:
    """Everything that is wrong by kind, and the figures of the run."""
    from trading.ledger.models import Difference
    from trading.orders.models import Order

    wrong: dict[str, list[str]] = {kind: [] for kind in KINDS}
    _accounts(wrong, result, terminal)
    _answers(wrong, result)
    _rights(wrong, result)
    orders = Counter(Order.objects.values_list("status", flat=True))
    return {
        "wrong": wrong,
        "differences": [f"{row.account.account_no} {row.kind} {row.key}: {row.ours} / {row.theirs} ({row.state})"
                        for row in Difference.objects.select_related("account")],
        "orders": dict(orders),
        "sources": dict(Counter(Order.objects.values_list("source", flat=True))),
        "alerts": _alerts(),
        "accept_to_call": _accept_to_call(),
        "push_to_frame": _push_to_frame(result),
    }  # fmt: skip


def _accounts(wrong: dict[str, list[str]], result: dict[str, Any], terminal: Path) -> None:
    """Terminal against database, and both against what REST answered, account by account."""
    from accounts.models import BrokerAccount
    from tests.faults.books import compare, own_cash, terminal_book
    from trading.orders.models import Order

    for account in BrokerAccount.objects.order_by("pk"):
        book = terminal_book(terminal, account.account_no)
        verdict = compare(account, book)
        money = book.cash + book.frozen_cash
        if own_cash(OPENING_CASH, account) != money:
            verdict.unexplained.append(f"{own_cash(OPENING_CASH, account)} by our fills, {money} at the terminal")
        told = result["rest"][str(account.pk)]
        if (Decimal(told["cash"]), Decimal(told["frozen_cash"])) != (book.cash, book.frozen_cash):
            verdict.unexplained.append(
                f"money by REST {told['cash']}, {told['frozen_cash']}, at the terminal {book.cash}"
            )
        held = {view.symbol: view.quantity for view in book.positions if view.quantity}
        if told["positions"] != held:
            verdict.unexplained.append(f"positions by REST {told['positions']}, at the terminal {held}")
        rows = Order.objects.filter(account=account).values_list("pk", "status", "traded_quantity")
        if told["orders"] != {str(pk): [status, traded] for pk, status, traded in rows}:
            verdict.unexplained.append("orders by REST are not those of the database")
        for kind in KINDS:
            wrong[kind] += [f"{account.account_no}: {words}" for words in getattr(verdict, kind)]


def _answers(wrong: dict[str, list[str]], result: dict[str, Any]) -> None:
    """Each accepted key has one order, the one that was answered."""
    from trading.orders.models import Order

    stored: defaultdict[str, list[str]] = defaultdict(list)
    for pk, key in Order.objects.exclude(client_order_id=None).values_list("pk", "client_order_id"):
        stored[str(key)].append(str(pk))
    for key, order in result["accepted"].items():
        found = stored.get(key, [])
        if order not in found:
            wrong["lost"].append(f"{key} was answered with {order}, stored are {found}")
        elif len(found) > 1:
            wrong["doubled"].append(f"{key} has the orders {found}")


def _rights(wrong: dict[str, list[str]], result: dict[str, Any]) -> None:
    """Nothing that went further than a refusal is of somebody without the right, whoever asked for it."""
    from accounts.choices import TradeRight
    from accounts.models import Grant
    from trading.orders.models import Order

    wrong["unauthorised"] += result["trespasses"]
    may = set(Grant.objects.exclude(trade=TradeRight.NONE).values_list("user_id", "account_id"))
    for order in Order.objects.exclude(status="DENIED"):
        if (order.created_by_id, order.account_id) not in may:
            wrong["unauthorised"].append(f"{order.tag} of {order.created_by} on account {order.account_id}")
        elif (order.client_order_id or "").startswith("trespass"):
            wrong["unauthorised"].append(f"{order.client_order_id} is {order.status}")


def _alerts() -> dict[str, int]:
    from ops.models import Alert

    return dict(Counter(f"{kind} ({severity})" for kind, severity in Alert.objects.values_list("kind", "severity")))


def _accept_to_call() -> list[float]:
    """Milliseconds from an order's acceptance to its SDK call, as the platform stored them."""
    from trading.orders.models import Order

    rows = Order.objects.values_list("submitted_at", "sent_at")
    return [(sent - accepted).total_seconds() * 1000 for accepted, sent in rows if sent is not None]


def _push_to_frame(result: dict[str, Any]) -> list[float]:
    """Milliseconds from a fill's arrival on the SDK's thread to each frame of it in a client."""
    from trading.orders.models import Trade

    arrivals = result["arrivals"]
    return [
        (arrived - received.timestamp()) * 1000
        for account, number, received in Trade.objects.values_list("account_id", "traded_id", "received_at")
        for arrived in arrivals.get(f"{account}/{number}", ())
    ]


def main() -> None:
    time.tzset()
    django.setup()
    print(json.dumps(hold(json.loads(Path(sys.argv[1]).read_text("utf-8")), Path(sys.argv[2]))))


if __name__ == "__main__":
    main()
