"""Rules for passwords beyond Django's own."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User

SHORTEST_NAME = 4


class NameValidator:
    """Refuses a password with the user name in it: the first thing that is tried.

    Django's validator compares as a whole, and lets ``alice-alice`` pass.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise `ValidationError` when the name is in the password, in either case."""
        name = "" if user is None else user.get_username().casefold()
        if len(name) >= SHORTEST_NAME and name in password.casefold():
            raise ValidationError(_("The password contains your user name."), code="password_contains_name")

    def get_help_text(self) -> str:
        return _("The password must not contain your user name.")
