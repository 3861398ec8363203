"""Two people who may move Alpha's money, its limits, and a terminal whose answers the tests choose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson
import pytest

from accounts.models import Grant, User
from accounts.sudo import DURATION, Sudo
from ops.clocks import wall_now
from ops.models import ProcessHeartbeat
from qmt.reader import ReaderSetup
from tests.orders.bench import Bench, make_bench
from trading.functions import runtime
from trading.money.models import MoneyLimit, Transfer
from trading.money.services import deciding, transfer_approve, transfer_request
from trading.money.services.sending import transfer_send

BANK = {"bank_no": "9999", "bank_account": "62228000000001"}
PASSWORDS = {"bank_password": "bank-secret-1", "fund_password": "fund-secret-2"}


def fresh(user: User) -> Sudo:
    """The proof of having authenticated a moment ago."""
    return Sudo(user_id=user.pk, until=wall_now() + DURATION)


@dataclass
class Terminal:
    """A reader pool that answers as told, and remembers what it was asked."""

    answer: Callable[[], bytes] = lambda: orjson.dumps({"moved": True, "words": "成功"})
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ready: bool = True
    closed: int = 0

    def wait_ready(self, seconds: float) -> bool:
        return self.ready

    def call(self, spec: Any, arguments: dict[str, Any], **_: Any) -> bytes:
        self.calls.append((spec.qualified, dict(arguments)))
        return self.answer()

    def close(self) -> None:
        self.closed += 1


@dataclass
class Vault:
    """The world of one test: alice asks, bob decides."""

    bench: Bench
    terminal: Terminal
    wakes: list[tuple[Any, ...]]
    committing: Any

    @property
    def alice(self) -> User:
        return self.bench.team.alice

    @property
    def bob(self) -> User:
        return self.bench.team.bob

    def body(self, **changes: Any) -> dict[str, Any]:
        return {"kind": "BANK_OUT", "amount": "1000.00", "note": "rent", "client_transfer_id": "k-1", **BANK} | changes

    def ask(self, *, user: User | None = None, **changes: Any) -> Transfer:
        """Alice asks for 1,000.00 to be paid out, unless told otherwise."""
        account_id = self.bench.account.pk
        return transfer_request(user=user or self.alice, account_id=account_id, body=self.body(**changes)).transfer

    def approve(self, transfer: Transfer, *, user: User | None = None) -> Transfer:
        by = user or self.bob
        with self.committing(execute=True):
            return transfer_approve(user=by, transfer_id=transfer.pk, sudo=fresh(by), **PASSWORDS)

    def send(self) -> str:
        """What the reads worker makes of the last wake-up."""
        transfer_id, key, *_ = self.wakes[-1]
        return transfer_send(transfer_id, key)

    def sent(self, **changes: Any) -> Transfer:
        """A transfer that was asked for, approved and sent."""
        transfer = self.approve(self.ask(**changes))
        self.send()
        transfer.refresh_from_db()
        return transfer


@pytest.fixture
def vault(db: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any) -> Iterator[Vault]:
    """Everything ready to move money."""
    bench = make_bench()
    team = bench.team
    Grant.objects.filter(user__in=(team.alice, team.bob), account=team.alpha).update(can_move_money=True)
    MoneyLimit.objects.create(
        account=team.alpha, single_amount=Decimal(5000), day_amount=Decimal(8000), set_by=team.admin, set_at=wall_now()
    )
    ProcessHeartbeat.objects.create(name="worker.reads@sim", pid=1, started_at=wall_now(), last_loop_at=wall_now())
    wakes: list[tuple[Any, ...]] = []
    terminal = Terminal()

    def made(_: ReaderSetup) -> Any:
        return terminal

    monkeypatch.setattr(deciding, "send_wake", lambda *given: wakes.append(given))
    slot = runtime.start_runtime("sim", made)
    yield Vault(bench, terminal, wakes, django_capture_on_commit_callbacks)
    runtime._slot.empty(slot)
