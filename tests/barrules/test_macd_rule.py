"""The MACD rule as a source of signals: closed bars, once each, flat before an entry, once a day."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from accounts.models import BrokerAccount
from marketdata.services import Readiness
from marketdata.services.indicators import IndicatorRequest, IndicatorsResult
from ops.errors import Code, Forbidden, Invalid, NotFound
from ops.handover import open_work
from ops.models import AuditEvent
from tests.grids.field import Field
from tests.orders.bench import MOUTAI
from trading.barrules.models import MacdRule
from trading.barrules.services import macd_rule_set, rules_judge
from trading.signals.choices import SignalKind, SignalState
from trading.signals.models import Signal

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

D = Decimal
BAR = 1_000


class Bars:
    """What the newest closed bar is, as the test says; every question is kept."""

    def __init__(self) -> None:
        self.time, self.mark, self.complete = BAR, 0.0, True
        self.trouble = ""
        self.asked: list[IndicatorRequest] = []

    def next(self, mark: float) -> None:
        self.time, self.mark = self.time + 1, mark

    def get(self, request: IndicatorRequest, **_options: Any) -> IndicatorsResult:
        self.asked.append(request)
        if self.trouble in request.symbols:
            raise RuntimeError("trouble")
        frame = pd.DataFrame({"symbol": [MOUTAI], "time": [self.time], "macd_rule": [self.mark]})
        return IndicatorsResult(frame, Readiness(complete=self.complete))


@pytest.fixture
def field(db: None, monkeypatch: pytest.MonkeyPatch) -> Field:
    field = Field(monkeypatch, shares=0)
    field.price("10.00")
    return field


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> Bars:
    bars = Bars()

    class Service:
        get = staticmethod(bars.get)

    monkeypatch.setattr("trading.barrules.services.judging.IndicatorService", Service)
    return bars


def rule(field: Field, **changes: Any) -> MacdRule:
    wish = {"symbol": MOUTAI, "period": "5m", "amount": "5499", **changes}
    return macd_rule_set(user=field.bench.alice, account_id=field.bench.account.pk, **wish)


def judge(field: Field, bars: Bars, mark: float) -> list[Signal]:
    """One more bar with this mark; the signals there are then."""
    bars.next(mark)
    field.wait(3)
    rules_judge()
    return list(Signal.objects.order_by("pk"))


# -------------------------------------------------------------------------------- entry
def test_entry_buys_whole_lots_for_the_amount(field: Field, bars: Bars) -> None:
    rule(field)
    (signal,) = judge(field, bars, 1.0)
    assert (signal.kind, signal.side, signal.quantity, signal.price) == (SignalKind.MACD_ENTRY, "BUY", 500, D(10))
    assert (signal.state, signal.user, signal.quote_ts) == (SignalState.DETECTED, field.bench.alice, BAR + 1)
    assert signal.expires_at - signal.detected_at == timedelta(seconds=60)
    assert (bars.asked[0].indicators, bars.asked[0].period, bars.asked[0].adjust) == ("MACDRULE", "5m", "front")


def test_entry_is_recorded_while_automatic_trading_is_off(field: Field, bars: Bars) -> None:
    BrokerAccount.objects.update(auto_trading=False)
    rule(field)
    (signal,) = judge(field, bars, 1.0)
    assert signal.state == SignalState.RECORDED
    assert signal.final_at is not None


def test_bar_is_judged_once(field: Field, bars: Bars) -> None:
    rule(field)
    judge(field, bars, 1.0)
    rules_judge()
    rules_judge()
    assert Signal.objects.count() == 1


def test_entry_comes_once_a_day(field: Field, bars: Bars) -> None:
    rule(field)
    judge(field, bars, 1.0)
    assert len(judge(field, bars, 1.0)) == 1


@pytest.mark.parametrize("hindrance", ["holding", "order"])
def test_entry_needs_a_flat_account(field: Field, bars: Bars, hindrance: str) -> None:
    rule(field)
    if hindrance == "holding":
        field.shares(100)
    else:
        field.bench.submit()
    assert judge(field, bars, 1.0) == []


def test_entry_that_buys_no_lot_is_none(field: Field, bars: Bars) -> None:
    rule(field, amount="999")
    assert judge(field, bars, 1.0) == []


# --------------------------------------------------------------------------------- exit
def test_exit_sells_all_that_is_sellable_and_not_promised(field: Field, bars: Bars) -> None:
    field.shares(700, sellable=600)
    field.bench.submit(side="SELL", quantity=200, price="10.50")
    rule(field)
    (signal,) = judge(field, bars, -1.0)
    assert (signal.kind, signal.side, signal.quantity) == (SignalKind.MACD_EXIT, "SELL", 400)


def test_exit_without_anything_sellable_is_none(field: Field, bars: Bars) -> None:
    field.shares(700, sellable=0)
    rule(field)
    assert judge(field, bars, -1.0) == []


# -------------------------------------------------------------------------- when and when not
def test_bars_without_a_mark_lead_to_nothing(field: Field, bars: Bars) -> None:
    kept = rule(field)
    assert judge(field, bars, 0.0) == []
    assert MacdRule.objects.get(pk=kept.pk).judged_bar == BAR + 1


def test_bars_that_are_not_complete_are_judged_later(field: Field, bars: Bars) -> None:
    rule(field)
    bars.complete = False
    assert judge(field, bars, 1.0) == []
    bars.complete = True
    rules_judge()
    assert Signal.objects.count() == 1


def test_nothing_is_judged_in_the_lunch_break(field: Field, bars: Bars) -> None:
    rule(field)
    field.wait(1.5 * 3600 + 60)
    assert judge(field, bars, 1.0) == []
    assert bars.asked == []


def test_rule_that_is_off_judges_nothing(field: Field, bars: Bars) -> None:
    rule(field)
    rule(field, enabled=False)
    assert judge(field, bars, 1.0) == []


def test_rule_in_trouble_keeps_no_other_from_its_turn(field: Field, bars: Bars) -> None:
    rule(field, symbol="000001.SZ")
    rule(field)
    bars.trouble = "000001.SZ"
    assert [signal.symbol for signal in judge(field, bars, 1.0)] == [MOUTAI]


# ------------------------------------------------------------------------------ setting
def test_set_again_changes_what_is_named_and_is_audited_once(field: Field) -> None:
    first = rule(field)
    rule(field)
    rule(field, period=None, amount="8000")
    kept = MacdRule.objects.get()
    assert (kept.pk, kept.period, kept.amount) == (first.pk, "5m", D(8000))
    assert AuditEvent.objects.filter(action="macd_rule.set").count() == 2
    assert [item.id for item in open_work(field.bench.alice.pk) if item.kind == "macd_rule"] == [str(first.pk)]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"amount": None}, "amount"),
        ({"amount": "99"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "100.001"}, "amount"),
        ({"period": "1m"}, "period"),
        ({"enabled": "yes"}, "enabled"),
        ({"symbol": "999999.SH"}, "symbol"),
        ({"symbol": 7}, "symbol"),
    ],
)
def test_set_with_a_wrong_field_names_it(field: Field, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(Invalid) as refusal:
        rule(field, **changes)
    assert refusal.value.field == named
    assert not MacdRule.objects.exists()


def test_set_by_who_may_not_trade_is_refused(field: Field) -> None:
    team = field.bench.team
    with pytest.raises(Forbidden) as refusal:
        macd_rule_set(user=team.bob, account_id=team.alpha.pk, symbol=MOUTAI, amount="5000")
    assert refusal.value.code == Code.TRADE_NOT_GRANTED
    with pytest.raises(NotFound):
        macd_rule_set(user=team.charlie, account_id=team.alpha.pk, symbol=MOUTAI, amount="5000")
