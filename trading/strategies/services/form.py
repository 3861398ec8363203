"""The fields of a request that say what runs on what: shared by runs and back-tests. Each malformed one is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from marketdata.selectors import instruments_by_symbol
from ops.errors import Code, Conflict, Invalid, NotFound
from ops.inputs import shown
from trading.strategies.models import Plugin
from trading.strategies.parameters import ParameterError, parameter_from

MAX_SYMBOLS: Final = 200
MAX_CAPITAL: Final = Decimal(10) ** 12


def plugin_read(name: Any) -> Plugin:
    """The present version of the strategy that a request names.

    Raises
    ------
    Invalid, NotFound, Conflict
        FIELD_REQUIRED, STRATEGY_NOT_FOUND, STRATEGY_UNUSABLE.
    """
    if name is None:
        raise Invalid(Code.FIELD_REQUIRED, field="strategy")
    plugin = Plugin.objects.filter(name=name, present=True).first() if isinstance(name, str) else None
    if plugin is None:
        raise NotFound(Code.STRATEGY_NOT_FOUND, field="strategy", strategy=shown(name))
    if plugin.problem:
        raise Conflict(Code.STRATEGY_UNUSABLE, strategy=plugin.name, problem=plugin.problem)
    return plugin


def symbols_read(value: Any) -> list[str]:
    """The symbols a request names, in full, each once.

    Raises
    ------
    Invalid
        FIELD_REQUIRED, FIELD_INVALID, RANGE_TOO_LARGE, SYMBOL_UNKNOWN.
    """
    if not isinstance(value, list) or not value or not all(isinstance(symbol, str) for symbol in value):
        code = Code.FIELD_REQUIRED if value is None else Code.FIELD_INVALID
        raise Invalid(code, field="symbols", symbols=shown(value))
    if len(value) > MAX_SYMBOLS:
        raise Invalid(Code.RANGE_TOO_LARGE, field="symbols", limit=MAX_SYMBOLS)
    found = [instrument.symbol for instrument in instruments_by_symbol(value).values()]
    if len(set(found)) != len(value):
        raise Invalid(Code.FIELD_INVALID, field="symbols", reason="a symbol stands there twice")
    return found


def parameters_read(plugin: Plugin, values: Any) -> dict[str, Any]:
    """The values that were given, checked against what the version declares; defaults stay its own.

    Raises
    ------
    Invalid
        FIELD_INVALID, FIELD_UNKNOWN, with the parameter's name.
    """
    if not isinstance(values, Mapping):
        raise Invalid(Code.FIELD_INVALID, field="parameters", parameters=shown(values))
    declared = {entry["name"]: parameter_from(entry) for entry in plugin.parameters}
    for name, value in values.items():
        if name not in declared:
            raise Invalid(Code.FIELD_UNKNOWN, field=f"parameters.{str(name)[:40]}", allowed=list(declared))
        try:
            declared[name].parse(value)
        except ParameterError as error:
            raise Invalid(Code.FIELD_INVALID, field=f"parameters.{name}", reason=error.reason) from None
    return dict(values)


def capital_read(value: Any) -> Decimal:
    """The capital a request names, in CNY and whole cents.

    Raises
    ------
    Invalid
        FIELD_REQUIRED, FIELD_INVALID.
    """
    if value is None:
        raise Invalid(Code.FIELD_REQUIRED, field="capital")
    try:
        amount = Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or not 0 < amount <= MAX_CAPITAL or amount != round(amount, 2):
        raise Invalid(Code.FIELD_INVALID, field="capital", capital=shown(value))
    return amount
