"""Money between a simulated account and its bank: what the counter moves, refuses and remembers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest

from qmt.terminal.bank import BANK_NO, BankWish, bank_account_of
from qmt.terminal.types import AccountConfig, AssetEvent
from tests.terminal.desk import ALPHA, BETA, Desk

Opener = Callable[..., Desk]
RICH = AccountConfig(ALPHA, opening_cash=Decimal(100_000), opening_positions={"600001.SH": 10_000})


def wish(cents: int, *, incoming: bool = False, account: str = ALPHA, bank_account: str = "") -> BankWish:
    return BankWish(account, incoming, cents, BANK_NO, bank_account or bank_account_of(account))


@pytest.mark.parametrize(("incoming", "cash"), [(True, "100123.45"), (False, "99876.55")])
def test_transfer_moves_cash_and_is_told(open_desk: Opener, incoming: bool, cash: str) -> None:
    desk = open_desk(RICH)
    desk.exchange.drain_events()

    assert desk.exchange.bank_transfer(wish(12_345, incoming=incoming)) == ""

    assert desk.exchange.asset(ALPHA).cash == Decimal(cash)
    assert [type(event) for event in desk.exchange.drain_events()] == [AssetEvent]


def test_transfer_of_todays_proceeds_is_refused_in_words(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    desk.sell(1_000, "9.90")
    asset = desk.exchange.asset(ALPHA)
    assert asset.cash > asset.withdrawable == Decimal(100_000)

    refusal = desk.exchange.bank_transfer(wish(10_000_001))

    assert refusal == "[COUNTER] [260202] [可取资金不足 100000.00]"
    assert desk.exchange.asset(ALPHA).cash == asset.cash


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        (wish(100, account=BETA), "260001"),
        (wish(100, bank_account="6222"), "260203"),
        (wish(0), "260204"),
        (wish(-100, incoming=True), "260204"),
    ],
)
def test_transfer_that_does_not_fit_is_refused(open_desk: Opener, wanted: BankWish, number: str) -> None:
    desk = open_desk(RICH)

    assert f"[{number}]" in desk.exchange.bank_transfer(wanted)
    assert desk.exchange.asset(ALPHA).cash == Decimal(100_000)


def test_transfers_survive_the_terminal(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    desk.exchange.bank_transfer(wish(100))
    desk.exchange.bank_transfer(wish(200, incoming=True))
    today = desk.exchange.trade_date

    again = open_desk(RICH, clock=desk.clock).exchange

    rows = again.bank_transfers(ALPHA, today, today)
    assert [(row.transfer_no, row.incoming, row.amount_cents) for row in rows] == [(1, 0, 100), (2, 1, 200)]
    assert again.asset(ALPHA).cash == Decimal(100_001)
    assert again.bank_transfers(ALPHA, today + dt.timedelta(days=1), today + dt.timedelta(days=9)) == []
