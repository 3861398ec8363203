"""Searching, exporting and proving the audit trail over the API."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import ApiToken, User
from ops.audit import Actor, record
from ops.audit_search import changes, csv_safe
from ops.models import AuditEvent, Job
from tests.people import Team, make_team, make_token

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.postgres,
    # The server streams; the test client reads synchronously.
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume"),
]
ALICE = Actor(kind="user", id="2", label="alice")
SYSTEM = Actor.system("trade-intake")


@pytest.fixture
def team(db: None) -> Team:
    return make_team()


def add(actor: Actor = ALICE, action: str = "account.halted", target: str = "account:1", **facts: Any) -> AuditEvent:
    with transaction.atomic():
        return record(actor=actor, action=action, target=target, **facts)


def get(user: User, path: str = "", **query: Any) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(f"/api/v1/audit{path}", query)


def found(user: User, **query: Any) -> list[int]:
    response = get(user, **query)
    assert response.status_code == 200, response.content
    return [event["id"] for event in response.json()["results"]]


@pytest.mark.parametrize(("name", "status"), [("admin", 200), ("risk", 200), ("alice", 403), ("viewer", 403)])
@pytest.mark.parametrize("path", ["", "/export.csv", "/export.jsonl", "/verification", "/history"])
def test_only_administrators_and_risk_officers_read_it(team: Team, path: str, name: str, status: int) -> None:
    query = {"target": "account:1"} if path == "/history" else {}

    assert get(getattr(team, name), path, **query).status_code == status


def test_each_filter_finds_its_events_only(team: Team) -> None:
    halted = add(account_id=1, after={"reason": "风控"}, request_id="request-1")
    resumed = add(action="account.resumed", account_id=1)
    granted = add(SYSTEM, "grant.given", "user:7", account_id=2)
    admin = team.admin

    assert found(admin, action="account.halted") == [halted.pk]
    assert found(admin, action="account.") == [resumed.pk, halted.pk]
    assert found(admin, actor="ALI") == [resumed.pk, halted.pk]
    assert found(admin, actor="trade-intake") == [granted.pk]
    assert found(admin, target="user:7") == [granted.pk]
    assert found(admin, target="account:") == [resumed.pk, halted.pk]
    assert found(admin, account=2) == [granted.pk]
    assert found(admin, request_id="request-1") == [halted.pk]
    assert found(admin, text="风控") == [halted.pk]
    assert found(admin, text="grant", account=1) == []


def test_time_range_includes_its_beginning_and_not_its_end(team: Team) -> None:
    event = add()
    moment = event.at
    later = moment + timedelta(microseconds=1)

    assert found(team.admin, action="account.", since=moment.isoformat(), until=later.isoformat()) == [event.pk]
    assert found(team.admin, action="account.", until=moment.isoformat()) == []
    assert found(team.admin, action="account.", since=later.isoformat()) == []


@pytest.mark.parametrize("query", [{"since": "yesterday"}, {"account": "x"}, {"cursor": "zzz"}, {"text": "x" * 201}])
def test_malformed_filter_is_named(team: Team, query: dict[str, str]) -> None:
    response = get(team.admin, **query)

    assert response.status_code == 400
    assert response.json()["field"] == next(iter(query))


def test_search_text_is_never_a_pattern_or_a_statement(team: Team) -> None:
    add(after={"note": "100%"})
    add(after={"note": "other"})

    assert len(found(team.admin, text="0%")) == 1
    assert found(team.admin, text="' OR 1=1 --") == []
    assert found(team.admin, actor="%") == []


def test_pages_hold_while_events_are_added(team: Team) -> None:
    events = [add().pk for _ in range(5)]
    first = get(team.admin, action="account.", limit=2).json()
    add()

    second = get(team.admin, action="account.", limit=2, cursor=first["next"]).json()

    assert [event["id"] for event in first["results"]] == [events[4], events[3]]
    assert [event["id"] for event in second["results"]] == [events[2], events[1]]


def test_history_of_an_object_says_who_changed_what_when(team: Team) -> None:
    add(before={"state": "ACTIVE", "epoch": 1}, after={"state": "HALTED", "epoch": 2, "reason": "x"})
    add(target="account:10")

    (event,) = get(team.risk, "/history", target="account:1").json()["results"]

    assert event["actor"] == "alice"
    # PostgreSQL keeps an object's names in an order of its own.
    assert sorted(event["changes"], key=lambda change: str(change["field"])) == [
        {"field": "epoch", "before": 1, "after": 2},
        {"field": "reason", "before": None, "after": "x"},
        {"field": "state", "before": "ACTIVE", "after": "HALTED"},
    ]


@pytest.mark.parametrize("target", ["", "account", "account:", "account:1 OR 1", "x" * 300])
def test_history_of_nonsense_is_refused(team: Team, target: str) -> None:
    assert get(team.admin, "/history", target=target).status_code == 400


def test_token_needs_the_admin_scope_and_keeps_to_its_accounts(team: Team) -> None:
    add(account_id=team.alpha.pk)
    mine = add(account_id=team.beta.pk)
    token, plain = make_token(team.admin, "admin:*")
    ApiToken.objects.filter(pk=token.pk).update(account_ids=[team.beta.pk])
    client = Client(headers={"Authorization": f"Bearer {plain}"})

    assert [event["id"] for event in client.get("/api/v1/audit").json()["results"]] == [mine.pk]
    assert client.get("/api/v1/audit/verification").status_code == 403
    _, weak = make_token(team.admin, "account:read")
    refused = Client(headers={"Authorization": f"Bearer {weak}"}).get("/api/v1/audit")
    assert refused.json()["code"] == "SCOPE_MISSING"


HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", '=HYPERLINK("http://x","y")', "|calc"]


def test_csv_export_has_no_formula_in_any_cell(team: Team) -> None:
    for text in HOSTILE:
        add(Actor(kind="user", id="9", label=text), "account.halted", text, request_id=text)

    response = get(team.admin, "/export.csv", action="account.halted")

    content = b"".join(response).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert response["Content-Disposition"] == 'attachment; filename="audit.csv"'
    assert len(rows) == len(HOSTILE) + 1
    for row in rows[1:]:
        for cell in row:
            assert not cell.lstrip(" \u3000").startswith(("=", "+", "-", "@", "\t", "\r", "＝"))
    assert {row[6] for row in rows[1:]} == {"|calc", *(f"'{text}" for text in HOSTILE[:-1])}


@pytest.mark.parametrize(("text", "safe"), [("alice", "alice"), ("a=b", "a=b"), ("", ""), ("-", "'-")])
def test_csv_safe_leaves_harmless_texts(text: str, safe: str) -> None:
    assert csv_safe(text) == safe


def test_json_lines_export_is_complete_over_several_chunks(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.audit_search.EXPORT_CHUNK", 3)
    wanted = [add(after={"note": "第一行\n第二行"}).pk for _ in range(7)]

    content = b"".join(get(team.admin, "/export.jsonl", action="account.halted")).decode()

    events = [json.loads(line) for line in content.splitlines()]
    assert [event["id"] for event in events] == wanted[::-1]
    assert events[0]["after"] == {"note": "第一行\n第二行"}


def test_export_is_itself_on_the_trail(team: Team) -> None:
    content = b"".join(get(team.risk, "/export.csv", actor="risk")).decode()

    assert "audit.exported" not in content
    event = AuditEvent.objects.get(action="audit.exported")
    assert (event.actor_label, event.after) == ("risk", {"format": "csv", "filter": {"actor": "risk"}})


def test_verification_runs_as_a_job(team: Team, django_capture_on_commit_callbacks: Any) -> None:
    sent: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ops.tasks.audit_verify.apply_async", lambda **options: sent.append(options["args"]))
        client = Client()
        client.force_login(team.admin)
        with django_capture_on_commit_callbacks(execute=True):
            response = client.post("/api/v1/audit/verification")

    job = Job.objects.get()
    assert response.status_code == 202
    assert (job.kind, job.owner, sent) == ("audit.verify", team.admin.pk, [(str(job.pk),)])
    assert get(team.risk, "/verification").json()["verification"]["status"] == "PENDING"


def test_api_offers_no_way_to_change_the_trail(team: Team) -> None:
    event = add()
    client = Client()
    client.force_login(team.admin)

    for method in ("post", "put", "patch", "delete"):
        assert getattr(client, method)(f"/api/v1/audit/{event.pk}").status_code == 405


def test_control_characters_in_what_is_recorded_stay_one_line_of_json(team: Team) -> None:
    add(target="account:1\r\n2026 root: forged", after={"x": "\x1b[31m\u2028"})

    content = b"".join(get(team.admin, "/export.jsonl", action="account.halted")).decode()

    assert content.count("\n") == 1


def test_changes_of_other_shapes_count_as_one() -> None:
    assert changes(None, None) == []
    assert changes([1], [2]) == [{"field": "", "before": [1], "after": [2]}]
    assert changes({"a": None}, None) == [{"field": "a", "before": None, "after": None}]


def test_search_is_by_key_and_reads_one_page(team: Team, django_assert_max_num_queries: Any) -> None:
    for _ in range(30):
        add()
    client = Client()
    client.force_login(team.admin)
    with django_assert_max_num_queries(6):
        client.get("/api/v1/audit?limit=10")
