"""Anchors catch what a chain alone cannot: its complete, consistent rewriting."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from ops.anchors import anchor, anchors_verify
from ops.audit import Actor, chain_verify, record
from ops.models import AuditChain, AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

ALICE = Actor(kind="user", id="2", label="alice")


def halt(account_id: int) -> AuditEvent:
    with transaction.atomic():
        return record(actor=ALICE, action="account.halted", target=f"account:{account_id}", account_id=account_id)


def erase(chain: str) -> None:
    """What somebody with the database could do: remove a chain, head included."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ops_auditevent WHERE chain = %s", [chain])
        cursor.execute("DELETE FROM ops_auditchain WHERE key = %s", [chain])


def test_anchor_without_other_chains_writes_nothing() -> None:
    assert anchor() is None
    assert AuditEvent.objects.count() == 0


def test_anchor_names_every_head() -> None:
    first, second = halt(1), halt(2)
    event = anchor()
    assert event is not None
    assert event.chain == "platform"
    assert event.after == {
        "account:1": {"sequence": 1, "hash": first.hash},
        "account:2": {"sequence": 1, "hash": second.hash},
    }


def test_anchors_of_a_chain_that_went_on_still_hold() -> None:
    halt(1)
    anchor()
    halt(1)
    assert list(anchors_verify()) == []


def test_anchor_contradicts_a_chain_rewritten_from_its_start() -> None:
    halt(1)
    anchor()
    erase("account:1")
    halt(1)
    assert chain_verify("account:1").intact
    (problem,) = anchors_verify()
    assert problem.startswith("account:1: anchored on ")
    with pytest.raises(CommandError, match="account:1: anchored on"):
        call_command("audit_verify")


def test_anchor_contradicts_a_chain_that_is_gone() -> None:
    halt(1)
    anchor()
    erase("account:1")
    assert AuditChain.objects.filter(pk="account:1").exists() is False
    (problem,) = anchors_verify()
    assert problem.endswith("stored is no such event")
