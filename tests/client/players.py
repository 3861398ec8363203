"""Carries out a flow against a script: no network, no waiting."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from qmtdesk.errors import Unreachable
from qmtdesk.steps import Flow, Pause, Reply, Request, Settings

T = TypeVar("T")

Answer = Reply | Unreachable | Callable[[Request], "Reply | Unreachable"]

CUT = Unreachable("cut")


def answer(status: int = 200, body: Any = None, **headers: str) -> Reply:
    """An answer with a JSON body."""
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, names, json.dumps({} if body is None else body).encode())


def refusal(status: int, code: str, **details: Any) -> Reply:
    return answer(status, {"code": code, "message": f"{code}: no", "details": details})


@dataclass
class Player:
    """Answers requests one after the other, remembers them, and lets time pass in pauses only.

    `forever` answers once the answers are used up; without it a flow that asks for more, or for less, fails.
    """

    answers: Sequence[Answer] = ()
    forever: Answer | None = None
    requests: list[Request] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    now: float = 0.0

    @property
    def settings(self) -> Settings:
        return replace(Settings(account=1, progress=False), clock=lambda: self.now, new_key=lambda: "key-1")

    def run(self, flow: Flow[T]) -> T:
        waiting = list(self.answers)
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    self.pauses.append(step.seconds)
                    self.now += step.seconds
                    step = flow.send(None)
                    continue
                self.requests.append(step)
                said = self.forever if self.forever is not None and not waiting else waiting.pop(0)
                if callable(said):
                    said = said(step)
                step = flow.throw(said) if isinstance(said, Unreachable) else flow.send(said)
        except StopIteration as end:
            assert waiting == []
            value: T = end.value
            return value

    @property
    def asked(self) -> list[str]:
        """What was asked, in order."""
        return [f"{request.method} {request.path}" for request in self.requests]


def order_body(**changes: Any) -> dict[str, Any]:
    """An order as the platform answers it."""
    return {
        "id": "0a0a",
        "account": 1,
        "client_order_id": "key-1",
        "strategy": "",
        "source": "API",
        "created_by": "alice",
        "simulated": True,
        "symbol": "600519.SH",
        "side": "BUY",
        "price_type": "LIMIT",
        "price": "10.00",
        "quantity": 100,
        "traded_quantity": 0,
        "traded_amount": "0.00",
        "avg_price": None,
        "status": "QUEUED",
        "version": 1,
        "trade_date": "2026-11-20",
        "order_id": "",
        "order_sysid": "",
        "code": "",
        "message": "",
        "details": {},
        "submitted_at": "2026-11-20T02:00:00.000Z",
        "expires_at": "2026-11-20T02:00:30.000Z",
        "reported_at": None,
        "final_at": None,
        "cancel_requested_at": None,
    } | changes
