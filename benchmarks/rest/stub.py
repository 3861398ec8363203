"""What the public FastAPI proxy answers in its mock mode: constant objects behind a key. Runs in a virtualenv of its own."""

from __future__ import annotations

import sys
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel

KEY = "stub"
POSITIONS = 20


class Position(BaseModel):
    """One holding."""

    stock_code: str
    volume: int
    can_use_volume: int
    open_price: float
    market_value: float
    frozen_volume: int
    avg_price: float


class Tick(BaseModel):
    """One snapshot."""

    time: int
    last_price: float
    open: float
    high: float
    low: float
    volume: int
    amount: float
    bid_price: list[float]
    ask_price: list[float]
    bid_vol: list[int]
    ask_vol: list[int]


app = FastAPI()


def key_of(authorization: Annotated[str, Header()] = "") -> str:
    """The caller's key, compared with the one there is."""
    if authorization != f"Bearer {KEY}":
        raise HTTPException(401)
    return authorization


Key = Annotated[str, Depends(key_of)]


@app.get("/api/v1/positions")
def positions(key: Key, account: int) -> list[Position]:
    """The same holdings for everybody."""
    return [
        Position(
            stock_code=f"{600_000 + number}.SH",
            volume=1000,
            can_use_volume=800,
            open_price=12.3,
            market_value=12_300.0,
            frozen_volume=0,
            avg_price=12.3,
        )
        for number in range(POSITIONS)
    ]


@app.get("/api/v1/quotes")
def quotes(key: Key, symbols: str) -> dict[str, Tick]:
    """The same snapshot of whatever is asked for."""
    levels, sizes = [12.3, 12.29, 12.28, 12.27, 12.26], [100, 200, 300, 400, 500]
    tick = Tick(
        time=1,
        last_price=12.3,
        open=12.0,
        high=12.5,
        low=11.9,
        volume=1000,
        amount=12_300.0,
        bid_price=levels,
        ask_price=levels,
        bid_vol=sizes,
        ask_vol=sizes,
    )
    return dict.fromkeys(symbols.split(","), tick)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
