"""What a grid has to tell people."""

from __future__ import annotations

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from trading.grids.models import GridSession, GridSignal
from trading.orders.choices import Side


def tell_unfilled(signal: GridSignal, code: str) -> None:
    """An order was quoted as often as it may be, or could not be quoted again, and shares are left over."""
    grid = signal.session
    alert_raise(
        AlertKind.GRID,
        Severity.WARNING,
        format_lazy(
            _("Grid on {symbol}: {side}, {quantity} shares are not filled"),
            symbol=grid.symbol,
            side=Side(signal.side).label,
            quantity=signal.quantity - signal.traded_quantity,
        ),
        {
            "grid": grid.pk,
            "signal": signal.number,
            "quantity": signal.quantity,
            "traded_quantity": signal.traded_quantity,
            "code": code,
        },
        dedup_key=f"grid.unfilled:{signal.pk}",
        account_id=grid.account_id,
    )


def tell_held(grid: GridSession, code: str) -> None:
    """Nothing is detected until somebody has looked."""
    alert_raise(
        AlertKind.GRID,
        Severity.WARNING,
        format_lazy(_("Grid on {symbol} is held: {code}"), symbol=grid.symbol, code=code),
        {"grid": grid.pk, "symbol": grid.symbol, "code": code},
        dedup_key=f"grid.held:{grid.pk}",
        account_id=grid.account_id,
    )


def tell_released(grid: GridSession) -> None:
    """What held the grid is over."""
    alert_clear(f"grid.held:{grid.pk}")
