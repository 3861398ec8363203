"""Forms of the portal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from accounts.models import User

if TYPE_CHECKING:
    _UserForm = forms.ModelForm[User]
else:
    _UserForm = forms.ModelForm  # not generic at run time

#: Where teams sit that trade in China. Market times are always Shanghai's.
TIME_ZONES = (
    "Asia/Shanghai",
    "Asia/Hong_Kong",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Asia/Dubai",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "Australia/Sydney",
    "UTC",
)


class LoginForm(AuthenticationForm):
    """User name and password; one answer for every kind of failure."""

    error_messages = {
        "invalid_login": _("User name and password do not match."),
        # The same words: a stranger must not learn which users exist.
        "inactive": _("User name and password do not match."),
    }


class PreferencesForm(_UserForm):
    """What a person decides about the look of the portal."""

    class Meta:
        model = User
        fields = ("language", "rising_color", "display_timezone")
        labels = {
            "language": _("Language"),
            "rising_color": _("Rising prices are shown in"),
            "display_timezone": _("Time zone shown"),
        }
        widgets = {
            "language": forms.RadioSelect,
            "rising_color": forms.RadioSelect,
            "display_timezone": forms.Select(choices=[(zone, zone) for zone in TIME_ZONES]),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Left out, it stays what it was.
        self.fields["display_timezone"].required = False

    def clean_display_timezone(self) -> str:
        zone = str(self.cleaned_data["display_timezone"] or self.instance.display_timezone)
        if zone not in TIME_ZONES and zone != self.instance.display_timezone:
            raise forms.ValidationError(_("Unknown time zone."))
        return zone
