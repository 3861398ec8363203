"""Decimal columns of the trading apps, each with one meaning."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models

ZERO = Decimal(0)
CENT = Decimal("0.01")


class MoneyField(models.DecimalField):  # type: ignore[type-arg]
    """CNY, kept to a hundredth of a cent: price × quantity of a 0.001 tick is exact."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", None if kwargs.get("null") else ZERO)
        kwargs.update(max_digits=18, decimal_places=4)
        super().__init__(*args, **kwargs)


class PriceField(models.DecimalField):  # type: ignore[type-arg]
    """A price, or an average of prices, in CNY per share."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", None if kwargs.get("null") else ZERO)
        kwargs.update(max_digits=14, decimal_places=6)
        super().__init__(*args, **kwargs)
