"""What a person meets where a page is not: unknown, forbidden, damaged, failed; and where they go from there."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory

from desk.errors import bad_request
from tests.people import Team, make_team, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(db: None) -> Team:
    """The standing cast."""
    return make_team()


def _english(client: Client) -> Client:
    client.cookies["django_language"] = "en"
    return client


def test_unknown_address_leads_a_person_to_the_search_and_says_what_was_asked(team: Team) -> None:
    response = _english(signed_in(team.alice)).get("/nothing/<b>here</b>/")

    html = response.content.decode()
    assert response.status_code == 404
    assert "There is nothing at this address" in html
    assert "/nothing/&lt;b&gt;here&lt;/b&gt;/" in html
    assert 'href="/instruments/"' in html
    assert 'class="topbar"' in html


def test_unknown_address_shows_an_outsider_the_login_and_no_menu(db: None) -> None:
    response = _english(Client()).get("/nothing/")

    html = response.content.decode()
    assert response.status_code == 404
    assert 'href="/login/"' in html
    assert 'class="topbar"' not in html


def test_forbidden_page_says_who_one_is_and_who_gives_rights(team: Team) -> None:
    response = _english(signed_in(team.alice)).get("/audit/")

    html = response.content.decode()
    assert response.status_code == 403
    assert "You are signed in as alice, Trader." in html
    assert "Administrators give roles and rights" in html


def test_unknown_instrument_offers_the_search_with_what_was_typed(team: Team) -> None:
    response = _english(signed_in(team.alice)).get("/instruments/NOPE.SH/")

    html = response.content.decode()
    assert response.status_code == 404
    assert "No instrument is called NOPE.SH" in html
    assert 'action="/instruments/"' in html
    assert 'value="NOPE.SH"' in html


def test_failed_page_names_no_fault_and_asks_nothing_of_the_request(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("frontend.views.account_boot", fail)
    client = _english(signed_in(team.alice))
    client.raise_request_exception = False

    response = client.get("/")

    html = response.content.decode()
    assert response.status_code == 500
    assert "The platform failed on this page" in html
    assert "secret of the house" not in html


def test_form_of_before_the_login_says_that_nothing_was_changed(team: Team) -> None:
    client = _english(Client(enforce_csrf_checks=True))
    client.force_login(team.alice)

    response = client.post("/preferences/", {"language": "en"})

    assert response.status_code == 403
    assert "This form is too old" in response.content.decode()


def test_damaged_request_is_answered_by_a_page_in_the_portals_look() -> None:
    response = bad_request(RequestFactory().get("/"), ValueError("damaged"))

    assert response.status_code == 400
    assert b"problem.css" in getattr(response, "content", b"")
