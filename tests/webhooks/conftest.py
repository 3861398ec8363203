"""A receiver that takes notes and fails on demand, and a bench whose account has events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from alerts.transports import SendFailed
from alerts.transports.http import HttpAnswer
from tests.orders.bench import Bench, make_bench
from tests.people import TEST_ACTOR
from trading.webhooks import delivering
from trading.webhooks.models import Webhook
from trading.webhooks.services import webhook_add


@dataclass
class Receiver:
    """What came, and what to answer next."""

    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    failures: list[SendFailed] = field(default_factory=list)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        self.requests.append((url, dict(headers), body))
        if self.failures:
            raise self.failures.pop(0)
        return HttpAnswer(200, b"")

    @property
    def versions(self) -> list[int]:
        return [event["version"] for event in self.events]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _url, _headers, body in self.requests]


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    made = Receiver()
    monkeypatch.setattr(delivering, "post", made.post)
    return made


@pytest.fixture
def bench(db: None) -> Bench:
    return make_bench()


@pytest.fixture
def hook(bench: Bench) -> Webhook:
    """Alice's webhook on Alpha, for every kind of event."""
    webhook, _secret = webhook_add(
        actor=TEST_ACTOR,
        owner=bench.alice,
        account_id=bench.account.pk,
        name="mine",
        address="https://receiver.example/in",
    )
    return webhook
