"""Buying weakness with limits, selling the way back."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from trading.strategies.interface import Amount, Bars, Context, Integer, Number, Order, OrderState, Strategy, Trade

CENT = Decimal("0.01")


class MeanReversion(Strategy):
    """Bid below the average by some standard deviations, sell at the average, give up after a while (均值回归).

    It shows what the crossover does without: limit prices, cancels, fills as events, and state that survives a restart
    (`context.state` keeps how many bars a holding is old).
    """

    title = "Mean reversion"

    window = Integer(20, minimum=5, maximum=500, help="Bars of the average")
    width = Number(2.0, minimum=0.5, maximum=5.0, help="Standard deviations below the average to buy at")
    patience = Integer(10, minimum=1, maximum=250, help="Bars after which a holding is sold at any price")
    amount = Amount("20000", minimum="1000", maximum="10000000", help="CNY per symbol")

    @property
    def warm_up(self) -> int:
        return self.window

    def on_start(self, context: Context) -> None:
        context.state.setdefault("age", {})

    def on_bar(self, context: Context, bars: Bars) -> None:
        working = {order.symbol: order for order in context.orders.values()}
        for symbol in bars:
            closes = context.history(symbol, self.window)
            if len(closes) < self.window:
                continue
            if symbol in working:
                context.cancel(working[symbol].id)
                continue
            mean, spread = float(closes.mean()), float(closes.std())
            held = context.position(symbol)
            if held.quantity:
                self._leave(context, symbol, held.sellable, bars[symbol].close, mean)
            elif spread > 0 and bars[symbol].close < mean - self.width * spread:
                price = Decimal(repr(bars[symbol].close)).quantize(CENT, ROUND_DOWN)
                lots = int(self.amount / (price * 100))
                if lots:
                    context.buy(symbol, lots * 100, price=price, reason="below the band")

    def on_trade(self, context: Context, trade: Trade) -> None:
        if context.position(trade.symbol).quantity == 0:
            context.state["age"].pop(trade.symbol, None)

    def on_order(self, context: Context, order: Order) -> None:
        if order.state is OrderState.REFUSED:
            context.log("refused", symbol=order.symbol, code=order.code)

    def _leave(self, context: Context, symbol: str, sellable: int, close: float, mean: float) -> None:
        age = context.state["age"].get(symbol, 0) + 1
        context.state["age"][symbol] = age
        if not sellable:
            return
        if close >= mean:
            context.sell(symbol, sellable, reason="back at the average")
        elif age > self.patience:
            context.sell(symbol, sellable, reason="out of patience")
