"""Prepared queries answer what their querysets answer, on both databases."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.db.models import BigIntegerField, CharField, UUIDField
from django.test.utils import CaptureQueriesContext

from accounts.models import BrokerAccount, User
from ops.prepared import Prepared
from tests.orders.bench import Bench, make_bench
from trading.ledger.models import AccountBook
from trading.orders.models import Order

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True, databases=["default", "quotes"])]

ACCOUNT, ORDER = BigIntegerField(), UUIDField()


@pytest.fixture
def bench(transactional_db: None) -> Bench:
    return make_bench()


def test_prepared_first_equals_the_querysets_row_with_its_relations(bench: Bench) -> None:
    order = bench.submit()
    prepared = Prepared(lambda pk: Order.objects.select_related("created_by", "account__host").filter(pk=pk), ORDER)
    for _ in range(2):
        found = prepared.first(order.pk)
        assert found is not None
        assert {f.attname: getattr(found, f.attname) for f in Order._meta.concrete_fields} == {
            f.attname: getattr(Order.objects.get(pk=order.pk), f.attname) for f in Order._meta.concrete_fields
        }
        with CaptureQueriesContext(connection) as asked:
            assert (found.created_by, found.account.host.name) == (bench.alice, "sim")
        assert len(asked) == 0


def test_prepared_first_of_no_row_is_none(bench: Bench) -> None:
    assert Prepared(lambda pk: Order.objects.filter(pk=pk), ORDER).first(uuid4()) is None


def test_prepared_get_of_no_row_raises(bench: Bench) -> None:
    with pytest.raises(ObjectDoesNotExist):
        Prepared(lambda pk: Order.objects.filter(pk=pk), ORDER).get(uuid4())


def test_prepared_value_that_is_none_equals_nothing(bench: Bench) -> None:
    assert bench.submit().client_order_id is None
    assert Prepared(lambda key: Order.objects.filter(client_order_id=key), CharField()).all(None) == []


def test_prepared_number_beyond_the_column_finds_nothing(bench: Bench) -> None:
    prepared = Prepared(lambda pk: BrokerAccount.objects.filter(pk=pk), ACCOUNT)
    assert [prepared.all(2**63), prepared.all(-(2**63) - 1)] == [[], []]


def test_prepared_query_is_read_anew_by_every_call(bench: Bench) -> None:
    prepared = Prepared(lambda pk: BrokerAccount.objects.filter(pk=pk), ACCOUNT)
    seen = []
    for name in ("one", "two", "three", "four"):  # often enough that PostgreSQL keeps the plan
        BrokerAccount.objects.filter(pk=bench.account.pk).update(owner=name)
        seen.append(prepared.get(bench.account.pk).owner)
    assert seen == ["one", "two", "three", "four"]


def test_prepared_values_are_those_of_each_call(bench: Bench) -> None:
    names = Prepared(
        lambda name: User.objects.filter(username=name).values_list("username", flat=True),
        CharField(),
    )
    assert [names.all("alice"), names.all("bob"), names.all("nobody")] == [["alice"], ["bob"], []]


def test_prepared_missing_reverse_relation_is_known_to_be_missing(bench: Bench) -> None:
    prepared = Prepared(lambda pk: BrokerAccount.objects.select_related("session").filter(pk=pk), ACCOUNT)
    account = prepared.first(bench.account.pk)
    with CaptureQueriesContext(connection) as asked:
        assert getattr(account, "session", None) is None
    assert len(asked) == 0


def test_prepared_list_of_parameters_finds_each(bench: Bench) -> None:
    prepared = Prepared(lambda *pks: BrokerAccount.objects.filter(pk__in=pks).order_by("pk"), ACCOUNT, ACCOUNT)
    assert prepared.all(bench.team.alpha.pk, bench.team.beta.pk) == [bench.team.alpha, bench.team.beta]


def test_prepared_lock_outside_of_a_transaction_raises(bench: Bench) -> None:
    prepared = Prepared(lambda pk: AccountBook.objects.select_for_update().filter(pk=pk), ACCOUNT)
    bench.submit()
    with transaction.atomic():
        assert prepared.first(bench.account.pk) is not None
    with pytest.raises(transaction.TransactionManagementError):
        prepared.first(bench.account.pk)


def test_prepared_other_threads_use_their_own_connection(bench: Bench) -> None:
    prepared = Prepared(lambda pk: BrokerAccount.objects.filter(pk=pk), ACCOUNT)
    found: list[Any] = [prepared.first(bench.account.pk)]

    def ask() -> None:
        try:
            found.append(prepared.first(bench.account.pk))
        finally:
            connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found == [bench.account, bench.account]


def test_prepared_wrong_number_of_values_raises(bench: Bench) -> None:
    with pytest.raises(TypeError):
        Prepared(lambda pk: BrokerAccount.objects.filter(pk=pk), ACCOUNT).all()
