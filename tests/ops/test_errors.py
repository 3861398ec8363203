"""Refusals: codes, facts and the API's error shape."""

from __future__ import annotations

from decimal import Decimal

from ops.errors import Code, Conflict, Denied, DeskError, NotFound


def test_denied_without_words_spells_its_facts() -> None:
    error = Denied(Code.PRICE_ABOVE_LIMIT_UP, price=Decimal("11.20"), limit_up=Decimal("11.00"))
    assert str(error) == "PRICE_ABOVE_LIMIT_UP: price=11.20 limit_up=11.00"


def test_error_body_has_field_and_details_only_when_there_are_some() -> None:
    assert NotFound(Code.ORDER_NOT_FOUND, "No such order.").as_dict() == {
        "code": "ORDER_NOT_FOUND",
        "message": "No such order.",
    }
    assert Denied(Code.QUANTITY_OFF_LOT, field="quantity", lot=100).as_dict() == {
        "code": "QUANTITY_OFF_LOT",
        "message": "QUANTITY_OFF_LOT: lot=100",
        "field": "quantity",
        "details": {"lot": 100},
    }


def test_error_status_is_the_class_s_unless_given() -> None:
    assert [Conflict(Code.CONFLICT).status, Denied(Code.INVALID).status] == [409, 422]
    assert DeskError(Code.BODY_TOO_LARGE, status=413).status == 413


def test_code_values_equal_their_names() -> None:
    assert [code.value for code in Code] == [code.name for code in Code]
