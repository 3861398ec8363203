"""What a grid has to tell people."""

from __future__ import annotations

from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from trading.grids.models import GridSession, GridSignal


def tell_unfilled(signal: GridSignal, code: str) -> None:
    """An order was quoted as often as it may be, or could not be quoted again, and shares are left over."""
    grid = signal.session
    alert_raise(
        AlertKind.GRID,
        Severity.WARNING,
        f"Grid on {grid.symbol}: {signal.quantity - signal.traded_quantity} shares of a {signal.side} are not filled",
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
        f"Grid on {grid.symbol} is held: {code}",
        {"grid": grid.pk, "symbol": grid.symbol, "code": code},
        dedup_key=f"grid.held:{grid.pk}",
        account_id=grid.account_id,
    )


def tell_released(grid: GridSession) -> None:
    """What held the grid is over."""
    alert_clear(f"grid.held:{grid.pk}")
