"""Trend following on two moving averages."""

from __future__ import annotations

from decimal import Decimal

from trading.strategies.interface import Amount, Bars, Context, Integer, Strategy


class MovingAverageCrossover(Strategy):
    """Buy when the fast average closes above the slow one, sell when it closes below (双均线).

    Each symbol gets the same amount of money. Purchases are rounded down to whole lots of 100 shares.
    """

    title = "Moving-average crossover"

    fast = Integer(5, minimum=1, maximum=250, help="Bars of the fast average")
    slow = Integer(20, minimum=2, maximum=500, help="Bars of the slow average")
    amount = Amount("20000", minimum="1000", maximum="10000000", help="CNY per symbol")

    @property
    def warm_up(self) -> int:
        return self.slow + 1

    def on_start(self, context: Context) -> None:
        if self.fast >= self.slow:
            raise ValueError("the fast average has to be shorter than the slow one")
        context.log("following", symbols=len(context.symbols), fast=self.fast, slow=self.slow)

    def on_bar(self, context: Context, bars: Bars) -> None:
        busy = {order.symbol for order in context.orders.values()}
        for symbol in bars:
            closes = context.history(symbol, self.slow + 1)
            if len(closes) <= self.slow or symbol in busy:
                continue
            above = closes[-self.fast :].mean() > closes[-self.slow :].mean()
            was_above = closes[-self.fast - 1 : -1].mean() > closes[-self.slow - 1 : -1].mean()
            held = context.position(symbol)
            if above and not was_above and held.quantity == 0:
                lots = int(self.amount / (Decimal(repr(bars[symbol].close)) * 100))
                if lots:
                    context.buy(symbol, lots * 100, reason="cross above")
            elif was_above and not above and held.sellable:
                context.sell(symbol, held.sellable, reason="cross below")
