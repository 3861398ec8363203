"""Mail backend of an installation without a mail server: every message fails in words."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class NoMailServer(OSError):
    """There is no server that could take the message."""


class NoServerBackend(BaseEmailBackend):
    """Refuses every message."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Raise `NoMailServer`, unless the caller asked for silence."""
        if self.fail_silently or not email_messages:
            return 0
        raise NoMailServer("no mail server is configured (DESK_MAIL_HOST)")
