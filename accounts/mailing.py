"""Mails that carry a one-time link."""

from __future__ import annotations

import logging
import smtplib

from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from accounts.choices import LinkKind
from accounts.models import User
from accounts.services.links import MAILED_LIFETIME, link_create
from desk.settings.schema import get_config
from ops.audit import Actor

logger = logging.getLogger(__name__)

LINK_PATH = "/link/"


def mail_is_configured() -> bool:
    """Whether people can be written to at all: a server to send through, an address to link to."""
    config = get_config()
    return bool(config.mail_host and config.public_url)


def link_mail(user: User, kind: LinkKind, plain: str) -> bool:
    """Send `user` their link in their own language; False when it did not go out.

    The address begins with the installation's configured one: a request's host header
    never ends in a mail.
    """
    address = f"{get_config().public_url}{LINK_PATH}{plain}/"
    with translation.override(user.language):
        if kind == LinkKind.INVITE:
            subject = _("Your access to QMT Desk")
            text = _("Hello {name},\n\nyou were invited to QMT Desk. Choose your password here, within seven days:")
        else:
            subject = _("A new password for QMT Desk")
            text = _(
                "Hello {name},\n\nsomebody, probably you, asked for a new password. Choose it here, within an hour. "
                "If it was not you, nothing happens as long as nobody opens the link:"
            )
        body = text.format(name=user.get_full_name() or user.username) + f"\n\n{address}\n"
    try:
        return bool(send_mail(subject, body, None, [user.email]))
    except (OSError, smtplib.SMTPException) as error:
        logger.warning("The link for user %s could not be mailed: %s", user.pk, type(error).__name__)
        return False


def reset_requested(identifier: str) -> None:
    """Have a worker look who is meant, and mail them. How long this takes tells nothing."""
    from accounts.tasks import reset_mail

    try:
        reset_mail.apply_async(args=(identifier,), queue="core", expires=600, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("A link could not be asked for, the task queue is away: %s", error)


def reset_by_mail(identifier: str) -> bool:
    """Mail a link to the one active person with this user name or mail address; False if there is none.

    Runs in a worker: what a stranger's request takes on the web does not depend on who exists.
    """
    if not mail_is_configured() or not identifier:
        return False
    people = User.objects.filter(is_active=True).exclude(email="")
    matching = list(people.filter(username=identifier)[:1]) or list(people.filter(email__iexact=identifier)[:2])
    if len(matching) != 1:
        return False
    user = matching[0]
    plain = link_create(actor=Actor.system("password-reset"), user=user, kind=LinkKind.RESET, lifetime=MAILED_LIFETIME)
    return link_mail(user, LinkKind.RESET, plain)
