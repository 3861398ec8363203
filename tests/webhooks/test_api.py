"""Webhooks over REST: one's own, in the portal only, with a secret that is shown once."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from ops.models import AuditEvent
from tests.orders.bench import Bench
from tests.people import confirmed, make_token, signed_in
from trading.webhooks.models import EventDelivery, Webhook
from trading.webhooks.services import destination_of, reseal_all

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])
PATH = "/api/v1/webhooks"


def make(bench: Bench, user: User | None = None, **changes: Any) -> Any:
    body = {"account": bench.account.pk, "name": "mine", "address": "https://receiver.example/in?k=1"} | changes
    return confirmed(user or bench.alice).post(PATH, body, content_type="application/json")


def test_secret_is_shown_once_and_neither_it_nor_the_address_afterwards(bench: Bench) -> None:
    made = make(bench).json()
    hook = Webhook.objects.get(pk=made["id"])
    held = destination_of(hook)
    assert (held.address, held.secret) == ("https://receiver.example/in?k=1", made["secret"])
    shown = signed_in(bench.alice).get(f"{PATH}/{hook.pk}").json()
    assert "secret" not in shown
    assert shown["address"] == "https://receiver.example/…"
    assert made["secret"] not in hook.sealed
    assert "receiver.example/in" not in str(AuditEvent.objects.filter(action="webhook.added").values())


def test_new_address_gets_a_new_secret(bench: Bench) -> None:
    made = make(bench).json()
    client = confirmed(bench.alice)
    body = {"address": "https://other.example/"}
    changed = client.patch(f"{PATH}/{made['id']}", body, content_type="application/json").json()
    assert changed["secret"] not in ("", made["secret"])
    renamed = client.patch(f"{PATH}/{made['id']}", {"name": "other"}, content_type="application/json").json()
    assert "secret" not in renamed


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"address": "http://receiver.example/"}, 400, "address"),
        ({"address": "ftp://x/"}, 400, "address"),
        ({"address": None}, 400, "address"),
        ({"name": ""}, 400, "name"),
        ({"kinds": ["order", "nonsense"]}, 400, "kinds"),
        ({"account": None}, 400, "account"),
        ({"more": 1}, 400, "more"),
    ],
)
def test_malformed_webhook_is_refused_and_not_stored(
    bench: Bench, changes: dict[str, Any], status: int, field: str
) -> None:
    answer = make(bench, **changes)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert not Webhook.objects.exists()


def test_account_one_does_not_see_does_not_exist(bench: Bench) -> None:
    assert make(bench, bench.team.charlie).status_code == 404


def test_making_one_takes_a_confirmed_password_and_no_token(bench: Bench) -> None:
    body = {"account": bench.account.pk, "name": "mine", "address": "https://receiver.example/"}
    client = signed_in(bench.alice)
    assert client.post(PATH, body, content_type="application/json").json()["code"] == "SUDO_REQUIRED"
    _token, text = make_token(bench.alice)
    answer = client.__class__().post(
        PATH, body, content_type="application/json", headers={"Authorization": f"Bearer {text}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "TOKEN_NOT_ACCEPTED")
    assert not Webhook.objects.exists()


def test_others_do_not_see_change_or_remove_it(bench: Bench) -> None:
    number = make(bench).json()["id"]
    other = confirmed(bench.team.admin)
    assert other.get(f"{PATH}/{number}").status_code == 404
    assert other.get(f"{PATH}/{number}/deliveries").status_code == 404
    assert other.patch(f"{PATH}/{number}", {"name": "x"}, content_type="application/json").status_code == 404
    assert other.delete(f"{PATH}/{number}").status_code == 404
    assert Webhook.objects.filter(pk=number).exists()
    assert signed_in(bench.alice).delete(f"{PATH}/{number}").status_code == 204


def test_sealing_again_keeps_address_and_secret(bench: Bench) -> None:
    made = make(bench).json()
    before = Webhook.objects.get(pk=made["id"]).sealed
    assert reseal_all() == 1
    hook = Webhook.objects.get(pk=made["id"])
    assert hook.sealed != before
    assert destination_of(hook).secret == made["secret"]


def test_renewed_secret_is_shown_once_keeps_the_address_and_takes_a_confirmed_password(bench: Bench) -> None:
    made = make(bench).json()
    path = f"{PATH}/{made['id']}/secret"
    assert signed_in(bench.alice).post(path).json()["code"] == "SUDO_REQUIRED"

    renewed = confirmed(bench.alice).post(path).json()

    held = destination_of(Webhook.objects.get(pk=made["id"]))
    assert (held.address, held.secret) == ("https://receiver.example/in?k=1", renewed["secret"])
    assert renewed["secret"] != made["secret"]
    assert AuditEvent.objects.filter(action="webhook.secret_renewed").count() == 1


def test_secret_of_an_address_that_cannot_be_opened_is_not_renewed(bench: Bench) -> None:
    made = make(bench).json()
    Webhook.objects.update(sealed="x")

    answer = confirmed(bench.alice).post(f"{PATH}/{made['id']}/secret")

    assert (answer.status_code, answer.json()["field"]) == (409, "address")
    assert Webhook.objects.get(pk=made["id"]).sealed == "x"


def test_trial_of_a_webhook_that_is_off_is_refused(bench: Bench) -> None:
    made = make(bench).json()
    client = confirmed(bench.alice)
    client.patch(f"{PATH}/{made['id']}", {"enabled": False}, content_type="application/json")

    answer = client.post(f"{PATH}/{made['id']}/test")

    assert (answer.status_code, answer.json()["code"]) == (409, "WEBHOOK_NOT_ACTIVE")
    assert EventDelivery.objects.count() == 0
