"""One simulated market per state folder: its bars, dates and positions mean nothing in another."""

from __future__ import annotations

from pathlib import Path

from desk.settings.schema import DeskConfig

FILE = "market"


def market_name(config: DeskConfig) -> str:
    """The simulated market that this configuration runs."""
    if config.sim_data is None:
        return f"seeded market {config.sim_seed}"
    return f"replayed market {config.sim_data.name}"


def market_problem(config: DeskConfig) -> str:
    """Say in one sentence why this market must not run on this state folder; blank when it may."""
    stamp = _stamp(config)
    known = stamp.read_text(encoding="utf-8").strip() if stamp.exists() else ""
    wanted = market_name(config)
    if known in ("", wanted):
        return ""
    return (
        f"The state folder {config.state_dir} holds the {known}, and its bars, dates and positions mean nothing in the "
        f"{wanted}: choose a folder for it with DESK_STATE_DIR (for example DESK_STATE_DIR={config.state_dir}-replay)."
    )


def market_claim(config: DeskConfig) -> None:
    """Mark the state folder as this market's; call it after `market_problem`."""
    _stamp(config).write_text(market_name(config) + "\n", encoding="utf-8")


def _stamp(config: DeskConfig) -> Path:
    return config.state_dir / FILE
