"""The form of a submission: every malformed field is refused here, before anything is read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final, TypeVar

from ops.errors import Code, Invalid
from ops.inputs import shown
from qmt.gateway import PriceType, Side
from trading.ledger.wire import plain
from trading.orders.subscriptions import SUBSCRIPTION_KEY

MAX_QUANTITY = 10**12
MAX_PRICE = Decimal(10**7)
PRICE_DECIMALS = 6
MAX_EXPONENT = 30
MAX_KEY_LENGTH = 64
MAX_SYMBOL_LENGTH = 16
MAX_STRATEGY_LENGTH = 64
EXECUTION_KEY = "exec:"
"""Beginning of the keys of executions' children: nobody else's order may stand in a child's place."""
AUTOMATIC_KEY = "auto:"
"""Beginning of the keys of orders that a program of the platform places by itself."""

_RESERVED_KEYS: Final = (EXECUTION_KEY, SUBSCRIPTION_KEY, AUTOMATIC_KEY)

#: Words that ask for orders which the platform does not place; see `docs/orders.md`.
_NOT_BUILT: Final = {
    "side": {
        **dict.fromkeys(("MARGIN_BUY", "SHORT_SELL", "BUY_TO_COVER", "SELL_TO_REPAY", "DIRECT_REPAY"), "credit"),
        **dict.fromkeys(("OPEN_LONG", "CLOSE_LONG", "OPEN_SHORT", "CLOSE_SHORT", "EXERCISE"), "futures and options"),
        **dict.fromkeys(("PURCHASE", "REDEEM"), "ETF creation and redemption"),
        **dict.fromkeys(("SUBSCRIBE", "CONVERT"), "subscription and conversion through an order"),
    },
    "price_type": {"AFTER_HOURS_FIXED": "after-hours fixed price"},
}
#: Markets of the SDK whose instruments are futures and options.
_DERIVATIVE_MARKETS: Final = frozenset({"SF", "DF", "ZF", "IF", "INE", "GF", "SHO", "SZO"})

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A well-formed wish; whether it may be had is another question.

    ``price`` is None for the latest price; for a market kind it is the protection limit price, if there is one.
    """

    symbol: str
    side: Side
    quantity: int
    price_type: PriceType
    price: Decimal | None
    client_order_id: str | None
    strategy: str = ""

    @classmethod
    def parse(
        cls,
        *,
        symbol: Any,
        side: Any,
        quantity: Any,
        price_type: Any,
        price: Any,
        client_order_id: Any,
        strategy: Any = None,
        reserved_key: bool = False,
    ) -> Ticket:
        """Read the fields of a request.

        Parameters
        ----------
        reserved_key
            The key is the platform's own; everybody else's may not begin as those do.

        Raises
        ------
        Invalid
            The first malformed field, named.
        """
        for name, value in (("symbol", symbol), ("side", side), ("quantity", quantity), ("price_type", price_type)):
            if value is None:
                raise Invalid(Code.FIELD_REQUIRED, field=name)
        if not isinstance(symbol, str) or not symbol.isascii() or not 0 < len(symbol.strip()) <= MAX_SYMBOL_LENGTH:
            raise Invalid(Code.SYMBOL_UNKNOWN, field="symbol", symbol=shown(symbol))
        _refuse_unbuilt(symbol, side, price_type)
        kind = _choice(PriceType, price_type, Code.PRICE_TYPE_UNKNOWN, "price_type")
        return cls(
            symbol=symbol.strip().upper(),
            side=_choice(Side, side, Code.SIDE_UNKNOWN, "side"),
            quantity=_quantity(quantity),
            price_type=kind,
            price=_price(price, kind),
            client_order_id=key_of(client_order_id, field="client_order_id", reserved=reserved_key),
            strategy=strategy_of(strategy),
        )

    def digest(self, symbol: str) -> str:
        """What the request asked for, as one text that equal requests share.

        Parameters
        ----------
        symbol
            The full symbol: ``600519`` and ``600519.SH`` ask for the same.
        """
        content = [symbol, self.side, str(self.quantity), self.price_type, plain(self.price)]
        content += [self.strategy] if self.strategy else []
        return hashlib.sha256(json.dumps(content).encode("ascii")).hexdigest()


def _refuse_unbuilt(symbol: str, side: Any, price_type: Any) -> None:
    """Kinds of orders that people know from their terminal and that are not built: said so, not "unknown"."""
    for field, value in (("side", side), ("price_type", price_type)):
        kind = _NOT_BUILT[field].get(value) if isinstance(value, str) else None
        if kind is not None:
            raise Invalid(Code.ORDER_KIND_NOT_BUILT, field=field, value=value, kind=kind)
    market = symbol.strip().upper().rpartition(".")[2]
    if market in _DERIVATIVE_MARKETS:
        raise Invalid(Code.ORDER_KIND_NOT_BUILT, field="symbol", symbol=shown(symbol), kind="futures and options")


def _choice(kind: type[E], value: Any, code: Code, field: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise Invalid(code, field=field, value=shown(value), allowed=[str(k) for k in kind]) from None


def _quantity(value: Any) -> int:
    """A whole number of shares. Text is taken from forms; 100.0 is not a whole number's spelling."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_QUANTITY:
        raise Invalid(Code.QUANTITY_INVALID, field="quantity", quantity=shown(value))
    return value


def _price(value: Any, price_type: PriceType) -> Decimal | None:
    if value is None or value == "":
        if price_type is PriceType.LIMIT:
            raise Invalid(Code.PRICE_REQUIRED, field="price", price_type=str(price_type))
        return None
    price = decimal_of(value)
    # The exponent is looked at before anything is computed: 1e9999999 would be worked out digit by digit.
    if price is None or not price.is_finite() or abs(price.adjusted()) > MAX_EXPONENT:
        raise Invalid(Code.PRICE_INVALID, field="price", price=shown(value))
    if price == 0 and price_type is not PriceType.LIMIT:
        return None
    if price_type is PriceType.LATEST:
        raise Invalid(Code.PRICE_NOT_ALLOWED, field="price", price_type=str(price_type))
    exponent = price.normalize().as_tuple().exponent
    too_fine = isinstance(exponent, int) and exponent < -PRICE_DECIMALS
    if too_fine or not 0 < price < MAX_PRICE:
        raise Invalid(Code.PRICE_INVALID, field="price", price=shown(value))
    return price


def decimal_of(value: Any) -> Decimal | None:
    """The number as it was written; a float by its shortest spelling (11.2, not 11.199…)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    if isinstance(value, str) and (len(value) > 40 or not value.isascii() or "_" in value):
        return None
    try:
        return Decimal(str(value).strip())
    except InvalidOperation:
        return None


def strategy_of(value: Any) -> str:
    """The name of a strategy; blank without one. Raises Invalid for anything but visible ASCII."""
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or len(value) > MAX_STRATEGY_LENGTH or not _visible(value):
        raise Invalid(
            Code.FIELD_INVALID,
            f"strategy is text of 1 to {MAX_STRATEGY_LENGTH} visible ASCII characters",
            field="strategy",
            strategy=shown(value),
        )
    return value


def key_of(value: Any, *, field: str, reserved: bool = False) -> str | None:
    """A key that names one thing of the account for ever; None without one.

    Raises
    ------
    Invalid
        Anything but visible ASCII, or a beginning that belongs to the platform's own orders.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.startswith(_RESERVED_KEYS) and not reserved:
        raise Invalid(
            Code.FIELD_INVALID,
            f"keys that begin with {', '.join(_RESERVED_KEYS)} belong to the platform's own orders",
            field=field,
        )
    if not isinstance(value, str) or len(value) > MAX_KEY_LENGTH or not _visible(value):
        raise Invalid(
            Code.FIELD_INVALID,
            f"{field} is text of 1 to {MAX_KEY_LENGTH} visible ASCII characters",
            field=field,
            value=shown(value),
        )
    return value


def _visible(text: str) -> bool:
    return all("!" <= character <= "~" for character in text)
