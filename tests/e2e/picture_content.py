"""What the pictures show besides an empty desk: people, rights, a host that is away, jobs, findings, proofs, a back-test.

What people do by hand is asked for over REST; what only trouble brings (a download that failed, a proof of the source,
a host that reports no more) is written as the platform itself would have written it.
"""

from __future__ import annotations

import time

from tests.e2e.platform_stack import Stack

PATIENCE_SECONDS = 300
ADMIN_SCOPES = ("market:read", "account:read", "orders:write", "admin:*")
ROWS = """
from datetime import date, timedelta

from django.utils import timezone

from accounts.choices import AccountMode, HostKind, Language, Role, SessionState, TradeRight
from accounts.models import BrokerAccount, HostStatus, QmtHost, User
from accounts.services import account_add, grant_set, host_save, team_add, team_member_add, user_save
from accounts.services.links import person_invite
from alerts.services import channel_add
from marketdata.choices import EvidenceReason, RepairStatus, RepairTrouble
from marketdata.models import Evidence, Instrument, IntegrityFinding, RepairItem, RepairLink
from ops.alerts import AlertKind, Severity, alert_raise
from ops.audit import Actor
from ops.models import Job

now = timezone.now()
actor = Actor.system("pictures")
alice, admin = (User.objects.get(username=name) for name in ("alice", "admin"))
alpha = BrokerAccount.objects.get(account_no="8000000001")

people = {}
for username, first_name, role in (
    ("chenjing", "陈静", Role.RISK), ("zhaolei", "赵磊", Role.TRADER), ("linxia", "林夏", Role.TRADER),
    ("sunhao", "孙浩", Role.VIEWER), ("m.okafor", "Maxine Okafor", Role.VIEWER),
):
    person = User(username=username, first_name=first_name, role=role, language=Language.CHINESE,
                  email=f"{username}@example.org")
    person.set_password("desk-demo")
    people[username] = user_save(actor=actor, user=person)
person_invite(actor=actor, username="wangfang", role=Role.TRADER, first_name="王芳", created_by=admin)

team = team_add(actor=actor, name="Quant desk")
for username in ("zhaolei", "linxia"):
    team_member_add(actor=actor, team=team, user=people[username])
grant_set(actor=actor, account=alpha, team=team, trade=TradeRight.OWN, expires_at=now + timedelta(days=30))
grant_set(actor=actor, account=alpha, user=people["chenjing"], can_approve=True, can_manage=True)
grant_set(actor=actor, account=alpha, user=people["sunhao"], expires_at=now + timedelta(hours=6))

away = host_save(actor=actor, host=QmtHost(name="branch-2", kind=HostKind.LIVE, userdata_path="C:\\\\QMT\\\\userdata_mini"))
account_add(actor=actor, account=BrokerAccount(
    host=away, account_no="8800312045", name="Delta (分部二)", mode=AccountMode.READ_ONLY))
HostStatus.objects.update_or_create(host=away, defaults={
    "session_state": SessionState.DOWN, "trade_date": date(2026, 11, 20), "phase": "CLOSED", "sdk_version": "250516.1.1",
    "message": "the terminal closed the connection", "updated_at": now - timedelta(minutes=47),
    "last_probe_at": now - timedelta(minutes=47)})

job = Job.objects.create(kind="marketdata.repair", status=Job.Status.FAILED, owner=alice.pk, total=24, done=9,
    params={"symbols": ["600000.SH", "000002.SZ", "600036.SH"], "period": "1m", "start": "2026-10-08", "end": "2026-10-20"}, started_at=now - timedelta(minutes=12), finished_at=now - timedelta(minutes=9),
    message="15 of 24 instrument-days are missing", error="2 of 3 parts failed: the terminal was not there")
for symbol, status, trouble, words, days in (
    ("600000.SH", RepairStatus.FAILED, RepairTrouble.CONNECTION, "connection closed by the terminal", 8),
    ("000002.SZ", RepairStatus.FAILED, RepairTrouble.DOWNLOAD_FAILED, "download timed out after 60 s", 7),
    ("600036.SH", RepairStatus.DONE, "", "", 9),
):
    item = RepairItem.objects.create(host="sim", source_host="sim", instrument=Instrument.objects.get(symbol=symbol),
        period="1m", ranges=[["2026-10-08", "2026-10-20"]], days=days, until=date(2026, 10, 20), status=status,
        attempts=5 if trouble else 1, not_before=now, trouble=trouble, error=words,
        rows_stored=0 if trouble else 2169, updated_at=now - timedelta(minutes=9))
    RepairLink.objects.create(job=job, item=item, days=days)

kweichow = Instrument.objects.get(symbol="600519.SH")
for first, last, reason, checks in (
    (date(2026, 6, 1), date(2026, 6, 5), EvidenceReason.SUSPENDED, 1),
    (date(2026, 8, 12), date(2026, 8, 12), EvidenceReason.SOURCE_EMPTY, 3),
):
    Evidence.objects.create(instrument=kweichow, period="1d", start_date=first, end_date=last, reason=reason, host="sim",
        sdk_version="250516.1.1", checks=checks, recorded_at=now - timedelta(days=2), recheck_at=now + timedelta(days=5))

for symbol, check, severity, rows, facts in (
    ("600000.SH", "OHLC_ORDER", "SEVERE", 1, {"high": "9.87", "close": "9.91", "date": "2026-03-02"}),
    ("300750.SZ", "DAY_DIFFERS", "WARNING", 2, {"volume": "18422100", "minutes": "18420900"}),
    ("601318.SH", "OFF_TICK", "INFO", 14, {"tick": "0.01", "price": "41.127"}),
):
    IntegrityFinding.objects.create(instrument=Instrument.objects.get(symbol=symbol), period="1d", bucket=2026,
        check_name=check, severity=severity, start_date=date(2026, 3, 2), end_date=date(2026, 3, 4), rows=rows,
        facts=facts, found_at=now - timedelta(hours=3), seen_at=now)

channel_add(actor=actor, owner=alice, kind="WECOM", name="Desk group",
    address="https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=pictures")

alert_raise(AlertKind.SESSION_DOWN, Severity.CRITICAL, "branch-2: no order session for 47 minutes",
    {"message": "the terminal closed the connection"}, dedup_key="pictures-1", host="branch-2")
alert_raise(AlertKind.REPAIR_FAILED, Severity.WARNING, "Bars of 2 instruments could not be completed at sim",
    {"period": "1m", "trouble": "CONNECTION"}, dedup_key="pictures-2", host="sim")
alert_raise(AlertKind.LIMIT_NEAR, Severity.WARNING, "Alpha: 84% of today's order count",
    {"limit": "ORDERS_PER_DAY", "used": "84", "most": "100"}, dedup_key="pictures-3", account_id=alpha.pk)
"""


def fill(stack: Stack) -> None:
    """Give the running demo platform something to show on every page but those of trading."""
    stack.manage("shell", "-c", ROWS)
    with stack.api("admin", *ADMIN_SCOPES) as admin:
        for account in admin.get("/accounts").json()["results"]:
            if account["account_no"] == "8000000001":
                admin.post(f"/accounts/{account['id']}/auto-trading", json={"enabled": True}).raise_for_status()
    with stack.api("alice") as api:
        names = [
            row["symbol"] for row in api.get("/instruments", params={"kind": "STOCK", "limit": 200}).json()["results"]
        ]
        account = api.get("/accounts").json()["results"][0]["id"]
        few = {"symbols": ["600519.SH", "300750.SZ", "000001.SZ"], "period": "1d", "start": "2025-01-02"}
        api.post("/sync", json=few).raise_for_status()
        test = {
            "strategy": "ma-crossover", "symbols": ["600519.SH", "300750.SZ", "000001.SZ"], "period": "1d",
            "start": "2025-01-02", "end": "2025-12-31", "capital": "1000000", "benchmark": "000300.SH",
        }  # fmt: skip
        made = api.post("/backtests", json=test)
        made.raise_for_status()
        run = {
            "account": account, "strategy": "ma-crossover", "symbols": ["601318.SH"], "period": "1m", "capital": "200000",
            "parameters": {"fast": 3, "slow": 8},
        }  # fmt: skip
        kept = api.post("/strategy-runs", json=run)
        kept.raise_for_status()
        api.post(f"/strategy-runs/{kept.json()['id']}/start").raise_for_status()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while api.get(f"/backtests/{made.json()['id']}").json()["state"] not in ("DONE", "FAILED", "CANCELLED"):
            if time.monotonic() > deadline:
                raise SystemExit("the back-test did not end")
            time.sleep(0.5)
        # Last, so that it is under way when the page of jobs is looked at.
        many = {"symbols": names, "period": "1m", "start": "2025-12-01"}
        api.post("/sync", json=many).raise_for_status()
