"""A bench for subscriptions: what the terminal offers today, who subscribes, and what the broker says."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from accounts.models import BrokerAccount
from ops.clocks import wall_now
from qmt.calendar import SHANGHAI
from qmt.newissues import IssueData, IssueKind
from tests.orders.bench import TODAY, Bench, host_ready
from trading.ledger.newissues import issues_store, quotas_store
from trading.orders.models import Order
from trading.orders.services import Submission
from trading.orders.services.subscribe import order_subscribe

SHANGHAI_ISSUE = "732499.SH"
STAR_ISSUE = "787799.SH"
SHENZHEN_ISSUE = "301699.SZ"
BEIJING_ISSUE = "920088.BJ"
BOND_ISSUE = "754810.SH"


def issue(symbol: str = SHANGHAI_ISSUE, **changes: Any) -> IssueData:
    """An issue of today: 500 to 9,000 shares at 23.56."""
    values: dict[str, Any] = {
        "symbol": symbol,
        "name": "翔宇材料",
        "kind": IssueKind.STOCK,
        "price": Decimal("23.56"),
        "minimum": 500,
        "maximum": 9000,
        "subscribe_on": TODAY,
    }
    return IssueData(**(values | changes))


class Window:
    """Alpha's terminal with its offer."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    @property
    def account(self) -> BrokerAccount:
        return self.bench.account

    # --- the terminal
    def offer(self, *issues: IssueData, day: date = TODAY) -> None:
        """The terminal tells its issues."""
        issues_store(host_id=self.account.host_id, trade_date=day, issues=issues, at=wall_now())

    def quota(self, account: BrokerAccount | None = None, day: date = TODAY, **quotas: int) -> None:
        """The terminal tells an account's quotas."""
        account = account or self.account
        quotas_store(account_id=account.pk, trade_date=day, quotas=quotas, at=wall_now())

    def market_time(self, text: str, phase: str = "CONTINUOUS", day: date = TODAY) -> None:
        """Set the market's time of day and its phase."""
        offset = datetime.combine(day, time.fromisoformat(text), SHANGHAI) - wall_now()
        host_ready(self.bench.team, clock_offset_ms=int(offset.total_seconds() * 1000), phase=phase, trade_date=day)

    # --- people
    def subscribe(self, symbol: Any = SHANGHAI_ISSUE, **wish: Any) -> Submission:
        """Alice subscribes an issue for Alpha."""
        values: dict[str, Any] = {"user": self.bench.alice, "account_id": self.account.pk, "symbol": symbol}
        return order_subscribe(**(values | wish))

    def orders(self) -> list[Order]:
        return list(Order.objects.order_by("submitted_at", "pk"))
