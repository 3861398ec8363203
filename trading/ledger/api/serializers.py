"""Shapes of money and holdings on the API. Decimals travel as text."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class AssetSerializer(serializers.Serializer[Any]):
    """An account's money as the broker last stated it, and what is promised of it here."""

    account = serializers.IntegerField()
    cash = serializers.CharField(help_text="Available at the broker, CNY.")
    frozen_cash = serializers.CharField()
    market_value = serializers.CharField()
    total_asset = serializers.CharField()
    at = serializers.DateTimeField(help_text="When the broker's figures were received.")
    reserved_cash = serializers.CharField(help_text="Promised to orders that the broker's figure does not contain yet.")
    available_cash = serializers.CharField(help_text="`cash` less `reserved_cash`.")


class PositionSerializer(serializers.Serializer[Any]):
    """One holding as the broker last stated it. Quantities in shares."""

    account = serializers.IntegerField()
    symbol = serializers.CharField()
    quantity = serializers.IntegerField()
    sellable = serializers.IntegerField(help_text="May be sold today (T+1).")
    frozen = serializers.IntegerField()
    on_road = serializers.IntegerField()
    yesterday = serializers.IntegerField()
    avg_price = serializers.CharField()
    open_price = serializers.CharField()
    last_price = serializers.CharField()
    market_value = serializers.CharField()
    at = serializers.DateTimeField()


class PositionListSerializer(serializers.Serializer[Any]):
    """Holdings."""

    version = serializers.IntegerField(
        allow_null=True,
        help_text="Of the account's event log; unchanged means that no order, fill or holding changed. Null without `account`.",
    )
    results = PositionSerializer(many=True)
