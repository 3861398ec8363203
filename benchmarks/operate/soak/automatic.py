"""What trades by itself during the soak: exit plans and grids, so narrow that a market at its usual pace triggers them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from benchmarks.operate.soak.load import Load

#: Shares that may be sold on the day they were bought: without them nothing could be sold on a first day.
PLANNED: Final = ("513100.SH", "113052.SH", "127045.SZ", "518880.SH")
GRIDDED: Final = "513180.SH"
LOTS: Final = 50
TERMS: Final = {
    "stop_loss_drop": "0.001",
    "trailing_floor_drop": "0.001",
    "first_gain": "0.005",
    "first_callback": "0.001",
    "repeat_seconds": 30,
}
FILL_SECONDS: Final = 30


async def begin(load: Load) -> None:
    """Switch the plans on, buy what they are about, and start a grid on each automatic account."""
    for account in load.cast["automatic"]:
        person = owner(load, account)
        await _wanted(load, person, "PUT", "/exit-plans", {"account": account, "enabled": True, "terms": TERMS})
        await _wanted(load, person, "PUT", "/exit-plans", {"account": account, "symbol": GRIDDED, "enabled": False})
        for symbol in (*PLANNED, GRIDDED):
            await _buy(load, person, account, symbol)
    for account in load.cast["automatic"]:
        await _grid(load, owner(load, account), account)


def owner(load: Load, account: int) -> dict[str, Any]:
    """Who may trade everything on an account."""
    return next(person for person in load.people if account in person["all"])


async def restock(load: Load) -> None:
    """Buy one of the planned shares again on an automatic account."""
    account = load.chance.choice(load.cast["automatic"])
    await _buy(load, owner(load, account), account, load.chance.choice(PLANNED))


async def stop(load: Load) -> None:
    """Nothing triggers any more: plans off, grids ended."""
    for account in load.cast["automatic"]:
        person = owner(load, account)
        await _wanted(load, person, "PUT", "/exit-plans", {"account": account, "enabled": False})
        grids = await load.asked(person["token"], "GET", f"/grids?account={account}&state=open")
        for grid in grids.json()["results"]:
            await _wanted(load, person, "POST", f"/grids/{grid['id']}/stop", {})


async def _buy(load: Load, person: dict[str, Any], account: int, symbol: str) -> None:
    row = next(row for row in load.instruments if row["symbol"] == symbol)
    await load.submit(person, load.wish(account, row, side="BUY", rests=False, lots=LOTS))


async def _grid(load: Load, person: dict[str, Any], account: int) -> None:
    """A grid that already follows a rise or a fall: its centre lies beyond a level."""
    for _second in range(FILL_SECONDS):
        held = await load.asked(person["token"], "GET", f"/positions?account={account}")
        if any(row["symbol"] == GRIDDED and row["quantity"] for row in held.json()["results"]):
            break
        await asyncio.sleep(1)
    last = load.quotes[GRIDDED]["last"]
    center = last * (0.985 if account % 2 else 1.015)
    terms = {"center": f"{center:.3f}", "interval": "0.01", "callback": "0.001", "max_investment": "20000"}
    await _wanted(load, person, "POST", "/grids", {"account": account, "symbol": GRIDDED, **terms})


async def _wanted(load: Load, person: dict[str, Any], method: str, path: str, body: dict[str, Any]) -> None:
    load.judged(await load.asked(person["token"], method, path, json=body), f"{method} {path} {body}")
