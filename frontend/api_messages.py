"""Texts of the API page."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

API_MESSAGES: dict[str, str | Promise] = {
    "api.as_session": _("Requests go with your session."),
    "api.as_token": _("Requests go with the token."),
    "api.copied": _("Copied"),
    "api.deprecated": _("deprecated"),
    "api.download": _("Download the answer"),
    "api.empty_body": _("No content."),
    "api.failed": _("The request did not arrive: {reason}"),
    "api.missing": _("Fill in {name}."),
    "api.cut": _("The first {shown} of {all} characters are shown."),
    "api.none": _("No operation fits."),
    "api.required": _("required"),
    "api.unread": _("The operations could not be read ({reason}). Load the page again."),
    "api.unset": _("not sent"),
    "api.took": _("{milliseconds} ms, {bytes} bytes"),
    "api.asking": _("Asking…"),
}


def api_messages() -> dict[str, str]:
    """The texts in the active language."""
    return {key: str(text) for key, text in API_MESSAGES.items()}
