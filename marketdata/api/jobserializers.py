"""Shapes of jobs and schedules on the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from marketdata.models import RepairItem
from ops.models import Job


class JobSerializer(serializers.ModelSerializer[Job]):
    """Long work: `done` of `total`, in the unit of its kind (instrument-days for downloads)."""

    seconds_left = serializers.FloatField(
        read_only=True, allow_null=True, help_text="At the present rate; null when nobody can say."
    )

    class Meta:
        model = Job
        fields = (
            "id",
            "kind",
            "status",
            "owner",
            "total",
            "done",
            "rate",
            "seconds_left",
            "message",
            "params",
            "result",
            "error",
            "created_at",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields


class JobPageSerializer(serializers.Serializer[Any]):
    """One page of jobs, newest first."""

    results = JobSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class JobItemSerializer(serializers.ModelSerializer[RepairItem]):
    """One instrument's part in a download; `ranges` and `days` are what is missing still."""

    symbol = serializers.CharField(source="instrument.symbol", read_only=True)

    class Meta:
        model = RepairItem
        fields = (
            "id",
            "symbol",
            "period",
            "status",
            "ranges",
            "days",
            "attempts",
            "rows_stored",
            "trouble",
            "error",
            "host",
            "source_host",
            "not_before",
            "updated_at",
        )
        read_only_fields = fields


class JobItemPageSerializer(serializers.Serializer[Any]):
    """One page of a job's parts, newest first."""

    results = JobItemSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class SyncSerializer(serializers.Serializer[Any]):
    """Which bars are to be completed."""

    symbols = serializers.ListField(child=serializers.CharField(max_length=16), min_length=1, max_length=6_000)
    period = serializers.CharField(default="1d", max_length=8)
    start = serializers.CharField(required=False, max_length=19, help_text="From the listing when absent.")
    end = serializers.CharField(required=False, max_length=19, help_text="Until now when absent.")


class SyncAnswerSerializer(serializers.Serializer[Any]):
    """Whether anything is missing, and the job that fetches it."""

    complete = serializers.BooleanField()
    missing_days = serializers.IntegerField(help_text="Instrument-days.")
    job = JobSerializer(allow_null=True)


class ScheduleSerializer(serializers.Serializer[Any]):
    """One scheduled job. Times of runs are market times."""

    name = serializers.CharField(source="row.name")
    title = serializers.CharField(source="row.get_name_display")
    host = serializers.CharField(source="row.host")
    enabled = serializers.BooleanField(source="config.enabled")
    every = serializers.ChoiceField(("day", "week"), source="config.every")
    at = serializers.CharField(source="config.at")
    next_run_at = serializers.DateTimeField(source="row.next_run_at", allow_null=True)
    last_run_at = serializers.DateTimeField(source="row.last_run_at", allow_null=True)
    last_started_at = serializers.DateTimeField(source="row.last_started_at", allow_null=True, help_text="Wall clock.")
    missed = serializers.IntegerField(source="row.missed", help_text="Runs that one later run stood for, so far.")
    last_job = serializers.UUIDField(source="row.last_job_id", allow_null=True)
    last_status = serializers.CharField(source="row.last_job.status", default=None, allow_null=True)
    last_message = serializers.CharField(source="row.last_job.message", default=None, allow_null=True)


class ScheduleListSerializer(serializers.Serializer[Any]):
    """Every schedule, by host and name."""

    results = ScheduleSerializer(many=True)
