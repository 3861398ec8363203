"""The rules, the dashboard and the scrape configuration name series that exist, and Prometheus reads them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric

from accounts.models import QmtHost
from desk import requestmetrics
from desk.live import metrics as livemetrics
from ops import metrics
from ops.clocks import wall_now
from ops.models import ProcessHeartbeat
from rpc import metrics as rpcmetrics
from trading.ledger import journal
from trading.orders.runtime import metrics as ordermetrics

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

COUNTING = (requestmetrics, livemetrics, rpcmetrics, journal, ordermetrics)
"""The modules whose series processes count; being imported is all they have to do here."""
FOLDER = Path(__file__).resolve().parents[2] / "docker" / "observability"
_NAME = re.compile(r"\bdesk_[a-z0-9_]+\b")
_ENDINGS = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "gauge": ("",)}


def series(families: Iterator[Metric]) -> set[str]:
    """The names under which series of these families appear."""
    return {f"{family.name}{ending}" for family in families for ending in _ENDINGS.get(family.type, ("",))}


@pytest.fixture
def known() -> set[str]:
    """Every series that processes count or that a scrape reads from the databases."""
    QmtHost.objects.create(name="sim")
    now = wall_now()
    ProcessHeartbeat.objects.create(name="session.trade@sim", host="h", pid=1, started_at=now, last_loop_at=now)
    counted = (family for family in REGISTRY.collect() if family.name.startswith("desk_"))
    read = (family for collector in metrics._collectors for family in collector.collect())
    return series(counted) | series(read)


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))
    return found


def test_rules_name_series_that_exist(known: set[str]) -> None:
    named = {name for rule in rules() for name in _NAME.findall(rule["expr"])}
    assert len(named) > 15
    assert named - known == set()


def test_dashboard_names_series_that_exist(known: set[str]) -> None:
    expressions = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]
    named = {name for expression in expressions for name in _NAME.findall(expression)}
    assert len(named) > 25
    assert named - known == set()


def test_every_rule_says_how_bad_it_is_and_what_it_means() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical"), rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize(
    "command",
    [
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "rules", "rules.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
)
def test_prometheus_reads_them(command: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian: prometheus) is not installed; the names are checked all the same")
    done = subprocess.run([promtool, *command], cwd=FOLDER, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
