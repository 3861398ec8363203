"""Settings of a back-test as JSON has them: read once when it is asked for, kept with it, read again when it runs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ops.errors import Code, Invalid
from ops.inputs import shown
from qmt.fees import Tariff
from trading.backtest.engine import RunSettings
from trading.backtest.matching import FillModel

FIELDS: Final = frozenset(
    {
        "account_cash",
        "commission_rate",
        "minimum_commission",
        "participation",
        "slippage_bp",
        "touch_fills",
        "risk_free",
        "accept_gaps",
    }
)
DEFAULTS: Final[Mapping[str, Any]] = {
    "account_cash": None,
    "commission_rate": "0.00025",
    "minimum_commission": "5",
    "participation": "0.1",
    "slippage_bp": 5,
    "touch_fills": False,
    "risk_free": "0",
    "accept_gaps": False,
}
_MOST_CASH: Final = Decimal(10) ** 12


def settings_read(value: Any) -> dict[str, Any]:
    """The settings of a request with defaults for what it does not say, checked.

    Raises
    ------
    Invalid
        FIELD_UNKNOWN, FIELD_INVALID, with the setting's name.
    """
    if not isinstance(value, Mapping):
        raise Invalid(Code.FIELD_INVALID, field="settings", value=shown(value))
    if unknown := sorted(str(name) for name in set(value) - FIELDS):
        raise Invalid(Code.FIELD_UNKNOWN, field=f"settings.{unknown[0][:40]}", allowed=sorted(FIELDS))
    given = {**DEFAULTS, **value}
    for name in ("touch_fills", "accept_gaps"):
        if not isinstance(given[name], bool):
            raise _refused(name, given[name], "true or false")
    slippage = given["slippage_bp"]
    if isinstance(slippage, bool) or not isinstance(slippage, int) or not 0 <= slippage <= 1000:
        raise _refused("slippage_bp", slippage, "a whole number from 0 to 1000")
    _amount(given, "participation", Decimal("0.001"), Decimal(1), Decimal("0.001"))
    _amount(given, "risk_free", Decimal(0), Decimal("0.2"), None)
    _amount(given, "commission_rate", Decimal(0), Decimal("0.01"), Decimal("0.000001"))
    _amount(given, "minimum_commission", Decimal(0), Decimal(1000), Decimal("0.01"))
    if given["account_cash"] is not None:
        _amount(given, "account_cash", Decimal("0.01"), _MOST_CASH, Decimal("0.01"))
    return given


def run_settings(capital: Decimal, given: Mapping[str, Any]) -> RunSettings:
    """What the engine is given, from settings that were read before."""
    rate, minimum = Decimal(given["commission_rate"]), Decimal(given["minimum_commission"])
    Tariff.of(rate, minimum)
    cash = given["account_cash"]
    return RunSettings(
        capital=capital,
        account_cash=None if cash is None else Decimal(cash),
        commission_rate=rate,
        minimum_commission=minimum,
        fills=FillModel(
            participation_permille=int(Decimal(given["participation"]) * 1000),
            slippage_bp=given["slippage_bp"],
            touch_fills=given["touch_fills"],
        ),
    )


def _amount(given: dict[str, Any], name: str, least: Decimal, most: Decimal, step: Decimal | None) -> None:
    """An exact number as text; kept in its plain spelling."""
    value = given[name]
    try:
        number = Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or not least <= number <= most or (step and number % step):
        raise _refused(
            name, value, f"a number as text from {least} to {most}" + (f", in steps of {step}" if step else "")
        )
    given[name] = format(number, "f")


def _refused(name: str, value: Any, allowed: str) -> Invalid:
    return Invalid(Code.FIELD_INVALID, field=f"settings.{name}", value=shown(value), allowed=allowed)
