"""Every kind of limit exactly at its value and just past it, and what its denial says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.choices import TradingState
from ops.errors import Code, Denied
from qmt.calendar import Phase
from qmt.gateway import PriceType, Side
from tests.risk.desk import USER, judged, limit, quote, used, working
from tests.risk.test_checks import NOW, clock
from trading.risk.catalogue import CATALOGUE
from trading.risk.checks import denials, pre_trade
from trading.risk.choices import LimitKind
from trading.risk.context import CheckContext
from trading.risk.limits import Limit
from trading.risk.rules.prices import clamped_to_cage


def codes(checked: CheckContext) -> list[Code]:
    return [denial.code for denial in denials(checked)]


def denied(checked: CheckContext) -> dict[str, Any]:
    with pytest.raises(Denied) as refusal:
        pre_trade(checked)
    return {"code": refusal.value.code, **refusal.value.details}


def test_every_kind_of_limit_has_a_check_that_pre_trade_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that are defined and never called are a known defect elsewhere."""
    asked: list[LimitKind] = []

    def asking(kind: LimitKind) -> Callable[[CheckContext, Limit], None]:
        return lambda _context, _limit: asked.append(kind)

    rules = {kind: replace(rule, check=asking(kind)) for kind, rule in CATALOGUE.items()}
    monkeypatch.setattr("trading.risk.catalogue.CATALOGUE", rules)
    pre_trade(judged(*(limit(kind) for kind in LimitKind)))
    assert asked == list(LimitKind)


# ------------------------------------------------------------------------------ sizes
@pytest.mark.parametrize(
    ("kind", "value", "below", "code"),
    [
        ("ORDER_QUANTITY", 300, 299, Code.ORDER_QUANTITY_LIMIT),
        ("ORDER_VALUE", 3000, "2999.99", Code.ORDER_VALUE_LIMIT),
        ("POSITION_VALUE", 3000, "2999.99", Code.POSITION_VALUE_LIMIT),
        ("EXPOSURE", 3000, "2999.99", Code.EXPOSURE_LIMIT),
        ("DAILY_TURNOVER", 3000, "2999.99", Code.TURNOVER_LIMIT),
    ],
)
def test_size_at_its_limit_passes_and_above_is_denied_with_the_largest_quantity(
    kind: str, value: Any, below: Any, code: Code
) -> None:
    assert codes(judged(limit(kind, value), quantity=300)) == []
    refusal = denied(judged(limit(kind, below, number=4), quantity=300))
    assert (refusal["code"], refusal["limit"], refusal["allowed_quantity"]) == (code, 4, 200)


def test_concentration_counts_what_is_held_and_on_its_way() -> None:
    facts = {"positions": {"600519.SH": Decimal(98_000)}, "working": (working(),)}
    checked = judged(limit("CONCENTRATION", 10), facts=facts)
    assert checked.asset is not None
    checked.asset.total_asset = Decimal(1_000_000)
    assert codes(checked) == []
    refusal = denied(replace(checked, quantity=200))
    assert (refusal["code"], refusal["present"], refusal["equity"], refusal["allowed_quantity"]) == (
        Code.CONCENTRATION_LIMIT,
        "99000.00",
        "1000000.00",
        100,
    )


def test_concentration_without_equity_allows_nothing() -> None:
    assert denied(judged(limit("CONCENTRATION", 10)))["allowed_quantity"] == 0


@pytest.mark.parametrize("kind", ["POSITION_VALUE", "CONCENTRATION", "EXPOSURE", "DAILY_LOSS", "DRAWDOWN", "ST_DENY"])
def test_limits_on_what_is_held_never_stop_a_sale(kind: str) -> None:
    value = None if kind == "ST_DENY" else 0
    facts = {"usage": used(opening_equity=Decimal(2), peak_equity=Decimal(2))}
    assert codes(judged(limit(kind, value), side=Side.SELL, facts=facts)) == []


def test_turnover_adds_what_was_traded_and_what_may_still_be() -> None:
    facts = {"usage": used(turnover=Decimal(5000)), "working": (working(), working(side=Side.SELL))}
    assert codes(judged(limit("DAILY_TURNOVER", 8000), facts=facts)) == []
    assert denied(judged(limit("DAILY_TURNOVER", "7999.99"), facts=facts))["present"] == "7000.00"


@pytest.mark.parametrize(("bought", "passes"), [(499_900, True), (499_901, False)])
def test_st_shares_bought_in_a_day(bought: int, passes: bool) -> None:
    checked = judged(limit("ST_DAY_QUANTITY", 500_000), facts={"bought": bought})
    assert codes(checked) == []
    checked.instrument.is_st = True
    assert codes(checked) == ([] if passes else [Code.ST_QUANTITY_LIMIT])


@pytest.mark.parametrize(("equity", "passes"), [("990000.01", True), ("990000", False)])
@pytest.mark.parametrize(
    ("kind", "value", "code"), [("DAILY_LOSS", 10_000, Code.DAILY_LOSS_STOP), ("DRAWDOWN", 1, Code.DRAWDOWN_STOP)]
)
def test_loss_that_reaches_its_limit_stops_buying(kind: str, value: int, code: Code, equity: str, passes: bool) -> None:
    facts = {"usage": used(opening_equity=Decimal(1_000_000), peak_equity=Decimal(1_000_000))}
    checked = judged(limit(kind, value), facts=facts)
    assert checked.asset is not None
    checked.asset.total_asset = Decimal(equity)
    assert codes(checked) == ([] if passes else [code])


# ----------------------------------------------------------------------------- prices
@pytest.mark.parametrize(("price", "passes"), [("10.50", True), ("10.51", False), ("9.50", True), ("9.49", False)])
def test_collar_bounds_both_sides_of_the_last_price(price: str, passes: bool) -> None:
    auction = clock(phase=Phase.OPEN_AUCTION)
    checked = judged(limit("PRICE_COLLAR", 5), price=Decimal(price), quote=quote(10.0), clock=auction)
    assert codes(checked) == ([] if passes else [Code.PRICE_COLLAR])
    if not passes:
        assert (denied(checked)["lowest"], denied(checked)["highest"]) == ("9.5", "10.5")


def test_collar_before_the_first_trade_stands_around_the_previous_close() -> None:
    checked = judged(limit("PRICE_COLLAR", 1), price=Decimal("10.20"))
    assert denied(checked)["last"] == "10"


def test_collar_leaves_orders_at_the_markets_price_alone() -> None:
    checked = judged(limit("PRICE_COLLAR", 0), price=None, price_type=PriceType.LATEST)
    assert codes(checked) == []


@pytest.mark.parametrize(
    ("board", "side", "edge", "past"),
    [
        # 2% or ten ticks, whichever is wider; BSE 5%; STAR 2% alone.
        ("MAIN", Side.BUY, "10.20", "10.21"),
        ("MAIN", Side.SELL, "9.80", "9.79"),
        ("CHINEXT", Side.BUY, "10.20", "10.21"),
        ("STAR", Side.BUY, "10.20", "10.21"),
        ("BSE", Side.BUY, "10.50", "10.51"),
        ("BSE", Side.SELL, "9.50", "9.49"),
    ],
)
def test_cage_edge_passes_and_the_next_tick_is_denied(board: str, side: Side, edge: str, past: str) -> None:
    assert codes(judged(board=board, side=side, price=Decimal(edge), quote=quote(10.0))) == []
    refusal = denied(judged(board=board, side=side, price=Decimal(past), quote=quote(10.0)))
    assert refusal["code"] == Code.PRICE_OUTSIDE_CAGE
    assert Decimal(refusal["highest" if side is Side.BUY else "lowest"]) == Decimal(edge)


def test_cage_of_a_cheap_share_is_ten_ticks_wide_except_on_star() -> None:
    cheap: dict[str, Any] = {"price": Decimal("2.10"), "quote": quote(2.0)}
    for board in ("MAIN", "CHINEXT"):
        checked = judged(board=board, **cheap)
        assert checked.day is not None
        checked.day.limit_down, checked.day.limit_up = Decimal(1), Decimal(3)
        assert codes(checked) == []
    star = judged(board="STAR", **cheap)
    assert star.day is not None
    star.day.limit_down, star.day.limit_up = Decimal(1), Decimal(3)
    assert codes(star) == [Code.PRICE_OUTSIDE_CAGE]


@pytest.mark.parametrize(
    ("shown", "base", "which"),
    [
        (quote(9.0, bid=9.9, ask=10.0), "10", "ask"),
        (quote(9.0, bid=9.9), "9.9", "bid"),
        (quote(9.8), "9.8", "last"),
        (None, "10", "pre_close"),
    ],
)
def test_cage_stands_around_the_opposite_quote_then_the_own_then_last_then_the_close(
    shown: Any, base: str, which: str
) -> None:
    refusal = denied(judged(price=Decimal("10.99"), quote=shown))
    assert (refusal["base"], refusal["base_is"]) == (base, which)


def test_cage_never_stands_around_yesterdays_quote() -> None:
    old = quote(10.9)
    old.ts -= 86_400_000
    assert denied(judged(price=Decimal("10.99"), quote=old))["base_is"] == "pre_close"


@pytest.mark.parametrize("phase", [Phase.OPEN_AUCTION, Phase.CLOSE_AUCTION])
def test_cage_is_open_in_auctions(phase: Phase) -> None:
    assert codes(judged(price=Decimal(11), quote=quote(10.0), clock=clock(phase=phase))) == []


def test_cage_bounds_only_the_aggressive_side() -> None:
    assert codes(judged(price=Decimal(9), quote=quote(10.0))) == []
    assert codes(judged(side=Side.SELL, price=Decimal(11), quote=quote(10.0))) == []


def test_cage_clamps_only_where_the_account_asks_for_it() -> None:
    checked = judged(price=Decimal("10.99"), quote=quote(10.0))
    assert clamped_to_cage(checked).price == Decimal("10.99")
    checked.account.cage_clamping = True
    assert clamped_to_cage(checked).price == Decimal("10.20")
    assert codes(clamped_to_cage(checked)) == []


# ------------------------------------------------------------------------------- pace
@pytest.mark.parametrize(
    ("kind", "facts_at", "facts_past", "code"),
    [
        ("ORDERS_PER_SECOND", {"in_last_second": 9}, {"in_last_second": 10}, Code.ORDER_RATE_LIMIT),
        ("ORDERS_PER_DAY", {"orders": 6, "cancels": 3}, {"orders": 6, "cancels": 4}, Code.ORDERS_PER_DAY_LIMIT),
    ],
)
def test_pace_counts_orders_and_cancels_together(
    kind: str, facts_at: dict[str, int], facts_past: dict[str, int], code: Code
) -> None:
    assert codes(judged(limit(kind, 10), facts={"usage": used(**facts_at)})) == []
    assert codes(judged(limit(kind, 10), facts={"usage": used(**facts_past)})) == [code]


@pytest.mark.parametrize(("orders", "cancels", "passes"), [(19, 19, True), (20, 9, True), (20, 10, False)])
def test_cancel_ratio_blocks_from_its_value_on_with_enough_orders(orders: int, cancels: int, passes: bool) -> None:
    ratio = limit("CANCEL_RATIO", 50, params={"minimum": 20, "warn": "30"})
    checked = judged(ratio, facts={"usage": used(orders=orders, cancels=cancels)})
    assert codes(checked) == ([] if passes else [Code.CANCEL_RATIO_LIMIT])


@pytest.mark.parametrize(("count", "passes"), [(2, True), (3, False)])
def test_active_orders_include_the_new_one(count: int, passes: bool) -> None:
    facts = {"working": tuple(working(symbol=f"00000{n}.SZ") for n in range(count))}
    assert codes(judged(limit("ACTIVE_ORDERS", 3), facts=facts)) == ([] if passes else [Code.ACTIVE_ORDERS_LIMIT])


@pytest.mark.parametrize(
    ("changes", "passes"),
    [
        ({"at": NOW - timedelta(seconds=4.999)}, False),
        ({"at": NOW - timedelta(seconds=5)}, True),
        ({"price": Decimal("9.99")}, True),
        ({"quantity": 200}, True),
        ({"side": Side.SELL}, True),
        ({"user_id": USER + 1}, True),
    ],
)
def test_duplicate_is_the_same_order_of_the_same_person_within_the_window(
    changes: dict[str, Any], passes: bool
) -> None:
    checked = judged(limit("DUPLICATE_ORDER", 5), facts={"recent": (working(**changes),)})
    assert codes(checked) == ([] if passes else [Code.DUPLICATE_ORDER])


@pytest.mark.parametrize(
    ("other", "passes"),
    [
        ({"price": Decimal("10.00")}, False),
        ({"price": Decimal("10.01")}, True),
        ({"price": None}, False),
        ({"price": Decimal("9.90"), "account_id": 2}, False),
        ({"price": Decimal("9.90"), "account_id": 3}, True),
        ({"price": Decimal("9.90"), "side": Side.BUY}, True),
        ({"price": Decimal("9.90"), "symbol": "000001.SZ"}, True),
    ],
)
def test_self_trade_is_a_crossing_price_on_the_other_side_of_the_same_owner(
    other: dict[str, Any], passes: bool
) -> None:
    facts = {"working": (working(**{"side": Side.SELL, **other}),), "owner_accounts": frozenset({1, 2})}
    assert codes(judged(limit("SELF_TRADE"), facts=facts)) == ([] if passes else [Code.SELF_TRADE])


# ------------------------------------------------------------------------------ lists
def test_lists_of_symbols_and_sides() -> None:
    assert codes(judged(limit("SYMBOL_ALLOW", params={"symbols": ["600519.SH"]}))) == []
    assert codes(judged(limit("SYMBOL_ALLOW", params={"symbols": ["000001.SZ"]}))) == [Code.SYMBOL_NOT_ALLOWED]
    assert codes(judged(limit("SYMBOL_DENY", params={"symbols": ["600519.SH"]}))) == [Code.SYMBOL_NOT_ALLOWED]
    assert codes(judged(limit("SYMBOL_DENY", params={"symbols": ["000001.SZ"]}))) == []
    assert codes(judged(limit("SIDES", params={"sides": ["SELL"]}))) == [Code.SIDE_NOT_ALLOWED]
    assert codes(judged(limit("SIDES", params={"sides": ["SELL"]}), side=Side.SELL)) == []


@pytest.mark.parametrize(
    ("start", "end", "passes"), [("10:00", "10:01", True), ("09:30", "10:00", False), ("10:00:01", "11:00", False)]
)
def test_time_window_includes_its_beginning_and_not_its_end(start: str, end: str, passes: bool) -> None:
    checked = judged(limit("TIME_WINDOW", params={"from": start, "to": end}))
    assert codes(checked) == ([] if passes else [Code.OUTSIDE_TIME_WINDOW])


def test_st_shares_are_not_bought() -> None:
    checked = judged(limit("ST_DENY"))
    assert codes(checked) == []
    checked.instrument.is_st = True
    assert codes(checked) == [Code.ST_NOT_ALLOWED]


@pytest.mark.parametrize(("day", "passes"), [(5, False), (6, True), (None, True)])
def test_new_listing_is_not_bought_on_its_first_days(day: int | None, passes: bool) -> None:
    checked = judged(limit("NEW_LISTING_DENY", 5), facts={"listed_days": day})
    assert codes(checked) == ([] if passes else [Code.NEW_LISTING_NOT_ALLOWED])


# ----------------------------------------------------------------------- scopes, states
def test_most_restrictive_of_several_decides_and_is_named() -> None:
    limits = (limit("ORDER_QUANTITY", 400, number=1), limit("ORDER_QUANTITY", 200, number=2, scope="ACCOUNT"))
    refusal = denied(judged(*limits, quantity=500))
    assert (refusal["limit"], refusal["scope"], refusal["limit_value"], refusal["allowed_quantity"]) == (
        2,
        "ACCOUNT",
        "200",
        200,
    )


@pytest.mark.parametrize(
    ("scope", "subject"), [("PLATFORM", "a:1"), ("ACCOUNT", "a:1"), ("USER", "u:7"), ("USER_ACCOUNT", "ua:7:1")]
)
def test_each_scope_counts_its_own_subject(scope: str, subject: str) -> None:
    full = {subject: used(orders=5)["a:1"]}
    assert codes(judged(limit("ORDERS_PER_DAY", 5, scope=scope), facts={"usage": full})) == [Code.ORDERS_PER_DAY_LIMIT]
    others = {name: used(orders=5)["a:1"] for name in ("a:1", "u:7", "ua:7:1") if name != subject}
    assert codes(judged(limit("ORDERS_PER_DAY", 5, scope=scope), facts={"usage": others})) == []


def test_limit_applies_to_its_targets_in_its_time() -> None:
    who: dict[str, Any] = {"account_id": 1, "user_id": 7, "strategy": "grid", "at": NOW}
    assert limit("SELF_TRADE").applies(**who)
    assert limit("SELF_TRADE", account_id=1, user_id=7, strategy="grid").applies(**who)
    assert not limit("SELF_TRADE", account_id=2).applies(**who)
    assert not limit("SELF_TRADE", user_id=8).applies(**who)
    assert not limit("SELF_TRADE", strategy="t0").applies(**who)
    assert limit("SELF_TRADE", valid_from=NOW).applies(**who)
    assert not limit("SELF_TRADE", valid_to=NOW).applies(**who)
    assert not limit("SELF_TRADE", valid_from=NOW + timedelta(seconds=1)).applies(**who)


@pytest.mark.parametrize("name", ["platform", "user"])
@pytest.mark.parametrize(
    ("state", "buy", "sell"),
    [(TradingState.ACTIVE, True, True), (TradingState.REDUCING, False, True), (TradingState.HALTED, False, False)],
)
def test_states_above_the_account_hold_orders_back(name: str, state: TradingState, buy: bool, sell: bool) -> None:
    facts = {f"{name}_state": state}
    assert (codes(judged(facts=facts)) == []) is buy
    assert (codes(judged(facts=facts, side=Side.SELL)) == []) is sell


def test_flattening_passes_states_and_limits_but_no_rule_of_the_market() -> None:
    facts = {"platform_state": TradingState.HALTED, "usage": used(orders=100)}
    checked = judged(limit("ORDERS_PER_DAY", 1), facts=facts, side=Side.SELL, flattening=True)
    checked.account.state = TradingState.HALTED
    assert codes(checked) == []
    assert codes(replace(checked, quantity=1100)) == [Code.SELLABLE_INSUFFICIENT]
    assert codes(replace(checked, clock=clock(phase=Phase.LUNCH))) == [Code.SESSION_CLOSED]


def test_trade_date_of_the_facts_is_the_markets() -> None:
    checked = judged()
    assert checked.facts is not None
    assert checked.facts.trade_date == date(2026, 11, 20)
