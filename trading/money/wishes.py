"""What a request for a transfer says, read strictly."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Self

from ops.errors import Code, Invalid
from ops.inputs import shown
from trading.ledger.fields import CENT
from trading.money.choices import BANK_KINDS, TransferKind

FIELDS: Final = frozenset({"account", "kind", "amount", "bank_no", "bank_account", "note", "client_transfer_id"})
MAX_AMOUNT: Final = Decimal(1_000_000_000)
_AMOUNT: Final = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?")
_KEY: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_BANK_NO: Final = re.compile(r"[A-Za-z0-9]{1,20}")
_BANK_ACCOUNT: Final = re.compile(r"[A-Za-z0-9]{1,40}")
MAX_NOTE: Final = 200
MAX_SECRET: Final = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """A well-formed request. The amount is CNY, whole cents."""

    kind: TransferKind
    amount: Decimal
    bank_no: str
    bank_account: str
    note: str
    client_transfer_id: str

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Read a body.

        Raises
        ------
        Invalid
            FIELD_REQUIRED, FIELD_INVALID, with the field.
        """
        kind = read_kind(body.get("kind"))
        bank = kind in BANK_KINDS
        return cls(
            kind=kind,
            amount=read_amount(body.get("amount"), field="amount"),
            bank_no=_bank_text(body, "bank_no", _BANK_NO, needed=bank),
            bank_account=_bank_text(body, "bank_account", _BANK_ACCOUNT, needed=bank),
            note=read_note(body.get("note"), field="note"),
            client_transfer_id=_matching(body.get("client_transfer_id"), "client_transfer_id", _KEY),
        )

    @property
    def digest(self) -> str:
        """By which a repetition is told from another transfer under the same key."""
        parts = (self.kind, str(self.amount), self.bank_no, self.bank_account, self.note)
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def read_amount(value: Any, *, field: str) -> Decimal:
    """CNY as text (``"1000.00"``) or a whole number, more than nothing. Never a float: it says less than it shows."""
    if value is None:
        raise Invalid(Code.FIELD_REQUIRED, field=field)
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise Invalid(Code.FIELD_INVALID, field=field, value=shown(value), allowed="CNY as text, to the cent")
    amount = Decimal(text).quantize(CENT)
    if not 0 < amount <= MAX_AMOUNT:
        raise Invalid(Code.FIELD_INVALID, field=field, value=shown(value), maximum=str(MAX_AMOUNT))
    return amount


def read_note(value: Any, *, field: str) -> str:
    """Why, in words of at most 200 characters."""
    if value is None or value == "":
        raise Invalid(Code.FIELD_REQUIRED, field=field)
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NOTE or not value.isprintable():
        raise Invalid(Code.FIELD_INVALID, field=field, value=shown(value), maximum=MAX_NOTE)
    return value.strip()


def read_secret(value: Any, *, field: str) -> str:
    """A password; blank for none. A refusal never repeats it."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_SECRET or not value.isprintable():
        raise Invalid(Code.FIELD_INVALID, field=field, maximum=MAX_SECRET)
    return value


def read_kind(value: Any) -> TransferKind:
    """From where to where."""
    if value is None:
        raise Invalid(Code.FIELD_REQUIRED, field="kind")
    if not isinstance(value, str) or value not in TransferKind.values:
        raise Invalid(Code.FIELD_INVALID, field="kind", value=shown(value), allowed=list(TransferKind.values))
    return TransferKind(value)


def _bank_text(body: Mapping[str, Any], field: str, pattern: re.Pattern[str], *, needed: bool) -> str:
    if needed:
        return _matching(body.get(field), field, pattern)
    if body.get(field) not in (None, ""):
        raise Invalid(Code.FIELD_INVALID, field=field, reason="only for transfers with the bank")
    return ""


def _matching(value: Any, field: str, pattern: re.Pattern[str]) -> str:
    if value is None or value == "":
        raise Invalid(Code.FIELD_REQUIRED, field=field)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Invalid(Code.FIELD_INVALID, field=field, value=shown(value), allowed=pattern.pattern)
    return value
