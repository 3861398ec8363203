"""One's own security: password, second factor, sessions, tokens."""

from __future__ import annotations

from typing import Any, ClassVar

import segno
from django.contrib import messages
from django.contrib.auth import authenticate, update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from accounts import second_factor
from accounts.models import ApiToken, PersonSession
from accounts.selectors import handovers_for
from accounts.services import password_set, sessions_end, sessions_end_all, token_create, token_revoke, token_rotate
from accounts.services.sessions import session_moved, sessions_of
from frontend.access.devices import device_name
from frontend.access.forms import ChangePasswordForm, CodeForm, TokenForm
from frontend.access.page import Page
from frontend.access.work import work_rows
from ops.errors import Code, DeskError, Forbidden, NotFound


class SecurityView(Page):
    """Everything that lets one in."""

    template_name: ClassVar[str] = "frontend/access/security.html"
    section: ClassVar[str] = "security"
    acts: ClassVar[tuple[str, ...]] = (
        "password",
        "session_end",
        "sessions_end",
        "token_create",
        "token_rotate",
        "token_revoke",
        "second_factor_remove",
        "recovery_codes",
    )
    # The present password is asked by the form; ending something only ever makes it safer.
    open_acts: ClassVar[tuple[str, ...]] = ("password", "session_end", "sessions_end", "token_revoke")

    def context(self) -> dict[str, Any]:
        return {
            "password_form": ChangePasswordForm(),
            "token_create_form": TokenForm(self.user),
            "second_factor": second_factor.is_on(self.user),
            "codes_left": second_factor.recovery_codes_left(self.user),
            "sessions": [(row, device_name(row.agent)) for row in sessions_of(self.user)],
            "session_key": self.request.session.session_key,
            "tokens": ApiToken.objects.filter(user=self.user).select_related("rotated_from")[:50],
            "handovers": [(handover, work_rows(items)) for handover, items in handovers_for(self.user)],
        }

    # ---------------------------------------------------------------- password
    def act_password(self) -> None:
        form = ChangePasswordForm(self.request.POST)
        data = self.filled(form)
        if authenticate(self.request, username=self.user.username, password=data["current"]) is None:
            raise Forbidden(Code.CREDENTIALS_INVALID)
        old_key = self.request.session.session_key
        password_set(actor=self.actor, user=self.user, password=data["password"], keep_session=old_key)
        # This browser stays signed in, under a new key; every other one has ended.
        update_session_auth_hash(self.request, self.user)
        session_moved(self.request, old_key)
        self.say(_("The password is changed. Every other session has ended."))

    # ----------------------------------------------------------- second factor
    def act_second_factor_remove(self) -> None:
        second_factor.second_factor_remove(actor=self.actor, user=self.user)
        self.say(_("The second factor is off."))

    def act_recovery_codes(self) -> HttpResponse:
        if not second_factor.is_on(self.user):
            raise Forbidden(Code.SECOND_FACTOR_INVALID)
        return self.show(recovery_codes=second_factor.recovery_codes_renew(actor=self.actor, user=self.user))

    # ---------------------------------------------------------------- sessions
    def act_session_end(self) -> HttpResponse | None:
        chosen = PersonSession.objects.filter(user=self.user, pk=self._key("session"))
        own = chosen.filter(session_key=self.request.session.session_key).exists()
        if sessions_end(actor=self.actor, sessions=chosen):
            self.say(_("The session has ended."))
        return redirect("frontend:login") if own else None

    def act_sessions_end(self) -> None:
        count = sessions_end_all(actor=self.actor, user=self.user, but=self.request.session.session_key)
        self.say(_("{count} other sessions have ended.").format(count=count))

    # ------------------------------------------------------------------ tokens
    def act_token_create(self) -> HttpResponse:
        form = TokenForm(self.user, self.request.POST)
        self.filled(form)
        _token, plain = token_create(actor=self.actor, user=self.user, **form.service_arguments())
        return self.show(new_token=plain)

    def act_token_rotate(self) -> HttpResponse:
        _token, plain = token_rotate(actor=self.actor, token=self._token())
        return self.show(new_token=plain)

    def act_token_revoke(self) -> None:
        if token_revoke(actor=self.actor, token=self._token()):
            self.say(_("The token has ended."))

    def _token(self) -> ApiToken:
        token = ApiToken.objects.filter(user=self.user, pk=self._key("token")).first()
        if token is None:
            raise NotFound(Code.TOKEN_NOT_FOUND)
        return token

    def _key(self, name: str) -> int:
        text = self.request.POST.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


class SecondFactorView(Page):
    """Setting up a second factor: a QR code, and a first code from it."""

    template_name: ClassVar[str] = "frontend/access/second_factor.html"
    section: ClassVar[str] = "security"
    confirmed_only: ClassVar[bool] = True
    acts: ClassVar[tuple[str, ...]] = ("confirm",)

    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if second_factor.is_on(self.user):
            messages.info(request, _("The second factor is on already."))
            return redirect("frontend:security")
        return self.show()

    def context(self) -> dict[str, Any]:
        pending = second_factor.second_factor_pending(self.user)
        secret = pending or second_factor.second_factor_begin(user=self.user)
        return {
            "confirm_form": CodeForm(),
            "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
            "qr": qr_svg(second_factor.provisioning_uri(self.user, secret)),
        }

    def act_confirm(self) -> HttpResponse:
        data = self.filled(CodeForm(self.request.POST))
        try:
            codes = second_factor.second_factor_confirm(actor=self.actor, user=self.user, code=data["code"])
        except DeskError as error:
            if error.code == Code.SECOND_FACTOR_ON:
                return redirect("frontend:security")
            raise
        # Whoever came in by the password alone comes in anew.
        sessions_end_all(actor=self.actor, user=self.user, but=self.request.session.session_key)
        page = SecurityView()
        page.setup(self.request)
        return page.show(recovery_codes=codes)


def qr_svg(text: str) -> SafeString:
    """A QR code as inline SVG without styles or scripts: black on white in any theme."""
    svg = segno.make(text, error="m").svg_inline(scale=5, border=2, dark="#000", light="#fff")
    return mark_safe(svg)  # noqa: S308 - made of squares by the library, the text is not in it
