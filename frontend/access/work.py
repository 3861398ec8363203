"""Open work in a person's name as people read it: the parts of the platform say it in codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Choices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import BrokerAccount
from trading.execution.choices import Kind
from trading.execution.choices import State as ExecutionState
from trading.grids.choices import GridState
from trading.orders.choices import Side, Status
from trading.strategies.choices import RunState

CENT = Decimal("0.01")
KINDS: dict[str, str | Promise] = {
    "order": _("Order"),
    "execution": _("Execution"),
    "grid": _("Grid"),
    "strategy": _("Program"),
    "exit_plan": _("Exit plan"),
    "macd_rule": _("MACD rule"),
    "subscription_plan": _("Plan for new issues"),
}
_STATES: dict[str, type[Choices]] = {
    "order": Status,
    "execution": ExecutionState,
    "grid": GridState,
    "strategy": RunState,
}
#: Facts that say what it is about, in this order; those with a vocabulary in its words.
_ABOUT: dict[str, type[Choices] | None] = {"side": Side, "kind": Kind, "label": None, "symbol": None, "period": None}


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One line of the list; empty or None where a kind of work has no such figure."""

    account: str
    kind: str
    about: str
    state: str
    price: str
    traded: int | None
    quantity: int | None


def work_rows(items: Iterable[Mapping[str, Any]]) -> list[WorkRow]:
    """Rows of `ops.handover.OpenWork`, as mappings, in the active language."""
    found = list(items)
    accounts = BrokerAccount.objects.in_bulk({item["account_id"] for item in found} - {None})
    return [_row(item, accounts) for item in found]


def _row(item: Mapping[str, Any], accounts: Mapping[int, BrokerAccount]) -> WorkRow:
    facts = item["facts"]
    about = [_word(vocabulary, facts[name]) for name, vocabulary in _ABOUT.items() if facts.get(name)]
    account = accounts.get(item["account_id"])
    return WorkRow(
        account="" if account is None else str(account),
        kind=str(KINDS.get(item["kind"], item["kind"])),
        about=" ".join(about) or facts.get("strategy", ""),
        state=_word(_STATES.get(item["kind"]), facts.get("status") or facts.get("state") or ""),
        price="" if facts.get("price") is None else _price(Decimal(facts["price"])),
        traded=facts.get("traded_quantity"),
        quantity=facts.get("quantity"),
    )


def _price(price: Decimal) -> str:
    return f"{price:.2f}" if price == price.quantize(CENT) else f"{price.normalize():f}"


def _word(vocabulary: type[Choices] | None, value: str) -> str:
    known = vocabulary is not None and value in vocabulary.values
    return str(vocabulary(value).label) if vocabulary is not None and known else value
