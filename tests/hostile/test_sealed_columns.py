"""What is stored to be read back is sealed, and survives a change of the key."""

from __future__ import annotations

import re

from django.apps import apps

from ops.sealing import RESEALERS

#: Columns that hold sealed values, and who seals them again.
RESEALED = {
    "accounts.SecondFactor.sealed_secret": "second factors",
    "alerts.Channel.sealed": "alert channels",
    "webhooks.Webhook.sealed": "webhooks",
}
#: Sealed for minutes or hours: a bundle until its code is used or old, a bank's passwords until the transfer is claimed.
PASSING = {"accounts.HostEnrolment.sealed_bundle", "money.Transfer.sealed"}
#: Django's own hash, and digests of what is shown once: nothing of these can be read back.
HASHED = {"accounts.User.password"}
_SECRET = re.compile(r"sealed|secret|password|passphrase|private|api_?key", re.IGNORECASE)


def test_every_column_for_a_secret_is_sealed_and_sealed_again_or_hashed() -> None:
    found = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if _SECRET.search(field.name)
    }
    assert sorted(found - RESEALED.keys() - PASSING - HASHED) == []
    assert sorted((RESEALED.keys() | PASSING | HASHED) - found) == []


def test_each_that_lasts_has_somebody_who_seals_it_again() -> None:
    assert sorted(RESEALERS) == sorted(RESEALED.values())
