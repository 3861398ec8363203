"""What may be handed to the SDK. Its native modules refuse a wrong type with a traceback, and read a wrong value as an order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from qmt.codes import Market
from qmt.errors import RequestInvalid
from qmt.gateway import MAX_TAG_LENGTH, AccountRef, OrderRequest, PriceType, Side
from qmt.pricetypes import price_type_row

BUY: Final = 23
SELL: Final = 24

_MAX_INT32: Final = (1 << 31) - 1
_SYMBOL: Final = re.compile(r"[0-9]{6}\.(?:SH|SZ|BJ)")
_TAG: Final = re.compile(rf"[\x21-\x7e]{{1,{MAX_TAG_LENGTH}}}")
_STRATEGY: Final = re.compile(r"[^\x00]{0,64}")
_ACCOUNT_NO: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True, slots=True)
class OrderArguments:
    """Arguments of ``order_stock_async`` in the native modules' own types."""

    account: AccountRef
    stock_code: str
    order_type: int
    order_volume: int
    price_type: int
    price: float
    strategy_name: str
    order_remark: str


def order_arguments(request: OrderRequest) -> OrderArguments:
    """Check a request and translate it.

    Raises
    ------
    RequestInvalid
        Naming the field. Nothing has left the process.
    """
    check_account(request.account)
    _check_text("symbol", request.symbol, _SYMBOL)
    if request.side not in (Side.BUY, Side.SELL):
        raise RequestInvalid(f"side={request.side!r}")
    _check_count("quantity", request.quantity)
    _check_text("tag", request.tag, _TAG)
    _check_text("strategy", request.strategy, _STRATEGY)
    price_type, price = _pricing(request)
    return OrderArguments(
        account=request.account,
        stock_code=request.symbol,
        order_type=BUY if request.side == Side.BUY else SELL,
        order_volume=request.quantity,
        price_type=price_type,
        price=price,
        strategy_name=request.strategy,
        order_remark=request.tag,
    )


def check_account(account: AccountRef) -> None:
    """Check an account reference: ``StockAccount(123)`` would *return* its complaint as a text.

    Raises
    ------
    RequestInvalid
    """
    _check_text("account_no", account.account_no, _ACCOUNT_NO)
    _check_count("account_type", account.account_type)


def check_order_id(order_id: int) -> None:
    """Check an order id for a cancel.

    Raises
    ------
    RequestInvalid
    """
    _check_count("order_id", order_id)


def _pricing(request: OrderRequest) -> tuple[int, float]:
    row = price_type_row(request.price_type, Market(request.symbol[-2:]))
    if row is None:
        raise RequestInvalid(f"price_type={request.price_type!r} is not taken in {request.symbol[-2:]}")
    # A market kind may carry the worst price it accepts; 0 says that it has none.
    if request.price_type == PriceType.LATEST or (request.price_type != PriceType.LIMIT and request.price == 0):
        return row.number, 0.0
    _check_price(request.price)
    price = float(request.price)
    if Decimal(repr(price)) != request.price:
        raise RequestInvalid(f"price={request.price} does not survive the way to the terminal")
    return row.number, price


# The checks take `object`: a caller's annotation is a promise, and the native modules punish a broken one.


def _check_text(name: str, value: object, shape: re.Pattern[str]) -> None:
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise RequestInvalid(f"{name}={value!r} does not match {shape.pattern}")


def _check_count(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _MAX_INT32:
        raise RequestInvalid(f"{name}={value!r} is not a positive whole number")


def _check_price(value: object) -> None:
    if not isinstance(value, Decimal) or not value.is_finite() or value <= 0:
        raise RequestInvalid(f"price={value!r} is not a positive Decimal")
