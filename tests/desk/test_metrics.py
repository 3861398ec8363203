"""The metrics page: for administrators, with every process's age."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from accounts.choices import Role
from accounts.models import User
from ops.clocks import wall_now
from ops.models import ProcessHeartbeat

pytestmark = pytest.mark.django_db


def sign_in(client: Client, role: Role) -> Client:
    user = User.objects.create_user(username=f"a-{role}", password="x", role=role)
    client.force_login(user)
    return client


def test_metrics_show_the_age_of_each_process_s_last_loop(client: Client) -> None:
    before = wall_now() - timedelta(seconds=30)
    ProcessHeartbeat.objects.create(name="engine", host="h", pid=1, started_at=before, last_loop_at=before)
    response = sign_in(client, Role.ADMIN).get("/metrics", headers={"Accept": "text/plain"})
    assert response.status_code == 200
    line = next(row for row in response.content.decode().splitlines() if row.startswith("desk_process_loop_age"))
    assert 30 <= float(line.removeprefix('desk_process_loop_age_seconds{process="engine"} ')) < 35


def test_metrics_for_a_trader_are_refused(client: Client) -> None:
    response = sign_in(client, Role.TRADER).get("/metrics")
    assert (response.status_code, response.json()["code"]) == (403, "PERMISSION_DENIED")


def test_metrics_for_a_stranger_are_refused(client: Client) -> None:
    assert client.get("/metrics").status_code in (401, 403)
