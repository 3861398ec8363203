"""Processes and the installation they belong to."""

from __future__ import annotations

from django.db import models


class ProcessHeartbeat(models.Model):
    """A process's last successful loop; "up" alone says nothing."""

    name = models.CharField(max_length=100, primary_key=True)
    host = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    last_loop_at = models.DateTimeField()
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})"


class Installation(models.Model):
    """This installation's identity: one row. Its code prefixes every order tag."""

    SINGLETON = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=SINGLETON, editable=False)
    code = models.CharField(max_length=6)
    env = models.CharField(max_length=12, blank=True, default="", help_text="Profile this database belongs to.")
    created_at = models.DateTimeField(auto_now_add=True)
    restored_at = models.DateTimeField(null=True, blank=True, help_text="When it was last restored from a backup.")

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="installation_singleton"),)

    def __str__(self) -> str:
        return self.code
