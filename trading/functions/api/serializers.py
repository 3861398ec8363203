"""Shapes of the SDK's functions for the document; the selectors make the values."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from marketdata.api.jobserializers import JobSerializer
from qmt.registry import FunctionClass, Kind

CLASSES = [kind.value for kind in FunctionClass]


class ParameterSerializer(serializers.Serializer[Any]):
    """One parameter; `schema` is what its value must match."""

    name = serializers.CharField()
    kind = serializers.ChoiceField([kind.value for kind in Kind])
    text = serializers.CharField(help_text="Meaning and unit.")
    default = serializers.JSONField(allow_null=True)
    schema = serializers.DictField()

    def get_fields(self) -> dict[str, Any]:
        # Names that mean something else in a class.
        return super().get_fields() | {"required": serializers.BooleanField()}


class FunctionSerializer(serializers.Serializer[Any]):
    """One function of the SDK."""

    name = serializers.CharField(help_text="xtdata.… or xttrader.…")
    group = serializers.CharField()
    purpose = serializers.CharField()
    result = serializers.CharField()
    scope = serializers.CharField(help_text="What a token needs.")
    deadline_seconds = serializers.FloatField()
    endpoints = serializers.ListField(
        child=serializers.CharField(), help_text="The platform's own addresses that answer the same."
    )
    run = serializers.BooleanField(help_text="The platform runs it by name.")
    simulated = serializers.BooleanField(help_text="The simulated terminal answers it.")
    broken = serializers.CharField(help_text="Why it cannot work in the pinned SDK; empty when it can.")
    parameters = ParameterSerializer(many=True)
    example = serializers.DictField()

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        return fields | {"class": serializers.ChoiceField(CLASSES)}


class FunctionDetailSerializer(FunctionSerializer):
    """One function with the JSON schema of its arguments."""

    arguments_schema = serializers.DictField()


class CallbackSerializer(serializers.Serializer[Any]):
    """One hook of the SDK, and where a client of the platform gets the same."""

    name = serializers.CharField()
    purpose = serializers.CharField()
    endpoints = serializers.CharField()
    simulated = serializers.BooleanField()


class FunctionCountsSerializer(serializers.Serializer[Any]):
    """Totals of the whole registry."""

    functions = serializers.IntegerField()
    classes = serializers.DictField(child=serializers.IntegerField())
    run = serializers.IntegerField()
    simulated = serializers.IntegerField()
    callbacks = serializers.IntegerField()
    callbacks_simulated = serializers.IntegerField()


class FunctionListSerializer(serializers.Serializer[Any]):
    """Functions that match, every callback, and the totals."""

    results = FunctionSerializer(many=True)
    callbacks = CallbackSerializer(many=True)
    counts = FunctionCountsSerializer()


class FunctionCallSerializer(serializers.Serializer[Any]):
    """A call: arguments by name, and the host to ask where no account says it."""

    arguments = serializers.DictField(required=False)
    host = serializers.CharField(required=False, max_length=32)


class FunctionAnswerSerializer(serializers.Serializer[Any]):
    """An answer; `result` as the function's description says."""

    function = serializers.CharField()
    host = serializers.CharField()
    result = serializers.JSONField(allow_null=True)


class FunctionJobSerializer(serializers.Serializer[Any]):
    """An answer that is too large for a reply: the job is done, `file` is where it can be fetched for a day."""

    function = serializers.CharField()
    host = serializers.CharField()
    job = JobSerializer()
    file = serializers.CharField()
