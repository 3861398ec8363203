"""Addresses of the pages about people (below the portal's own)."""

from __future__ import annotations

from django.urls import path

from frontend.access import accounts, people, security, signin, teams

urlpatterns = [
    path("login/code/", signin.CodeView.as_view(), name="code"),
    path("login/forgotten/", signin.ForgottenView.as_view(), name="forgotten"),
    path("link/", signin.LinkView.as_view(), name="link"),
    path("link/<str:token>/", signin.link_opened, name="link-opened"),
    path("confirm/", signin.ConfirmView.as_view(), name="confirm"),
    path("security/", security.SecurityView.as_view(), name="security"),
    path("security/second-factor/", security.SecondFactorView.as_view(), name="second-factor"),
    path("people/", people.PeopleView.as_view(), name="people"),
    path("people/<int:user_id>/", people.PersonView.as_view(), name="person"),
    path("teams/", teams.TeamsView.as_view(), name="teams"),
    path("accounts/", accounts.AccountsView.as_view(), name="accounts"),
    path("accounts/<int:account_id>/live/", accounts.LiveView.as_view(), name="live"),
]
