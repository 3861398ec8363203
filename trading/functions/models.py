"""Calls of the SDK by name: what was asked, by whom, and what became of it. Never the answer itself."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import BrokerAccount, User
from trading.functions.choices import CallStatus


class FunctionCall(models.Model):
    """One call. The row is the request: the reads worker does what it says, once, before its deadline."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    actor = models.CharField(_("by"), max_length=200)
    function = models.CharField(_("function"), max_length=80)
    host = models.CharField(_("QMT host"), max_length=32)
    account = models.ForeignKey(BrokerAccount, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    arguments = models.JSONField(_("arguments"), default=dict)
    status = models.CharField(_("status"), max_length=8, choices=CallStatus.choices, default=CallStatus.QUEUED)
    code = models.CharField(_("code"), max_length=40, blank=True, default="")
    message = models.CharField(_("message"), max_length=500, blank=True, default="")
    size = models.PositiveBigIntegerField(_("bytes"), null=True, blank=True)
    created_at = models.DateTimeField(_("asked"))
    deadline_at = models.DateTimeField(_("deadline"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("call of a function")
        verbose_name_plural = _("calls of functions")
        ordering = ("-created_at",)
        indexes = (models.Index(fields=("created_at",), name="function_call_created"),)

    def __str__(self) -> str:
        return f"{self.function} {self.status}"
