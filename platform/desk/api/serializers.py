"""Shapes of audit events and settings on the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ops.models import Job


class AuditFilterSerializer(serializers.Serializer[Any]):
    """What to look for; everything that is given has to match."""

    actor = serializers.CharField(required=False, max_length=200, help_text="Part of a name, or an id.")
    action = serializers.CharField(
        required=False, max_length=80, help_text="An action, or its beginning up to a dot (`account.`)."
    )
    target = serializers.CharField(
        required=False, max_length=200, help_text="An object (`account:3`), or a kind of object (`account:`)."
    )
    account = serializers.IntegerField(required=False, min_value=1)
    request_id = serializers.CharField(required=False, max_length=64)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    text = serializers.CharField(required=False, max_length=200, help_text="Part of anything in the event.")


class ChangeSerializer(serializers.Serializer[Any]):
    """One field's change."""

    field = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class AuditEventSerializer(serializers.Serializer[Any]):
    """One decision: who did what to what, and what it changed."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    chain = serializers.CharField()
    sequence = serializers.IntegerField()
    actor_kind = serializers.ChoiceField(choices=["user", "token", "system"])
    actor_id = serializers.CharField()
    actor = serializers.CharField()
    action = serializers.CharField()
    target = serializers.CharField()
    account = serializers.IntegerField(allow_null=True)
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    changes = ChangeSerializer(many=True)
    request_id = serializers.CharField()
    hash = serializers.CharField()


class TargetSerializer(serializers.Serializer[Any]):
    """The object whose history is asked for."""

    target = serializers.RegexField(r"^[a-z_]{1,40}:[^\s]{1,150}$", max_length=200)


class VerificationSerializer(serializers.Serializer[Any]):
    """The last proof of the audit trail, or the one that runs."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=Job.Status.choices)
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    message = serializers.CharField()
    error = serializers.CharField()
    result = serializers.DictField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class VerificationAnswerSerializer(serializers.Serializer[Any]):
    verification = VerificationSerializer(allow_null=True)


class SettingSerializer(serializers.Serializer[Any]):
    """One setting in force."""

    name = serializers.CharField()
    variable = serializers.CharField()
    value = serializers.CharField(help_text="Masked where it is a secret.")
    source = serializers.ChoiceField(choices=["default", "file", "secret_file", "environment"])  # type: ignore[assignment]
    default = serializers.CharField()
    secret = serializers.BooleanField()
    description = serializers.CharField()


class ConfigurationSerializer(serializers.Serializer[Any]):
    """The configuration of the web process that answers."""

    env = serializers.CharField()
    installation = serializers.CharField()
    file = serializers.CharField(help_text="Path of the configuration file; empty without one.")
    settings = SettingSerializer(many=True)
    unknown_variables = serializers.ListField(child=serializers.CharField())
