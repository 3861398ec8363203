"""Pre-trade checks: each refusal with its code, its facts, and what would be allowed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.choices import AccountMode, HostKind, SessionState, TradingState
from accounts.models import BrokerAccount, QmtHost
from marketdata.models import Instrument, InstrumentDay
from ops.clocks import SHANGHAI, MarketClock
from ops.errors import Code, Denied
from qmt.calendar import Phase
from qmt.gateway import PriceType, Side
from trading.ledger.models import AccountBook, AssetSnapshot, Position
from trading.risk.checks import denials, pre_trade
from trading.risk.context import CheckContext

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=SHANGHAI)
TODAY = NOW.date()

BOARDS: dict[str, tuple[str, str, str, str, str, str]] = {
    # board → symbol, kind, tick, pre_close, limit_up, limit_down
    "MAIN": ("600519.SH", "STOCK", "0.01", "10", "11", "9"),
    "CHINEXT": ("300750.SZ", "STOCK", "0.01", "10", "12", "8"),
    "STAR": ("688981.SH", "STOCK", "0.01", "10", "12", "8"),
    "BSE": ("920001.BJ", "STOCK", "0.01", "10", "13", "7"),
    "ETF": ("510300.SH", "ETF", "0.001", "10", "11", "9"),
    "CONVERTIBLE": ("113050.SH", "CONVERTIBLE", "0.001", "10", "12", "8"),
}


def clock(**changes: Any) -> MarketClock:
    values: dict[str, Any] = {
        "host": "sim",
        "trade_date": TODAY,
        "phase": Phase.CONTINUOUS,
        "market_time": NOW,
        "simulated": True,
        "observed_at": NOW,
        "stale": False,
    }
    return MarketClock(**(values | changes))


def context(board: str = "MAIN", **changes: Any) -> CheckContext:
    """Buying 100 at 10.00 with a million in cash, 1,000 shares held; unless told otherwise."""
    symbol, kind, tick, pre_close, up, down = BOARDS[board]
    host = QmtHost(pk=1, name="sim", kind=HostKind.SIMULATED)
    account = BrokerAccount(pk=1, host=host, account_no="1", name="Alpha")
    instrument = Instrument(
        pk=1,
        symbol=symbol,
        market=symbol[-2:],
        board=board,
        kind=kind,
        tick=Decimal(tick),
        tradable=True,
        max_limit_quantity=0,
        max_market_quantity=0,
    )
    day = InstrumentDay(
        instrument=instrument,
        trade_date=TODAY,
        pre_close=Decimal(pre_close),
        limit_up=Decimal(up),
        limit_down=Decimal(down),
    )
    made = CheckContext(
        account=account,
        session_state=SessionState.READY,
        clock=clock(),
        instrument=instrument,
        day=day,
        book=AccountBook(account=account),
        asset=AssetSnapshot(account=account, cash=Decimal(1_000_000), at=NOW),
        position=Position(account=account, symbol=symbol, quantity=1000, sellable=1000),
        reserved_quantity=0,
        side=Side.BUY,
        quantity=200 if board == "STAR" else 100,
        price_type=PriceType.LIMIT,
        price=Decimal(10),
    )
    return replace(made, **changes)


def refusal(checked: CheckContext) -> tuple[Code, dict[str, Any]]:
    with pytest.raises(Denied) as denied:
        pre_trade(checked)
    return denied.value.code, denied.value.details


@pytest.mark.parametrize("board", sorted(BOARDS))
@pytest.mark.parametrize("side", list(Side))
def test_plain_order_on_every_board_passes(board: str, side: Side) -> None:
    assert list(denials(context(board, side=side))) == []


# ------------------------------------------------------------------ account and host
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"enabled": False}, Code.ACCOUNT_DISABLED),
        ({"mode": AccountMode.READ_ONLY}, Code.ACCOUNT_READ_ONLY),
        ({"mode": AccountMode.LIVE}, Code.LIVE_NOT_AVAILABLE),
        ({"state": TradingState.HALTED}, Code.ACCOUNT_HALTED),
        ({"state": TradingState.REDUCING}, Code.ACCOUNT_REDUCING),
    ],
)
def test_account_that_may_not_buy_is_denied(changes: dict[str, Any], code: Code) -> None:
    checked = context()
    for name, value in changes.items():
        setattr(checked.account, name, value)
    assert refusal(checked)[0] == code


def test_reducing_account_may_sell() -> None:
    checked = context(side=Side.SELL)
    checked.account.state = TradingState.REDUCING
    assert pre_trade(checked).quantity == 100


def test_paper_account_on_a_brokers_host_is_denied() -> None:
    checked = context()
    checked.account.host.kind = HostKind.LIVE
    assert refusal(checked)[0] == Code.PAPER_NEEDS_SIMULATED_HOST


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (SessionState.DOWN, Code.TERMINAL_DOWN),
        (SessionState.CONNECTING, Code.TERMINAL_DOWN),
        (SessionState.SICK, Code.TERMINAL_DOWN),
        (SessionState.RECONCILING, Code.RECONCILING),
    ],
)
def test_session_that_is_not_ready_is_denied(state: SessionState, code: Code) -> None:
    assert refusal(context(session_state=state))[0] == code


# -------------------------------------------------------------------- session and date
def test_stale_clock_is_denied() -> None:
    assert refusal(context(clock=clock(stale=True)))[0] == Code.MARKET_CLOCK_STALE


@pytest.mark.parametrize(
    ("phase", "opens_at"),
    [
        (Phase.CLOSED, "09:15"),
        (Phase.PRE_OPEN, "09:30"),
        (Phase.LUNCH, "13:00"),
        (Phase.AFTER_HOURS, "09:15"),
    ],
)
def test_closed_session_is_denied_and_says_when_it_opens(phase: Phase, opens_at: str) -> None:
    code, details = refusal(context(clock=clock(phase=phase)))
    assert (code, details["phase"], details["opens_at"]) == (
        Code.SESSION_CLOSED,
        phase.value,
        opens_at,
    )


@pytest.mark.parametrize(
    "phase",
    [Phase.OPEN_AUCTION, Phase.OPEN_AUCTION_NO_CANCEL, Phase.CONTINUOUS, Phase.CLOSE_AUCTION],
)
def test_open_session_passes(phase: Phase) -> None:
    assert list(denials(context(clock=clock(phase=phase)))) == []


def test_unclosed_earlier_date_is_denied() -> None:
    checked = context()
    checked.book.open_trade_date = TODAY - timedelta(days=1)
    assert refusal(checked) == (
        Code.TRADE_DATE_UNCLOSED,
        {"unclosed": "2026-11-19", "trade_date": "2026-11-20"},
    )


def test_closed_date_is_denied() -> None:
    checked = context()
    checked.book.closed_trade_date = TODAY
    assert refusal(checked)[0] == Code.TRADE_DATE_CLOSED


# ------------------------------------------------------------------------- instrument
def test_instrument_that_does_not_trade_is_denied() -> None:
    checked = context()
    checked.instrument.tradable = False
    assert refusal(checked)[0] == Code.SYMBOL_NOT_TRADABLE


@pytest.mark.parametrize("board", ["INDEX", "OTHER"])
def test_board_without_rules_is_denied(board: str) -> None:
    checked = context()
    checked.instrument.board = board
    assert refusal(checked)[0] == Code.SYMBOL_NOT_TRADABLE


def test_restricted_instrument_is_denied_with_the_reason() -> None:
    checked = context()
    checked.book.restricted = {"600519.SH": "position differs"}
    assert refusal(checked) == (
        Code.INSTRUMENT_RESTRICTED,
        {"symbol": "600519.SH", "reason": "position differs"},
    )


@pytest.mark.parametrize("known", [False, True])
def test_limits_of_another_date_are_denied(known: bool) -> None:
    checked = context()
    if known and checked.day is not None:
        checked.day.trade_date = TODAY - timedelta(days=1)
    else:
        checked = replace(checked, day=None)
    assert refusal(checked)[0] == Code.STALE_LIMITS


def test_suspended_instrument_is_denied() -> None:
    checked = context()
    assert checked.day is not None
    checked.day.suspended = True
    assert refusal(checked)[0] == Code.SYMBOL_SUSPENDED


# ------------------------------------------------------------------------------ price
def test_price_off_tick_is_denied_with_its_neighbours() -> None:
    assert refusal(context(price=Decimal("10.005"))) == (
        Code.PRICE_OFF_TICK,
        {"price": "10.005", "tick": "0.01", "below": "10", "above": "10.01"},
    )


@pytest.mark.parametrize(
    ("price", "code"),
    [
        ("11.01", Code.PRICE_ABOVE_LIMIT_UP),
        ("8.99", Code.PRICE_BELOW_LIMIT_DOWN),
        ("11.00", None),
        ("9.00", None),
    ],
)
@pytest.mark.parametrize("side", list(Side))
def test_price_limits_include_themselves(price: str, code: Code | None, side: Side) -> None:
    # In the auction: continuous trading has its price cage.
    auction = clock(phase=Phase.OPEN_AUCTION)
    found = [denial.code for denial in denials(context(price=Decimal(price), side=side, clock=auction))]
    assert found == ([] if code is None else [code])


def test_instrument_without_limits_takes_any_price_on_tick() -> None:
    checked = context(price=Decimal(400), clock=clock(phase=Phase.OPEN_AUCTION))
    assert checked.day is not None
    checked.day.limit_up = checked.day.limit_down = None
    assert list(denials(checked)) == []


def test_buy_at_the_markets_price_without_a_limit_up_is_denied() -> None:
    checked = context(price=None, price_type=PriceType.LATEST)
    assert checked.day is not None
    checked.day.limit_up = None
    assert refusal(checked)[0] == Code.PRICE_UNBOUNDED
    assert pre_trade(replace(checked, side=Side.SELL)).quantity == 100


# --------------------------------------------------------------------------- quantity
@pytest.mark.parametrize(
    ("board", "quantity", "code"),
    [
        ("MAIN", 50, Code.QUANTITY_BELOW_MINIMUM),
        ("MAIN", 150, Code.QUANTITY_OFF_LOT),
        ("CHINEXT", 300_100, Code.QUANTITY_ABOVE_MAXIMUM),
        ("STAR", 199, Code.QUANTITY_BELOW_MINIMUM),
        ("STAR", 201, None),
        ("STAR", 100_001, Code.QUANTITY_ABOVE_MAXIMUM),
        ("BSE", 99, Code.QUANTITY_BELOW_MINIMUM),
        ("BSE", 101, None),
        ("CONVERTIBLE", 5, Code.QUANTITY_BELOW_MINIMUM),
        ("CONVERTIBLE", 15, Code.QUANTITY_OFF_LOT),
        ("CONVERTIBLE", 20, None),
        ("ETF", 1_000_100, Code.QUANTITY_ABOVE_MAXIMUM),
    ],
)
def test_buy_lots_follow_the_board(board: str, quantity: int, code: Code | None) -> None:
    rich = AssetSnapshot(cash=Decimal(10**9), at=NOW)
    found = [denial.code for denial in denials(context(board, quantity=quantity, asset=rich))]
    assert found == ([] if code is None else [code])


def test_off_lot_denial_says_what_would_be_allowed() -> None:
    assert refusal(context(quantity=150))[1] == {
        "quantity": 150,
        "step": 100,
        "below": 100,
        "above": 200,
    }


@pytest.mark.parametrize(
    ("board", "held", "quantity", "passes"),
    [
        ("MAIN", 150, 150, True),
        ("MAIN", 150, 50, True),
        ("MAIN", 150, 100, True),
        ("MAIN", 150, 30, False),
        ("MAIN", 150, 120, False),
        ("STAR", 350, 350, True),
        ("STAR", 350, 201, True),
        ("STAR", 350, 150, False),
        ("STAR", 150, 150, True),
        ("STAR", 150, 100, False),
    ],
)
def test_odd_remainder_is_sold_whole(board: str, held: int, quantity: int, passes: bool) -> None:
    position = Position(quantity=held, sellable=held)
    checked = context(board, side=Side.SELL, quantity=quantity, position=position)
    codes = [denial.code for denial in denials(checked)]
    assert codes == ([] if passes else [Code.ODD_LOT_SPLIT])


def test_terminals_own_smaller_maximum_counts() -> None:
    checked = context(quantity=600)
    checked.instrument.max_limit_quantity = 500
    assert refusal(checked) == (Code.QUANTITY_ABOVE_MAXIMUM, {"quantity": 600, "maximum": 500})


# -------------------------------------------------------------------- cash and shares
def test_cash_must_cover_price_and_fees() -> None:
    enough = AssetSnapshot(cash=Decimal("1005.01"), at=NOW)
    assert pre_trade(context(asset=enough)).cash == Decimal("1005.01")
    short = AssetSnapshot(cash=Decimal("1005.00"), at=NOW)
    assert refusal(context(asset=short)) == (
        Code.CASH_INSUFFICIENT,
        {"needed": "1005.01", "available": "1005.00", "allowed_quantity": 0},
    )


def test_cash_promised_or_spent_unconfirmed_is_not_available() -> None:
    checked = context(asset=AssetSnapshot(cash=Decimal(3000), at=NOW))
    checked.book.reserved_cash = Decimal(1000)
    checked.book.unconfirmed_cash = Decimal(1000)
    assert refusal(checked)[1]["available"] == "1000.00"


def test_cash_denial_names_the_largest_affordable_quantity() -> None:
    checked = context(quantity=10_000, asset=AssetSnapshot(cash=Decimal(5100), at=NOW))
    assert refusal(checked)[1]["allowed_quantity"] == 500
    assert list(denials(replace(checked, quantity=500))) == []
    assert list(denials(replace(checked, quantity=600))) != []


def test_unknown_asset_denies_buying_not_selling() -> None:
    assert refusal(context(asset=None))[0] == Code.ASSET_UNKNOWN
    assert pre_trade(context(asset=None, side=Side.SELL)).quantity == 100


def test_selling_more_than_is_sellable_is_denied() -> None:
    bought_today = Position(quantity=1000, sellable=300)
    checked = context(side=Side.SELL, quantity=500, position=bought_today, reserved_quantity=100)
    assert refusal(checked) == (
        Code.SELLABLE_INSUFFICIENT,
        {
            "symbol": "600519.SH",
            "quantity": 500,
            "held": 1000,
            "sellable": 300,
            "reserved": 100,
            "allowed_quantity": 200,
        },
    )


def test_selling_what_is_not_held_is_denied() -> None:
    code, details = refusal(context(side=Side.SELL, position=None))
    assert (code, details["allowed_quantity"]) == (Code.SELLABLE_INSUFFICIENT, 0)
