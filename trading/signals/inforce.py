"""Which plan holds for which position: its own, else its strategy's, else the account's default."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from trading.ledger.models import OwnerPosition
from trading.signals.models import ExitPlan, ExitPlanVersion
from trading.signals.terms import ExitTerms


@dataclass(frozen=True, slots=True)
class PlanInForce:
    """A plan as it holds now, with the row that keeps this state for ever."""

    plan: ExitPlan
    version_id: int
    terms: ExitTerms

    @property
    def enabled(self) -> bool:
        """Whether anything is detected by it."""
        return self.plan.enabled


class Plans:
    """The plans of some accounts, read in three queries.

    A holding counts as a strategy's when all of its shares came from orders of that strategy.
    """

    def __init__(self, account_ids: Iterable[int]) -> None:
        ids = sorted(set(account_ids))
        plans = list(ExitPlan.objects.filter(account__in=ids))
        versions = ExitPlanVersion.objects.filter(plan__in=[plan.pk for plan in plans])
        numbers = {(plan_id, number): pk for pk, plan_id, number in versions.values_list("pk", "plan_id", "version")}
        self._plans = {
            (plan.account_id, plan.strategy, plan.symbol): PlanInForce(
                plan, numbers[plan.pk, plan.version], ExitTerms.stored(plan.terms)
            )
            for plan in plans
        }
        strategies = any(plan.strategy for plan in plans)
        self._strategies = _strategies(ids) if strategies else {}

    @property
    def accounts(self) -> set[int]:
        """Accounts with a plan that is on."""
        return {key[0] for key, plan in self._plans.items() if plan.enabled}

    def of(self, account_id: int, symbol: str) -> PlanInForce | None:
        """The plan of a position; None where nobody made one."""
        own = self._plans.get((account_id, "", symbol))
        if own is not None:
            return own
        strategy = self._strategies.get((account_id, symbol), "")
        of_strategy = self._plans.get((account_id, strategy, "")) if strategy else None
        return of_strategy or self._plans.get((account_id, "", ""))


def _strategies(account_ids: Iterable[int]) -> dict[tuple[int, str], str]:
    held = OwnerPosition.objects.filter(account__in=list(account_ids)).exclude(quantity=0)
    found: dict[tuple[int, str], set[str]] = defaultdict(set)
    for account_id, symbol, strategy in held.values_list("account_id", "symbol", "strategy"):
        found[account_id, symbol].add(strategy)
    return {key: strategies.pop() for key, strategies in found.items() if len(strategies) == 1}
