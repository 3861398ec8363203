"""Forms of the portal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from accounts.models import User

if TYPE_CHECKING:
    _UserForm = forms.ModelForm[User]
else:
    _UserForm = forms.ModelForm  # not generic at run time


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
        fields = ("language", "rising_color")
        labels = {
            "language": _("Language"),
            "rising_color": _("Rising prices are shown in"),
        }
        widgets = {
            "language": forms.RadioSelect,
            "rising_color": forms.RadioSelect,
        }
