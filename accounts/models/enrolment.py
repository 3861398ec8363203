"""How a QMT host on another machine gets its credentials: once, for a code."""

from __future__ import annotations

from django.db import models

from accounts.models.brokers import QmtHost


class HostEnrolment(models.Model):
    """Credentials of a host that wait, sealed, for the machine that knows the code. Blank once they were fetched."""

    host = models.ForeignKey(QmtHost, on_delete=models.CASCADE, related_name="enrolments")
    digest = models.CharField(max_length=64, unique=True)
    sealed_bundle = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    used_from = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.host_id} {'used' if self.used_at else 'unused'}"
