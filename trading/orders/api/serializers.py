"""Shapes of orders and fills on the API. Decimals travel as text, times as ISO 8601 in UTC."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trading.orders.choices import OrderEventKind, PriceType, Side, Source, Status


class OrderRequestSerializer(serializers.Serializer[Any]):
    """A wish to trade. For the document only: `services.ticket` reads and refuses the fields."""

    account = serializers.IntegerField()
    symbol = serializers.CharField(help_text="600519.SH, or 600519.")
    side = serializers.ChoiceField(choices=Side.choices)
    quantity = serializers.IntegerField(help_text="Shares.")
    price_type = serializers.ChoiceField(choices=PriceType.choices, default=PriceType.LIMIT)
    price = serializers.DecimalField(
        max_digits=14,
        decimal_places=6,
        required=False,
        allow_null=True,
        help_text="CNY. The limit of LIMIT; the protection limit of a market kind where the exchange asks for one.",
    )
    client_order_id = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=64,
        help_text="Names this order of the account for ever; the header Idempotency-Key is its alias.",
    )
    strategy = serializers.CharField(
        required=False, allow_null=True, max_length=64, help_text="Which strategy the order belongs to."
    )


class OrdersCancelRequestSerializer(serializers.Serializer[Any]):
    """Which open orders to cancel. For the document only: the service reads and refuses the fields."""

    account = serializers.IntegerField()
    symbol = serializers.CharField(required=False, allow_null=True)
    side = serializers.ChoiceField(choices=Side.choices, required=False, allow_null=True)
    strategy = serializers.CharField(required=False, allow_null=True)


class CancelOutcomeSerializer(serializers.Serializer[Any]):
    """What became of one order."""

    order = serializers.UUIDField()
    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=Side.choices)
    status = serializers.ChoiceField(choices=Status.choices)
    outcome = serializers.CharField(
        allow_null=True,
        help_text="`CANCELLED` before it was sent; `WANTED`; `ALREADY_WANTED`; null with a `code`.",
    )
    code = serializers.CharField(help_text="Why nothing was done: `ORDER_NOT_YOURS`, `ORDER_FINAL`.")


class OrdersCancelSerializer(serializers.Serializer[Any]):
    """One row per open order that the filters name, oldest first."""

    results = CancelOutcomeSerializer(many=True)


class OrderSerializer(serializers.Serializer[Any]):
    """One order as it stands."""

    id = serializers.UUIDField()
    account = serializers.IntegerField()
    client_order_id = serializers.CharField(allow_null=True)
    strategy = serializers.CharField(help_text="Blank without one.")
    # The metaclass takes declared fields out of the class, so these hide nothing of the base's.
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]
    created_by = serializers.CharField(allow_null=True, help_text="User name.")
    simulated = serializers.BooleanField()
    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=Side.choices)
    price_type = serializers.ChoiceField(choices=PriceType.choices)
    price = serializers.CharField(allow_null=True)
    quantity = serializers.IntegerField()
    traded_quantity = serializers.IntegerField(help_text="Shares of the fills booked.")
    traded_amount = serializers.CharField()
    avg_price = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=Status.choices)
    version = serializers.IntegerField()
    trade_date = serializers.DateField()
    order_id = serializers.CharField(help_text="The terminal's number; SIM… when simulated.")
    order_sysid = serializers.CharField(help_text="The exchange's number.")
    code = serializers.CharField(help_text="Why the platform denied or withheld it.")
    message = serializers.CharField(help_text="The broker's words, or the denial's.")
    details = serializers.DictField()
    submitted_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    reported_at = serializers.DateTimeField(allow_null=True)
    final_at = serializers.DateTimeField(allow_null=True)
    cancel_requested_at = serializers.DateTimeField(allow_null=True)


class OrderEventSerializer(serializers.Serializer[Any]):
    """One step of an order's timeline."""

    seq = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=OrderEventKind.choices)
    from_status = serializers.CharField()
    to_status = serializers.ChoiceField(choices=Status.choices)
    data = serializers.DictField()  # type: ignore[assignment]
    at = serializers.DateTimeField()


class TradeSerializer(serializers.Serializer[Any]):
    """One fill with its fees by rule; the broker's own commission, where stated, stands apart."""

    id = serializers.IntegerField()
    account = serializers.IntegerField()
    order = serializers.UUIDField(allow_null=True)
    trade_date = serializers.DateField()
    exchange = serializers.CharField()
    order_sysid = serializers.CharField()
    traded_id = serializers.CharField()
    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=Side.choices)
    price = serializers.CharField()
    quantity = serializers.IntegerField()
    amount = serializers.CharField()
    commission = serializers.CharField()
    stamp_duty = serializers.CharField()
    transfer_fee = serializers.CharField()
    fees = serializers.CharField()
    broker_commission = serializers.CharField(allow_null=True)
    traded_at = serializers.DateTimeField()


class OrderStampSerializer(serializers.Serializer[Any]):
    """When an order came how far."""

    step = serializers.ChoiceField(
        choices=["accepted", "approved", "claimed", "called", "answered", "reported", "final"],
        help_text="`claimed` by the trade worker, `called` at the SDK, `answered` by the terminal, `reported` by the broker.",
    )
    at = serializers.DateTimeField()
    ms = serializers.FloatField(help_text="Milliseconds since the step before.")
    total_ms = serializers.FloatField(help_text="Milliseconds since the order was accepted.")


class OrderDetailSerializer(OrderSerializer):
    """One order with its events, its fills and where its time went."""

    events = OrderEventSerializer(many=True)
    trades = TradeSerializer(many=True)
    timeline = OrderStampSerializer(many=True)


class OrderPageSerializer(serializers.Serializer[Any]):
    """One page of orders, newest first."""

    results = OrderSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class TradePageSerializer(serializers.Serializer[Any]):
    """One page of fills, newest first."""

    results = TradeSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
