"""The closed vocabulary of this app."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class TransferKind(models.TextChoices):
    """From where to where."""

    BANK_IN = "BANK_IN", _("From the bank")
    BANK_OUT = "BANK_OUT", _("To the bank")
    TO_FAST = "TO_FAST", _("To the fast counter")
    TO_NORMAL = "TO_NORMAL", _("To the normal counter")
    SH_TO_SZ = "SH_TO_SZ", _("From the Shanghai node to Shenzhen's")
    SZ_TO_SH = "SZ_TO_SH", _("From the Shenzhen node to Shanghai's")


BANK_KINDS: Final = frozenset({TransferKind.BANK_IN, TransferKind.BANK_OUT})
#: The SDK's directions of `fund_transfer` (xtconstant).
NODE_DIRECTIONS: Final = {
    TransferKind.TO_FAST: 510,
    TransferKind.TO_NORMAL: 511,
    TransferKind.SH_TO_SZ: 512,
    TransferKind.SZ_TO_SH: 513,
}


class TransferStatus(models.TextChoices):
    """UNKNOWN: it was sent and not answered. A person who has seen the bank's statement says which it was."""

    PENDING_APPROVAL = "PENDING_APPROVAL", _("Waits for approval")
    QUEUED = "QUEUED", _("Approved")
    SENDING = "SENDING", _("Being sent")
    DONE = "DONE", _("Moved")
    REJECTED = "REJECTED", _("Rejected by the broker")
    FAILED = "FAILED", _("Not sent")
    UNKNOWN = "UNKNOWN", _("Unknown: look at the statement")
    NOT_MOVED = "NOT_MOVED", _("Not moved, says the statement")
    REFUSED = "REFUSED", _("Refused")
    CANCELLED = "CANCELLED", _("Cancelled")
    EXPIRED = "EXPIRED", _("Expired")


_S = TransferStatus
#: Every step that there is; a status without one is final.
STEPS: Final = {
    _S.PENDING_APPROVAL: frozenset({_S.QUEUED, _S.REFUSED, _S.CANCELLED, _S.EXPIRED, _S.FAILED}),
    _S.QUEUED: frozenset({_S.SENDING, _S.CANCELLED, _S.EXPIRED}),
    _S.SENDING: frozenset({_S.DONE, _S.REJECTED, _S.FAILED, _S.UNKNOWN}),
    # A late answer is evidence as good as the statement.
    _S.UNKNOWN: frozenset({_S.DONE, _S.REJECTED, _S.FAILED, _S.NOT_MOVED}),
}
FINAL: Final = frozenset(_S) - frozenset(STEPS)
#: What counts towards the limits of a day: all that moved, or may have.
COUNTED: Final = frozenset({_S.PENDING_APPROVAL, _S.QUEUED, _S.SENDING, _S.UNKNOWN, _S.DONE})
