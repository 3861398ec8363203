"""Shapes of transfers for the document; the wire makes the values."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trading.money.choices import TransferKind, TransferStatus
from trading.money.wishes import MAX_NOTE, MAX_SECRET

_PASSWORD: dict[str, Any] = {
    "required": False,
    "max_length": MAX_SECRET,
    "style": {"input_type": "password"},
    "write_only": True,
}


class TransferRequestSerializer(serializers.Serializer[Any]):
    """A transfer to be asked for. It takes no password."""

    account = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=TransferKind.choices)
    amount = serializers.CharField(help_text='CNY as text, to the cent: `"1000.00"`.')
    bank_no = serializers.CharField(
        max_length=20,
        required=False,
        help_text="The broker's number of the bank (`query_bank_info`); with the bank only.",
    )
    bank_account = serializers.CharField(max_length=40, required=False, help_text="With the bank only.")
    note = serializers.CharField(max_length=MAX_NOTE, help_text="What it is for; the second person reads it.")
    client_transfer_id = serializers.CharField(
        max_length=64, help_text="Names this one transfer for ever: the same again is never a second one."
    )


class TransferCheckRequestSerializer(serializers.Serializer[Any]):
    """A transfer to be judged."""

    account = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=TransferKind.choices)
    amount = serializers.CharField(help_text='CNY as text, to the cent: `"1000.00"`.')


class TransferDenialSerializer(serializers.Serializer[Any]):
    """One thing that speaks against a transfer."""

    code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.DictField()


class TransferCheckSerializer(serializers.Serializer[Any]):
    """What would become of a transfer if it were asked for now."""

    account = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=TransferKind.choices)
    amount = serializers.CharField()
    accepted = serializers.BooleanField(help_text="It would wait for a second person.")
    denials = TransferDenialSerializer(many=True)
    free_cash = serializers.CharField(
        allow_null=True,
        help_text="CNY that neither orders nor other transfers were promised; null: the broker has not stated any.",
    )


class TransferSerializer(serializers.Serializer[Any]):
    """One transfer."""

    id = serializers.UUIDField()
    account = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=TransferKind.choices)
    amount = serializers.CharField(help_text="CNY.")
    bank_no = serializers.CharField()
    bank_account = serializers.CharField(help_text="Its last digits.")
    note = serializers.CharField()
    client_transfer_id = serializers.CharField()
    status = serializers.ChoiceField(choices=TransferStatus.choices)
    code = serializers.CharField()
    message = serializers.CharField(help_text="The broker's words, or a person's.")
    simulated = serializers.BooleanField()
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="End of the time to decide, then of the time to be sent.")
    decided_by = serializers.CharField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    claimed_at = serializers.DateTimeField(allow_null=True)
    final_at = serializers.DateTimeField(allow_null=True)
    resolved_by = serializers.CharField(allow_null=True)


class TransferStepSerializer(serializers.Serializer[Any]):
    """One step of the timeline."""

    seq = serializers.IntegerField()
    status = serializers.ChoiceField(choices=TransferStatus.choices)
    by = serializers.CharField()
    facts = serializers.DictField()
    at = serializers.DateTimeField()


class TransferDetailSerializer(TransferSerializer):
    """One transfer with its timeline."""

    steps = TransferStepSerializer(many=True)
    decidable = serializers.BooleanField(help_text="Whether the caller may decide about it.")


class WaitingTransferSerializer(TransferSerializer):
    """A transfer that waits for a second person."""

    account_name = serializers.CharField()
    decidable = serializers.BooleanField(help_text="Whether the caller may decide about it.")


class TransferPageSerializer(serializers.Serializer[Any]):
    """One page of transfers, newest first."""

    results = TransferSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class TransferApprovalSerializer(serializers.Serializer[Any]):
    """What the broker asks for. Kept sealed until the transfer is claimed, at most a minute; never shown, logged or audited."""

    bank_password = serializers.CharField(**_PASSWORD)
    fund_password = serializers.CharField(**_PASSWORD)


class TransferRefusalSerializer(serializers.Serializer[Any]):
    """Why it is refused."""

    reason = serializers.CharField(max_length=MAX_NOTE)


class TransferResolutionSerializer(serializers.Serializer[Any]):
    """What the bank's statement shows."""

    moved = serializers.BooleanField()
    note = serializers.CharField(max_length=MAX_NOTE)
    entered = serializers.BooleanField(
        required=False, help_text="The ledger has it already: its difference was settled by hand."
    )


class MoneyLimitSerializer(serializers.Serializer[Any]):
    """How much of an account's money may be moved, CNY."""

    account = serializers.IntegerField()
    single_amount = serializers.CharField()
    day_amount = serializers.CharField()
    used_today = serializers.CharField(help_text="Moved today, or perhaps moved, in and out together.")
    set_by = serializers.CharField()
    set_at = serializers.DateTimeField()


class MoneyLimitListSerializer(serializers.Serializer[Any]):
    """The limits of the accounts that the caller may see. Of an account without one nothing may be moved."""

    results = MoneyLimitSerializer(many=True)


class MoneyLimitRequestSerializer(serializers.Serializer[Any]):
    """New limits."""

    single_amount = serializers.CharField()
    day_amount = serializers.CharField()
