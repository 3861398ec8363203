"""Mail through Django's configured backend."""

from __future__ import annotations

import smtplib

from django.core.mail import EmailMessage

from alerts.transports.base import Answer, Destination, Message, SendFailed


def send(message: Message, destination: Destination) -> Answer:
    """Send the notice as plain text to one address."""
    mail = EmailMessage(
        subject=message.subject,
        body=message.text,
        to=[destination.address],
        headers={"X-Desk-Delivery": message.delivery_id, "Auto-Submitted": "auto-generated"},
    )
    try:
        mail.send()
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPAuthenticationError) as error:
        raise SendFailed(f"the mail server refuses it ({type(error).__name__})", retry=False) from error
    except smtplib.SMTPException as error:
        raise SendFailed(f"the mail server failed ({type(error).__name__})") from error
    except OSError as error:
        raise SendFailed(f"the mail server cannot be reached ({type(error).__name__})") from error
    return Answer()
