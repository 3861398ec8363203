"""Long work: a row before it is enqueued, progress while it runs, an outcome at the end."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class Job(models.Model):
    """One piece of long work and how far it got."""

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Pending")
        RUNNING = "RUNNING", _("Running")
        PAUSED = "PAUSED", _("Paused")
        DONE = "DONE", _("Done")
        PARTIAL = "PARTIAL", _("Partly done")
        FAILED = "FAILED", _("Failed")
        CANCELLED = "CANCELLED", _("Cancelled")

    FINAL = frozenset({Status.DONE, Status.PARTIAL, Status.FAILED, Status.CANCELLED})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=64)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    # A plain id: this layer knows no user model.
    owner = models.BigIntegerField(null=True, blank=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    rate = models.FloatField(null=True, blank=True, help_text="Units per second, lately.")
    progressed_at = models.DateTimeField(null=True, blank=True)
    lease_holder = models.CharField(max_length=120, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    message = models.CharField(max_length=500, blank=True, default="")
    params = models.JSONField(default=dict, blank=True)
    result = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = (models.Index(fields=["status", "created_at"], name="job_status_created"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.status} {self.done}/{self.total}"

    @property
    def seconds_left(self) -> float | None:
        """Time the rest takes at the present rate; None when nobody can say."""
        if self.status != self.Status.RUNNING or not self.rate or self.done >= self.total:
            return None
        return (self.total - self.done) / self.rate

    @property
    def is_final(self) -> bool:
        return self.status in self.FINAL
