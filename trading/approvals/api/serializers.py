"""The shape of the queue."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trading.execution.api.approvals import WaitingExecutionSerializer
from trading.money.api.serializers import WaitingTransferSerializer
from trading.orders.api.approvals import WaitingOrderSerializer


class ApprovalQueueSerializer(serializers.Serializer[Any]):
    """Everything that waits, oldest first."""

    orders = WaitingOrderSerializer(many=True)
    executions = WaitingExecutionSerializer(many=True)
    transfers = WaitingTransferSerializer(many=True)
