"""The end of the soak: everything comes to rest, every account is compared once more, and its books are read over REST."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

import httpx

from benchmarks.operate.soak import automatic

if TYPE_CHECKING:
    from benchmarks.operate.soak.load import Load

REST_SECONDS: Final = 240.0
PAGE: Final = 1000


async def at_rest(load: Load) -> dict[str, Any]:
    """Cancel what works until nothing does, reconcile, and read; by account what REST says."""
    await automatic.stop(load)
    deadline = time.monotonic() + REST_SECONDS
    while working := await _working(load):
        if time.monotonic() > deadline:
            load.fault(f"{len(working)} orders do not come to rest: {working[:5]}")
            break
        for account in {account for account, _order, _status in working}:
            person = automatic.owner(load, account)
            answer = await load.asked(person["token"], "POST", "/orders/cancel", json={"account": account})
            if answer.status_code != httpx.codes.OK:
                load.fault(f"cancel all of {account}: {answer.status_code} {answer.text[:200]}")
        await asyncio.sleep(2)
    await asyncio.gather(*(_compared(load, row["id"], deadline) for row in load.cast["accounts"]))
    return {str(row["id"]): await _books(load, row["id"]) for row in load.cast["accounts"]}


async def _working(load: Load) -> list[tuple[int, str, str]]:
    return [(row["account"], row["id"], row["status"]) for row in await _all(load, "/orders", {"status": "open"})]


async def _compared(load: Load, account: int, deadline: float) -> None:
    """Wait for a comparison that was asked for now."""
    path, token = f"/accounts/{account}/reconciliation", automatic.owner(load, account)["token"]
    wanted = (await load.asked(token, "POST", path)).json()["wanted_at"]
    while time.monotonic() < deadline:
        done = (await load.asked(token, "GET", path)).json()["reconciled_at"]
        if done is not None and done >= wanted:
            return
        await asyncio.sleep(0.5)
    load.fault(f"account {account} was not compared with the broker")


async def _books(load: Load, account: int) -> dict[str, Any]:
    token = load.cast["admin"]
    asset = (await load.asked(token, "GET", f"/asset?account={account}")).json()
    positions = (await load.asked(token, "GET", f"/positions?account={account}")).json()["results"]
    orders = await _all(load, "/orders", {"account": account})
    return {
        "cash": asset["cash"],
        "frozen_cash": asset["frozen_cash"],
        "positions": {row["symbol"]: row["quantity"] for row in positions if row["quantity"]},
        "orders": {row["id"]: [row["status"], row["traded_quantity"]] for row in orders},
    }


async def _all(load: Load, path: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Every page of a list."""
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        params = {**query, "limit": PAGE} | ({"cursor": cursor} if cursor else {})
        answer = (await load.asked(load.cast["admin"], "GET", path, params=params)).json()
        rows += answer["results"]
        cursor = answer.get("next")
        if not cursor:
            return rows
