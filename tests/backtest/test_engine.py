"""When orders meet the market, what becomes of them, and what the strategy is told."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from marketdata.quotes.periods import day_number
from marketdata.services.adjust import ExEvent
from qmt.gateway import PriceType
from tests.backtest.tapes import (
    PLAIN,
    A,
    Scripted,
    at_day,
    daily,
    flat,
    last_state,
    minutes,
    run,
    tape,
    weekdays,
)
from trading.backtest.matching import FillModel
from trading.backtest.tape import Tape
from trading.strategies.interface import Bars, Context, OrderState, StrategyError

D1, D2, D3, D4, D5 = weekdays(5)


def test_order_on_a_daily_close_trades_at_the_next_open() -> None:
    script = Scripted(at_day({D1: lambda context: context.buy(A, 100, reason="in")}))
    result = run(script, tape(daily(A, {D1: flat(10), D2: (10.2, 10.5, 10.1, 10.4), D3: flat(10.4)})))
    assert [(trade.price, trade.quantity, trade.reason) for trade in result.trades] == [(Decimal("10.20"), 100, "in")]
    assert script.told == [
        ("01-03 09:30", "WORKING", ""),
        ("01-03 15:00", "TRADE", "100@10.20"),
        ("01-03 15:00", "FILLED", ""),
    ]


def test_order_id_follows_from_the_bar_it_was_asked_on() -> None:
    ids: list[str] = []
    script = Scripted(at_day({D1: lambda context: ids.extend([context.buy(A, 100), context.buy(A, 200)])}))
    on = tape(daily(A, {D1: flat(10), D2: flat(10)}))
    run(script, on)
    assert ids == [f"1d:{on.instants[0]}/1", f"1d:{on.instants[0]}/2"]


def test_limit_within_the_bar_trades_at_the_limit() -> None:
    script = Scripted(at_day({D1: lambda context: context.buy(A, 100, price=Decimal("9.80"))}))
    result = run(script, tape(daily(A, {D1: flat(10), D2: (10, 10.1, 9.7, 10)})))
    assert result.trades[0].price == Decimal("9.80")


def test_limit_that_is_only_touched_does_not_trade_unless_the_model_says_so() -> None:
    on = tape(daily(A, {D1: flat(10), D2: (10, 10.1, 9.8, 10)}))

    def asked() -> Scripted:
        return Scripted(at_day({D1: lambda context: context.buy(A, 100, price=Decimal("9.80"))}))

    assert last_state(run(asked(), on)) is OrderState.CANCELLED
    touching = FillModel(participation_permille=1000, slippage_bp=0, touch_fills=True)
    assert last_state(run(asked(), on, fills=touching)) is OrderState.FILLED


def test_limit_that_the_open_accepts_trades_at_the_open() -> None:
    script = Scripted(at_day({D1: lambda context: context.buy(A, 100, price=Decimal("10.35"))}))
    result = run(script, tape(daily(A, {D1: flat(10), D2: (10.2, 10.4, 10.1, 10.3)})))
    assert result.trades[0].price == Decimal("10.20")


def test_order_unfilled_at_the_close_ends_with_its_date() -> None:
    script = Scripted(at_day({D1: lambda context: context.buy(A, 100, price=Decimal("9.50"))}))
    result = run(script, tape(daily(A, {D1: flat(10), D2: flat(10), D3: flat(9)})))
    assert not result.trades
    assert script.told == [("01-03 09:30", "WORKING", ""), ("01-03 15:00", "CANCELLED", "")]


def test_shares_bought_today_cannot_be_sold_today_but_tomorrow() -> None:
    def script(context: Context, bars: Bars) -> None:
        if context.now.strftime("%H:%M") == "09:31":
            context.buy(A, 100)
        if context.position(A).quantity:
            context.sell(A, 100)

    at = [f"2024-01-0{day} 09:3{minute}" for day in (2, 3) for minute in (1, 2, 3)]
    strategy = Scripted(script)
    run(strategy, Tape("1m", [minutes(A, dict.fromkeys(at, flat(10)))], 0))
    assert strategy.told[:5] == [
        ("01-02 09:31", "WORKING", ""),
        ("01-02 09:32", "TRADE", "100@10.00"),
        ("01-02 09:32", "FILLED", ""),
        ("01-02 09:32", "REFUSED", "SELLABLE_INSUFFICIENT"),
        ("01-02 09:33", "REFUSED", "SELLABLE_INSUFFICIENT"),
    ]
    assert ("01-03 09:31", "WORKING", "") in strategy.told


def test_same_day_instrument_is_sold_the_day_it_was_bought() -> None:
    fund = "518880.SH"

    def script(context: Context, bars: Bars) -> None:
        (context.sell if context.position(fund).quantity else context.buy)(fund, 100)

    at = [f"2024-01-02 09:3{minute}" for minute in (1, 2, 3)]
    result = run(Scripted(script), Tape("1m", [minutes(fund, dict.fromkeys(at, flat(5)), t_plus=0, tick_milli=1)], 0))
    assert [str(trade.side) for trade in result.trades] == ["BUY", "SELL"]


@pytest.mark.parametrize(
    ("quantity", "price", "code"),
    [
        (150, None, "QUANTITY_OFF_LOT"),
        (50, None, "QUANTITY_BELOW_MINIMUM"),
        (1_000_100, None, "QUANTITY_ABOVE_MAXIMUM"),
        (100, "10.005", "PRICE_OFF_TICK"),
        (100, "11.01", "PRICE_ABOVE_LIMIT_UP"),
        (100, "8.99", "PRICE_BELOW_LIMIT_DOWN"),
    ],
)
def test_order_against_a_rule_is_refused_with_its_code(quantity: int, price: str | None, code: str) -> None:
    limit = Decimal(price) if price else None
    script = Scripted(at_day({D1: lambda context: context.buy(A, quantity, price=limit)}))
    result = run(script, tape(daily(A, {D1: flat(10), D2: flat(10)})), capital="100000000")
    assert result.orders[0].order.code == code
    assert not result.trades


def test_suspended_instrument_is_refused_and_trades_again_later() -> None:
    other = daily("000001.SZ", dict.fromkeys((D1, D2, D3, D4), flat(5)))
    buys = {day: (lambda context: context.buy(A, 100)) for day in (D1, D3)}
    script = Scripted(at_day(buys))
    result = run(script, tape(daily(A, {D1: flat(10), D3: flat(10), D4: flat(10)}), other))
    assert [placed.order.code for placed in result.orders] == ["SYMBOL_SUSPENDED", ""]
    assert [trade.ts for trade in result.trades] == [
        int(dt.datetime.fromisoformat(f"{D4}T15:00+08:00").timestamp() * 1000)
    ]


def test_nothing_is_bought_at_the_upper_limit_all_day_nor_sold_at_the_lower() -> None:
    up = tape(daily(A, {D1: flat(10), D2: flat(11), D3: flat(11)}))
    assert last_state(run(Scripted(at_day({D1: lambda context: context.buy(A, 100)})), up)) is OrderState.CANCELLED
    script = Scripted(at_day({D1: lambda context: context.buy(A, 100), D2: lambda context: context.sell(A, 100)}))
    down = tape(daily(A, {D1: flat(10), D2: flat(10), D3: flat(9), D4: flat(9)}))
    assert last_state(run(script, down)) is OrderState.CANCELLED


def test_limit_of_an_st_share_is_half_as_wide() -> None:
    script = Scripted(at_day({D1: lambda context: context.buy(A, 100, price=Decimal("10.60"))}))
    result = run(script, tape(daily(A, {D1: flat(10), D2: flat(10)}, st_days=[(day_number(D1), True)])))
    assert result.orders[0].order.code == "PRICE_ABOVE_LIMIT_UP"


def test_participation_bounds_each_bar_and_the_rest_goes_on() -> None:
    model = FillModel(participation_permille=100, slippage_bp=0)

    def script(context: Context, bars: Bars) -> None:
        if context.now.strftime("%H:%M") == "09:31":
            context.buy(A, 2_500, price=Decimal("10.10"))

    at = [f"2024-01-02 09:3{minute}" for minute in range(1, 6)]
    prices = [flat(10), (10.05, 10.1, 10, 10.1), (10.05, 10.1, 10, 10.1), flat(10), flat(10)]
    strategy = Scripted(script)
    run(strategy, Tape("1m", [minutes(A, dict(zip(at, prices, strict=True)), volume=12_345)], 0), fills=model)
    # 10% of 12,345 are 1,234: whole lots. Waiting in the book it gets its limit, where it came in the open.
    assert [(trade.quantity, trade.price) for trade in strategy.trades] == [
        (1_200, Decimal("10.05")),
        (1_200, Decimal("10.10")),
        (100, Decimal("10.10")),
    ]


def test_orders_of_one_instrument_share_a_bars_room_in_turn() -> None:
    model = FillModel(participation_permille=100, slippage_bp=0)
    script = Scripted(at_day({D1: lambda context: [context.buy(A, 800, reason="a"), context.buy(A, 800, reason="b")]}))
    result = run(script, tape(daily(A, {D1: flat(10), D2: flat(10)}, volume=10_000)), fills=model)
    assert [(trade.reason, trade.quantity) for trade in result.trades] == [("a", 800), ("b", 200)]


def test_slippage_is_paid_up_to_the_tick_and_never_beyond_the_limit() -> None:
    model = FillModel(participation_permille=1000, slippage_bp=5)
    on = tape(daily(A, {D1: flat(30), D2: flat(30), D3: flat(30)}))
    script = at_day({D1: lambda context: context.buy(A, 100), D2: lambda context: context.sell(A, 100)})
    assert [trade.price for trade in run(Scripted(script), on, fills=model).trades] == [
        Decimal("30.02"),
        Decimal("29.98"),
    ]
    capped = at_day({D1: lambda context: context.buy(A, 100, price=Decimal("30.01"))})
    assert run(Scripted(capped), on, fills=model).trades[0].price == Decimal("30.01")


def test_cash_has_to_bear_the_worst_price_and_is_free_again() -> None:
    # 100 shares at the upper limit of 11.00 take 1,100 CNY, and a transfer fee.
    on = tape(daily(A, {D1: flat(10), D2: flat(10)}))
    asked = at_day({D1: lambda context: context.buy(A, 100)})
    assert run(Scripted(asked), on, capital="1100.01").orders[0].order.code == "CASH_INSUFFICIENT"
    result = run(Scripted(asked), on, capital="1100.02")
    assert (result.days[-1].cash, result.days[-1].holdings) == (Decimal("100.01"), Decimal(1000))


def test_account_with_more_money_bears_what_the_capital_does_not() -> None:
    on = tape(daily(A, {D1: flat(10), D2: flat(10)}))
    asked = at_day({D1: lambda context: context.buy(A, 100)})
    result = run(Scripted(asked), on, capital="1000", account_cash=Decimal(5000))
    assert result.days[-1].cash == Decimal("-0.01")  # the transfer fee: the account has it


def test_fees_follow_the_dated_rules() -> None:
    days = weekdays(3, dt.date(2023, 8, 23)) + weekdays(2, dt.date(2023, 8, 28))
    script = at_day(
        {
            days[0]: lambda context: context.buy(A, 2_000),
            days[1]: lambda context: context.sell(A, 1_000),
            days[3]: lambda context: context.sell(A, 1_000),
        }
    )
    result = run(
        Scripted(script),
        tape(daily(A, dict.fromkeys(days, flat(10)))),
        commission_rate=Decimal("0.00025"),
        minimum_commission=Decimal(5),
    )
    # Commission 5, transfer fee 0.001%; stamp duty 0.1% until 2023-08-27, 0.05% since.
    assert [trade.fees for trade in result.trades] == [Decimal("5.20"), Decimal("15.10"), Decimal("10.10")]


def test_ex_date_is_booked_and_history_reads_as_of_each_day() -> None:
    event = ExEvent(
        day_number(D4), interest=1.0, stock_bonus=1.0, stock_gift=0.0, allot_num=0.0, allot_price=0.0, dr=2.2
    )
    bars = {D1: flat(10), D2: flat(10), D3: flat(11), D4: flat(5), D5: flat(5)}
    seen: dict[dt.date, tuple[list[float], list[float]]] = {}

    def script(context: Context, _bars: Bars) -> None:
        if context.trade_date == D1:
            context.buy(A, 100)
        seen[context.trade_date] = (context.history(A, 3).tolist(), context.panel(2)[:, 0].tolist())

    result = run(Scripted(script), tape(daily(A, bars, reference={D4: 5.0}, events=[event])))
    assert seen[D3] == ([10, 10, 11], [10, 11])
    assert seen[D4] == ([4.5, 5.0, 5.0], [5.0, 5.0])
    assert [(entry.cash, entry.shares) for entry in result.ex_dates] == [(Decimal(100), 100)]
    assert (result.days[-1].cash, result.days[-1].holdings) == (Decimal("999099.99"), Decimal(1000))


def test_suspended_over_an_ex_date_holdings_are_valued_in_the_new_terms() -> None:
    event = ExEvent(
        day_number(D3), interest=0.0, stock_bonus=1.0, stock_gift=0.0, allot_num=0.0, allot_price=0.0, dr=2.0
    )
    other = daily("000001.SZ", dict.fromkeys((D1, D2, D3, D4), flat(5)))
    script = at_day({D1: lambda context: context.buy(A, 100)})
    result = run(Scripted(script), tape(daily(A, {D1: flat(10), D2: flat(10)}, events=[event]), other))
    assert [day.holdings for day in result.days] == [0, Decimal(1000), Decimal(1000), Decimal(1000)]


def test_cancel_before_the_auction_and_in_continuous_trading_works_not_in_the_closing_auction() -> None:
    def script(context: Context, bars: Bars) -> None:
        moment = context.now.strftime("%H:%M")
        if moment in ("14:55", "14:57"):
            context.buy(A, 100, price=Decimal("9.90"))
        if moment in ("14:56", "14:58"):
            for order_id in context.orders:
                context.cancel(order_id)

    at = [f"2024-01-02 14:{minute}" for minute in range(54, 60)] + ["2024-01-02 15:00"]
    strategy = Scripted(script)
    run(strategy, Tape("1m", [minutes(A, dict.fromkeys(at, flat(10)))], 0))
    assert strategy.told == [
        ("01-02 14:55", "WORKING", ""),
        ("01-02 14:56", "CANCELLED", ""),
        ("01-02 14:57", "WORKING", ""),
        ("01-02 15:00", "CANCELLED", ""),
    ]


def test_order_taken_back_where_it_was_asked_is_made_and_ends() -> None:
    script = Scripted(at_day({D1: lambda context: context.cancel(context.buy(A, 100))}))
    run(script, tape(daily(A, {D1: flat(10), D2: flat(10)})))
    assert script.told == [("01-02 15:00", "CANCELLED", "")]


def test_price_cage_holds_in_continuous_trading_only() -> None:
    def script(context: Context, bars: Bars) -> None:
        if context.now.strftime("%H:%M") in ("09:31", "14:57"):
            context.buy(A, 100, price=Decimal("10.30"))

    at = ["2024-01-02 09:31", "2024-01-02 14:57", "2024-01-02 15:00"]
    result = run(Scripted(script), Tape("1m", [minutes(A, dict.fromkeys(at, flat(10)))], 0))
    assert [placed.order.code for placed in result.orders] == ["PRICE_OUTSIDE_CAGE", ""]
    assert result.trades[0].price == Decimal("10.00")


def test_evening_order_is_placed_after_the_opening_auction_and_within_the_cage_around_it() -> None:
    def script(context: Context, bars: Bars) -> None:
        if context.now.strftime("%d %H:%M") == "02 15:00":
            context.buy(A, 100, price=Decimal("10.20"), reason="in")
            context.buy(A, 100, price=Decimal("10.50"), reason="out")

    at = ["2024-01-02 15:00", "2024-01-03 09:30", "2024-01-03 09:31"]
    prices = dict(zip(at, (flat(10), flat(10.1), (10.12, 10.15, 10.1, 10.1)), strict=True))
    strategy = Scripted(script)
    run(strategy, Tape("1m", [minutes(A, prices)], 0))
    assert strategy.told == [
        ("01-03 09:30", "WORKING", ""),
        ("01-03 09:30", "REFUSED", "PRICE_OUTSIDE_CAGE"),
        ("01-03 09:31", "TRADE", "100@10.12"),
        ("01-03 09:31", "FILLED", ""),
    ]


def test_market_kind_needs_continuous_trading_and_its_rest_is_cancelled() -> None:
    model = FillModel(participation_permille=10, slippage_bp=0)

    def script(context: Context, bars: Bars) -> None:
        if context.now.strftime("%H:%M") in ("09:31", "14:58"):
            context.buy(A, 2_000, price_type=PriceType.BEST5_CANCEL)

    at = ["2024-01-02 09:31", "2024-01-02 09:32", "2024-01-02 14:58"]
    strategy = Scripted(script)
    result = run(strategy, Tape("1m", [minutes(A, dict.fromkeys(at, flat(10)))], 0), fills=model)
    assert strategy.told == [
        ("01-02 09:31", "WORKING", ""),
        ("01-02 09:32", "TRADE", "1000@10.00"),
        ("01-02 09:32", "WORKING", ""),
        ("01-02 09:32", "CANCELLED", ""),
        ("01-02 14:58", "REFUSED", "PRICE_TYPE_NEEDS_CONTINUOUS"),
    ]
    assert result.orders[0].order.filled == 1_000


def test_order_asked_when_told_of_an_order_is_placed_then() -> None:
    class Chaser(Scripted):
        def on_order(self, context: Context, order: object) -> None:
            super().on_order(context, order)  # type: ignore[arg-type]
            if self.orders[-1].code == "QUANTITY_OFF_LOT":
                context.buy(A, 100)

    strategy = Chaser(at_day({D1: lambda context: context.buy(A, 150)}))
    result = run(strategy, tape(daily(A, {D1: flat(10), D2: flat(10)})))
    assert [trade.quantity for trade in result.trades] == [100]


def test_orders_that_lead_to_orders_without_end_are_stopped() -> None:
    class Loop(Scripted):
        def on_order(self, context: Context, order: object) -> None:
            context.sell(A, 100)

    with pytest.raises(StrategyError, match="more than 10000 events"):
        run(Loop(at_day({D1: lambda context: context.sell(A, 100)})), tape(daily(A, {D1: flat(10)})))


def test_stop_sends_cancels_and_no_orders() -> None:
    class Leaving(Scripted):
        def on_stop(self, context: Context) -> None:
            for order_id in context.orders:
                context.cancel(order_id)
            context.buy(A, 100)

    strategy = Leaving(at_day({D2: lambda context: context.buy(A, 100)}))
    result = run(strategy, tape(daily(A, {D1: flat(10), D2: flat(10)})))
    assert [str(placed.order.state) for placed in result.orders] == ["CANCELLED"]


def test_warm_up_is_history_and_not_a_call() -> None:
    seen: list[tuple[dt.date, int]] = []
    script = Scripted(lambda context, _bars: seen.append((context.trade_date, len(context.history(A, 5)))))
    run(script, tape(daily(A, dict.fromkeys((D1, D2, D3, D4), flat(10))), start=D3))
    assert seen == [(D3, 3), (D4, 4)]


def test_front_adjusted_history_has_no_limits_and_trades_on_the_tick() -> None:
    script = Scripted(at_day({D1: lambda context: context.buy(A, 100)}))
    result = run(script, tape(daily(A, {D1: flat(10.0012), D2: (13.3337, 13.4, 13.3, 13.3)})), is_raw=False)
    assert not result.trades  # a latest price is bounded by what money was set aside for
    higher = at_day({D1: lambda context: context.buy(A, 100, price=Decimal("13.50"))})
    result = run(Scripted(higher), tape(daily(A, {D1: flat(10.0012), D2: (13.3337, 13.4, 13.3, 13.3)})), is_raw=False)
    assert result.trades[0].price == Decimal("13.33")


def test_the_accounts_money_and_the_runs_own_book_agree() -> None:
    acts = {D1: lambda context: context.buy(A, 1_000), D3: lambda context: context.sell(A, 400)}
    prices = {D1: flat(10), D2: (10.1, 10.2, 9.9, 10), D3: flat(10.5), D4: (10.6, 10.7, 10.5, 10.6)}
    result = run(
        Scripted(at_day(acts)),
        tape(daily(A, prices)),
        fills=PLAIN,
        commission_rate=Decimal("0.0003"),
        minimum_commission=Decimal(5),
    )
    spent = sum((t.price * t.quantity * (1 if t.side == "BUY" else -1) + t.fees for t in result.trades), Decimal(0))
    assert result.days[-1].cash == Decimal(1_000_000) - spent
    assert result.days[-1].holdings == Decimal("10.6") * 600
