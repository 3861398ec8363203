"""Daily anchors: the heads of all audit chains, written into the platform's chain.

Each chain proves its own order. Somebody with the database could still rewrite one account's whole
chain, head included; an anchor in another chain then contradicts it.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction

from ops.audit import DATABASE, PLATFORM_CHAIN, Actor, record
from ops.models import AuditChain, AuditEvent

ACTION = "audit.anchored"


def anchor() -> AuditEvent | None:
    """Record the heads of all other chains; None when there are none."""
    with transaction.atomic(using=DATABASE):
        heads = AuditChain.objects.using(DATABASE).exclude(pk=PLATFORM_CHAIN).order_by("pk")
        after = {head.key: {"sequence": head.last_sequence, "hash": head.last_hash} for head in heads}
        if not after:
            return None
        return record(actor=Actor.system("audit-anchor"), action=ACTION, target="audit:chains", after=after)


def anchors_verify() -> Iterator[str]:
    """Name every anchored head that its chain does not have any more."""
    anchors = AuditEvent.objects.using(DATABASE).filter(chain=PLATFORM_CHAIN, action=ACTION).order_by("sequence")
    for event in anchors.iterator():
        for chain, head in (event.after or {}).items():
            found = AuditEvent.objects.using(DATABASE).filter(chain=chain, sequence=head["sequence"])
            stored = found.values_list("hash", flat=True).first()
            if stored != head["hash"]:
                yield (
                    f"{chain}: anchored on {event.at:%Y-%m-%d} (platform #{event.sequence}) at #{head['sequence']} "
                    f"with {head['hash']}, stored is {stored or 'no such event'}"
                )
