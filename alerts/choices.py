"""The closed vocabularies of this app."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ChannelKind(models.TextChoices):
    """Ways to reach a person outside of the portal."""

    MAIL = "MAIL", _("Mail")
    WECOM = "WECOM", _("WeCom robot")
    DINGTALK = "DINGTALK", _("DingTalk robot")
    FEISHU = "FEISHU", _("Feishu robot")
    WEBHOOK = "WEBHOOK", _("Signed webhook")


class DeliveryStatus(models.TextChoices):
    """How far one alert got on one channel."""

    PENDING = "PENDING", _("Waiting")
    SENDING = "SENDING", _("Sending")
    SENT = "SENT", _("Sent")
    FAILED = "FAILED", _("Failed")
    SKIPPED = "SKIPPED", _("Not sent any more")


#: Nothing more happens to these.
FINAL = frozenset({DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.SKIPPED})
