"""Shapes of rules on bars; the writes are read strictly by the services."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trading.barrules.choices import RulePeriod


class MacdRuleRequestSerializer(serializers.Serializer[Any]):
    """Setting the rule on one instrument; what is left out stays."""

    account = serializers.IntegerField()
    symbol = serializers.CharField()
    period = serializers.ChoiceField(choices=RulePeriod.choices, required=False, help_text="1d at first.")
    amount = serializers.CharField(required=False, help_text="CNY of an entry; required at first.")
    enabled = serializers.BooleanField(required=False, help_text="true when absent.")


class MacdRuleSerializer(serializers.Serializer[Any]):
    """The MACD rule on one instrument of one account."""

    account = serializers.IntegerField()
    symbol = serializers.CharField()
    user = serializers.CharField(help_text="In whose name it trades.")
    by_token = serializers.BooleanField()
    period = serializers.ChoiceField(choices=RulePeriod.choices)
    amount = serializers.CharField()
    enabled = serializers.BooleanField()
    judged_bar = serializers.IntegerField(allow_null=True, help_text="Epoch ms of the newest bar judged.")
    entered_on = serializers.DateField(allow_null=True)
    exited_on = serializers.DateField(allow_null=True)
    changed_at = serializers.DateTimeField()


class MacdRuleListSerializer(serializers.Serializer[Any]):
    """Rules of the accounts the caller sees."""

    results = MacdRuleSerializer(many=True)
