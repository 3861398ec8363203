"""Accounts, holdings, orders and fills of the simulated broker, and the arithmetic between them.

All money is integer cents, prices integer thousandths of a yuan. Three sums always hold:

* ``frozen_cents`` of an account = sum of ``frozen_cents`` of its orders;
* ``frozen`` of a holding = sum of the open quantity of its sell orders;
* opening cash + proceeds − purchases − fees + dividends + paid in − paid out = ``cash_cents`` + ``frozen_cents``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from qmt.codes import Kind
from qmt.fees import Tariff, accrued_commission, estimated_buy_fees, fill_fees
from qmt.gateway import Side
from qmt.money import divide_half_up, notional_cents
from qmt.terminal.types import CorporateAction, OrderStatus


@dataclass(slots=True)
class Account:
    """Money of an account."""

    account_id: str
    account_type: int
    cash_cents: int
    """Buying power."""
    frozen_cents: int = 0
    proceeds_today_cents: int = 0
    """Sold for today: buys already, can be withdrawn tomorrow."""

    @property
    def withdrawable_cents(self) -> int:
        """What may be paid out now: neither frozen nor sold for today."""
        return max(self.cash_cents - self.proceeds_today_cents, 0)


@dataclass(slots=True)
class Holding:
    """Shares of one instrument in one account."""

    account_id: str
    symbol: str
    quantity: int = 0
    frozen: int = 0
    on_road: int = 0
    yesterday: int = 0
    cost_cents: int = 0
    """What the shares cost, fees included."""
    paid_cents: int = 0
    """What the shares cost, without fees."""

    @property
    def sellable(self) -> int:
        """Shares that may be sold now."""
        return self.quantity - self.frozen - self.on_road


@dataclass(slots=True)
class Order:
    """An order the terminal accepted."""

    order_id: int
    trade_date: dt.date
    account_id: str
    symbol: str
    side: Side
    quantity: int
    price_type: int
    price_milli: int
    strategy_name: str
    remark: str
    order_time: int
    status: OrderStatus = OrderStatus.UNREPORTED
    status_msg: str = ""
    traded_quantity: int = 0
    traded_cents: int = 0
    frozen_cents: int = 0
    commission_accrued: int = 0
    commission_charged: int = 0
    order_sysid: str = ""
    """The exchange's number, once it has the order."""

    @property
    def open_quantity(self) -> int:
        """Shares still to trade; 0 once the order is final."""
        return 0 if self.status.is_final else self.quantity - self.traded_quantity


@dataclass(frozen=True, slots=True)
class Fill:
    """A trade of an order."""

    fill_no: int
    trade_date: dt.date
    account_id: str
    order_id: int
    symbol: str
    side: Side
    price_milli: int
    quantity: int
    amount_cents: int
    commission_cents: int
    transfer_fee_cents: int
    stamp_duty_cents: int
    traded_time: int

    @property
    def traded_id(self) -> str:
        """The exchange's trade number."""
        return f"SIMT{self.fill_no}"


@dataclass(frozen=True, slots=True)
class BankTransfer:
    """Money that moved between the account and its bank (银证转账). What the bank has is not ours to know."""

    transfer_no: int
    trade_date: dt.date
    account_id: str
    incoming: int
    """1: from the bank; 0: to it."""
    amount_cents: int
    bank_no: str
    bank_account: str
    transfer_time: int


class Book:
    """One account with its holdings.

    Parameters
    ----------
    account
        Its money.
    tariff
        What the broker charges.
    holdings
        What it holds.
    """

    def __init__(self, account: Account, tariff: Tariff, holdings: list[Holding]) -> None:
        self.account = account
        self.tariff = tariff
        self.holdings = {holding.symbol: holding for holding in holdings}

    def holding(self, symbol: str) -> Holding:
        """The holding of a symbol, empty when there is none yet."""
        if symbol not in self.holdings:
            self.holdings[symbol] = Holding(self.account.account_id, symbol)
        return self.holdings[symbol]

    def sellable(self, symbol: str) -> int:
        """Shares of a symbol that may be sold now."""
        return self.holdings[symbol].sellable if symbol in self.holdings else 0

    def buy_requirement(self, kind: Kind, price_milli: int, quantity: int, day: dt.date, charged: int = 0) -> int:
        """Cents to freeze for a buy: its amount at the limit and the fees it may cost."""
        amount = notional_cents(price_milli, quantity)
        return amount + estimated_buy_fees(kind=kind, amount_cents=amount, day=day, tariff=self.tariff, charged=charged)

    def freeze(self, order: Order, kind: Kind) -> None:
        """Set aside what an accepted order needs. The caller has checked that it is there."""
        if order.side is Side.SELL:
            self.holding(order.symbol).frozen += order.quantity
            return
        needed = self.buy_requirement(kind, order.price_milli, order.quantity, order.trade_date)
        self._refreeze(order, needed)

    def reprice(self, order: Order, price_milli: int, kind: Kind) -> None:
        """Turn an order into a limit order at a better price; a buy needs less money then."""
        order.price_milli = price_milli
        if order.side is Side.BUY:
            needed = self.buy_requirement(
                kind, price_milli, order.open_quantity, order.trade_date, order.commission_charged
            )
            self._refreeze(order, min(needed, self.account.cash_cents + order.frozen_cents))

    def release(self, order: Order) -> None:
        """Give back what an order still holds; call before it becomes final."""
        if order.side is Side.SELL:
            self.holding(order.symbol).frozen -= order.open_quantity
        else:
            self._refreeze(order, 0)

    def fill(
        self, order: Order, *, fill_no: int, price_milli: int, quantity: int, traded_time: int, kind: Kind, t_plus: int
    ) -> Fill:
        """Book one fill: money, fees, shares, and the order's own sums and status."""
        account, holding = self.account, self.holding(order.symbol)
        amount = notional_cents(price_milli, quantity)
        fees = fill_fees(
            kind=kind, side=order.side, amount_cents=amount, day=order.trade_date, tariff=self.tariff,
            accrued_before=order.commission_accrued, is_first=order.traded_quantity == 0,
        )  # fmt: skip
        order.commission_accrued += accrued_commission(amount, self.tariff)
        order.traded_quantity += quantity
        order.traded_cents += amount
        if order.side is Side.BUY:
            # Rounding every fill may cost cents more than was frozen; never more than the account has.
            fees = fees.capped(order.frozen_cents + account.cash_cents - amount)
            order.commission_charged += fees.commission
            account.cash_cents += order.frozen_cents - amount - fees.total
            account.frozen_cents -= order.frozen_cents
            order.frozen_cents = 0
            self._add_shares(holding, quantity, amount, fees.total, t_plus)
        else:
            fees = fees.capped(account.cash_cents + amount)
            order.commission_charged += fees.commission
            account.cash_cents += amount - fees.total
            account.proceeds_today_cents += amount - fees.total
            self._take_shares(holding, quantity)
        finished = order.traded_quantity == order.quantity
        if finished:
            order.status = OrderStatus.SUCCEEDED
        elif order.status not in (OrderStatus.REPORTED_CANCEL, OrderStatus.PARTSUCC_CANCEL):
            order.status = OrderStatus.PART_SUCC
        else:
            order.status = OrderStatus.PARTSUCC_CANCEL
        if order.side is Side.BUY and not finished:
            needed = self.buy_requirement(
                kind, order.price_milli, order.open_quantity, order.trade_date, order.commission_charged
            )
            self._refreeze(order, min(needed, account.cash_cents))
        return Fill(
            fill_no, order.trade_date, order.account_id, order.order_id, order.symbol, order.side, price_milli, quantity,
            amount, fees.commission, fees.transfer_fee, fees.stamp_duty, traded_time,
        )  # fmt: skip

    def pay(self, amount_cents: int, *, incoming: bool) -> None:
        """Money from the bank, or to it; the caller has checked that it is there."""
        self.account.cash_cents += amount_cents if incoming else -amount_cents

    def settle(self) -> list[Holding]:
        """Overnight: bought shares become sellable, empty holdings go. Returns what changed, the gone ones included."""
        self.account.proceeds_today_cents = 0
        changed = list(self.holdings.values())
        for holding in changed:
            holding.on_road = 0
            holding.yesterday = holding.quantity
        self.holdings = {holding.symbol: holding for holding in changed if holding.quantity}
        return changed

    def apply_action(self, action: CorporateAction) -> Holding | None:
        """Book an ex-date: cash dividend (before tax) and new shares, whole shares only. None when nothing is held.

        An allotment (配股) is an offer; the simulated account does not take it up.
        """
        holding = self.holdings.get(action.symbol)
        if holding is None or not holding.quantity:
            return None
        cash = int(holding.quantity * action.cash * 100)
        self.account.cash_cents += cash
        holding.cost_cents -= cash
        holding.paid_cents -= cash
        new = int(holding.quantity * (action.bonus + action.gift))
        holding.quantity += new
        holding.yesterday += new
        return holding

    def _refreeze(self, order: Order, cents: int) -> None:
        difference = cents - order.frozen_cents
        order.frozen_cents = cents
        self.account.cash_cents -= difference
        self.account.frozen_cents += difference

    @staticmethod
    def _add_shares(holding: Holding, quantity: int, amount: int, fees: int, t_plus: int) -> None:
        holding.quantity += quantity
        holding.on_road += quantity if t_plus else 0
        holding.cost_cents += amount + fees
        holding.paid_cents += amount

    @staticmethod
    def _take_shares(holding: Holding, quantity: int) -> None:
        before = holding.quantity
        holding.frozen -= quantity
        holding.quantity -= quantity
        if holding.quantity:
            holding.cost_cents -= divide_share(holding.cost_cents, quantity, before)
            holding.paid_cents -= divide_share(holding.paid_cents, quantity, before)
        else:
            holding.cost_cents = holding.paid_cents = 0


def divide_share(total: int, part: int, whole: int) -> int:
    """``total × part / whole`` rounded half-up; ``total`` may be negative (dividends above cost)."""
    if total < 0:
        return -divide_half_up(-total * part, whole)
    return divide_half_up(total * part, whole)
