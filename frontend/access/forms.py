"""Forms of the pages about people. They parse; the services decide."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.choices import AccountMode, Language, Role, Scope, TradeRight, TradingState
from accounts.models import BrokerAccount, Team, User
from accounts.models.access import DEFAULT_RATE_PER_MINUTE, MAX_RATE_PER_MINUTE
from accounts.usernames import username_validator
from ops.clocks import SHANGHAI, wall_now

_NEW_PASSWORD = {"autocomplete": "new-password"}
_CODE = {"autocomplete": "one-time-code", "inputmode": "numeric", "autocapitalize": "characters"}


class ConfirmForm(forms.Form):
    """The password once more, and the code where there is a second factor."""

    password = forms.CharField(
        label=_("Password"), widget=forms.PasswordInput({"autocomplete": "current-password", "autofocus": True})
    )
    code = forms.CharField(label=_("Code"), required=False, max_length=20, widget=forms.TextInput(_CODE))


class CodeForm(forms.Form):
    """A code of the second factor."""

    code = forms.CharField(label=_("Code"), max_length=20, widget=forms.TextInput({**_CODE, "autofocus": True}))


class ForgottenForm(forms.Form):
    """Who asks for a new password."""

    identifier = forms.CharField(
        label=_("User name or mail address"),
        max_length=254,
        widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none", "autofocus": True}),
    )


class NewPasswordForm(forms.Form):
    """A password, typed twice."""

    password = forms.CharField(label=_("New password"), widget=forms.PasswordInput(_NEW_PASSWORD), strip=False)
    repeated = forms.CharField(label=_("Once more"), widget=forms.PasswordInput(_NEW_PASSWORD), strip=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("password") != data.get("repeated"):
            self.add_error("repeated", _("The two passwords differ."))
        return data


class ChangePasswordForm(NewPasswordForm):
    """The present password first."""

    current = forms.CharField(
        label=_("Present password"), widget=forms.PasswordInput({"autocomplete": "current-password"}), strip=False
    )
    field_order = ("current", "password", "repeated")


class TokenForm(forms.Form):
    """What a new token may do, from where, and until when."""

    name = forms.CharField(label=_("What it is for"), max_length=80)
    scopes = forms.MultipleChoiceField(label=_("Scopes"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple)
    accounts = forms.ModelMultipleChoiceField(
        label=_("Only these accounts"),
        queryset=BrokerAccount.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: every account you may see, later ones too."),
    )
    days = forms.TypedChoiceField(
        label=_("Expires after"),
        coerce=int,
        initial=90,
        choices=((7, _("7 days")), (30, _("30 days")), (90, _("90 days")), (365, _("one year")), (0, _("never"))),
    )
    networks = forms.CharField(
        label=_("Only from these networks"),
        required=False,
        max_length=1000,
        widget=forms.TextInput({"placeholder": "10.0.0.0/8, 192.168.1.20"}),
        help_text=_("Separated by commas. Empty: from anywhere."),
    )
    rate_per_minute = forms.IntegerField(
        label=_("Requests a minute"), min_value=1, max_value=MAX_RATE_PER_MINUTE, initial=DEFAULT_RATE_PER_MINUTE
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["accounts"].queryset = BrokerAccount.objects.visible_to(user)  # type: ignore[attr-defined]
        if not user.is_admin:
            scopes = [choice for choice in Scope.choices if choice[0] != Scope.ADMIN]
            self.fields["scopes"].choices = scopes  # type: ignore[attr-defined]

    def service_arguments(self) -> dict[str, Any]:
        """What `token_create` takes."""
        data = self.cleaned_data
        return {
            "name": data["name"],
            "scopes": data["scopes"],
            "account_ids": [account.pk for account in data["accounts"]] or None,
            "expires_at": wall_now() + timedelta(days=data["days"]) if data["days"] else None,
            "networks": [part.strip() for part in data["networks"].split(",") if part.strip()],
            "rate_per_minute": data["rate_per_minute"],
        }


class InviteForm(forms.Form):
    """A new person."""

    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        validators=[username_validator],
        widget=forms.TextInput({"autocapitalize": "none", "autocomplete": "off"}),
    )
    first_name = forms.CharField(label=_("Full name"), max_length=150, required=False)
    email = forms.EmailField(label=_("Mail address"), required=False)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.VIEWER)
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)


class PersonForm(forms.Form):
    """What an administrator may change about a person."""

    first_name = forms.CharField(label=_("Full name"), max_length=150, required=False)
    email = forms.EmailField(label=_("Mail address"), required=False)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class DeactivateForm(forms.Form):
    """Who looks after what somebody leaves."""

    successor = forms.ModelChoiceField(
        label=_("Successor"), queryset=User.objects.none(), required=False, empty_label=_("Nobody")
    )
    transfer_grants = forms.BooleanField(label=_("The successor also gets the rights on accounts"), required=False)

    def __init__(self, person: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = User.objects.filter(is_active=True).exclude(pk=person.pk)
        self.fields["successor"].queryset = others  # type: ignore[attr-defined]


class TeamForm(forms.Form):
    """A team's name."""

    name = forms.CharField(label=_("Name"), max_length=60)


class MemberForm(forms.Form):
    """Somebody who joins a team."""

    user = forms.ModelChoiceField(
        label=_("Person"), queryset=User.objects.filter(is_active=True), empty_label=_("Choose…")
    )


class GrantForm(forms.Form):
    """Rights of a person or a team on an account."""

    holder = forms.ChoiceField(label=_("For"))
    account = forms.ModelChoiceField(label=_("Account"), queryset=BrokerAccount.objects.all(), empty_label=_("Choose…"))
    trade = forms.ChoiceField(label=_("Trading"), choices=TradeRight.choices)
    can_approve = forms.BooleanField(label=_("May approve orders"), required=False)
    can_manage = forms.BooleanField(label=_("May halt and resume"), required=False)
    can_move_money = forms.BooleanField(label=_("May move money"), required=False)
    expires_at = forms.DateTimeField(
        label=_("Expires"),
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        help_text=_("Shanghai time. Empty: until it is withdrawn."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(f"user:{row.pk}", row.username) for row in User.objects.filter(is_active=True)]
        teams = [(f"team:{row.pk}", row.name) for row in Team.objects.all()]
        groups: list[Any] = [("", _("Choose…")), (_("People"), people)]
        self.fields["holder"].choices = [*groups, (_("Teams"), teams)] if teams else groups  # type: ignore[attr-defined]

    def clean_expires_at(self) -> Any:
        given = self.cleaned_data["expires_at"]
        # Typed in the market's time, whatever zone the page is shown in.
        return None if given is None else given.replace(tzinfo=SHANGHAI)

    def service_arguments(self) -> dict[str, Any]:
        """What `grant_set` takes."""
        data = self.cleaned_data
        kind, _colon, key = data["holder"].partition(":")
        model: type[User | Team] = User if kind == "user" else Team
        return {
            kind: model.objects.get(pk=key),
            "account": data["account"],
            "trade": TradeRight(data["trade"]),
            "can_approve": data["can_approve"],
            "can_manage": data["can_manage"],
            "can_move_money": data["can_move_money"],
            "expires_at": data["expires_at"],
        }


class StateForm(forms.Form):
    """An account's trading state, and why."""

    state = forms.ChoiceField(label=_("Trading state"), choices=TradingState.choices)
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)
    confirm = forms.CharField(max_length=32, required=False)


class KillForm(forms.Form):
    """The kill switch of an account, and whether it sells what is there."""

    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)
    flatten = forms.BooleanField(required=False)
    confirm = forms.CharField(max_length=32, required=False)


class ModeForm(forms.Form):
    """The modes that need no more than a decision."""

    mode = forms.ChoiceField(
        label=_("Mode"),
        choices=[choice for choice in AccountMode.choices if choice[0] != AccountMode.LIVE],
    )


class LiveForm(forms.Form):
    """What going live takes, typed and ticked by hand."""

    acknowledged = forms.BooleanField(label=_("I have read this notice."))
    broker_report = forms.CharField(
        label=_("Report to the broker"),
        max_length=200,
        widget=forms.TextInput({"autocomplete": "off"}),
        help_text=_("When and how programmatic trading of this account was reported, and who confirmed it."),
    )
    account_no = forms.CharField(
        label=_("Type the account number to confirm"), max_length=32, widget=forms.TextInput({"autocomplete": "off"})
    )
    notice_version = forms.CharField(widget=forms.HiddenInput)
