"""Findings of the integrity checker and what it has looked at."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketdata", "0006_live_feed"),
    ]

    operations = [
        migrations.CreateModel(
            name="IntegrityFinding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period", models.CharField(max_length=8, verbose_name="period")),
                (
                    "bucket",
                    models.IntegerField(help_text="YYYY of daily bars, YYYYMM of minutes.", verbose_name="stretch"),
                ),
                (
                    "check_name",
                    models.CharField(
                        choices=[
                            ("SEGMENT_CORRUPT", "A stored stretch cannot be read"),
                            ("HEADER_DIFFERS", "A stored stretch is not what its header says"),
                            ("DUPLICATE", "Two bars of one time"),
                            ("NON_TRADING_DAY", "A bar on a day without trading"),
                            ("OFF_SESSION", "A bar outside of the session"),
                            ("PRICE_NOT_POSITIVE", "A price that is not positive"),
                            ("OPEN_MISSING", "An opening price of zero"),
                            ("NEGATIVE_VOLUME", "A negative volume or amount"),
                            ("OHLC_ORDER", "Open or close outside of low and high"),
                            ("BEYOND_LIMITS", "A price beyond the day's limits without an ex-date"),
                            ("FACTOR_MISSING", "An ex-date without a factor"),
                            ("FACTOR_DIFFERS", "A factor that the prices contradict"),
                            ("OFF_TICK", "A price off the tick"),
                            ("AMOUNT_OUTSIDE_PRICES", "An average price outside of low and high"),
                            ("DAY_INCOMPLETE", "A day with fewer minutes than it has"),
                            ("DAY_DIFFERS", "Minutes that do not add up to their day"),
                        ],
                        max_length=24,
                        verbose_name="check",
                    ),
                ),
                (
                    "severity",
                    models.CharField(
                        choices=[("INFO", "Note"), ("WARNING", "Warning"), ("SEVERE", "Severe")],
                        max_length=8,
                        verbose_name="severity",
                    ),
                ),
                ("start_date", models.DateField(verbose_name="from")),
                ("end_date", models.DateField(verbose_name="to")),
                ("rows", models.PositiveIntegerField(verbose_name="bars")),
                ("facts", models.JSONField(verbose_name="facts")),
                (
                    "state",
                    models.CharField(
                        choices=[("OPEN", "Open"), ("REPAIRED", "Repaired"), ("ACKNOWLEDGED", "Acknowledged")],
                        default="OPEN",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("found_at", models.DateTimeField(verbose_name="found")),
                ("seen_at", models.DateTimeField(verbose_name="last seen")),
                ("settled_at", models.DateTimeField(blank=True, null=True, verbose_name="settled")),
                ("settled_by", models.CharField(blank=True, default="", max_length=200, verbose_name="settled by")),
                ("note", models.CharField(blank=True, default="", max_length=400, verbose_name="note")),
                ("repair_job", models.UUIDField(blank=True, null=True, verbose_name="repair job")),
                (
                    "instrument",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="integrity_findings",
                        to="marketdata.instrument",
                    ),
                ),
            ],
            options={
                "verbose_name": "integrity finding",
                "verbose_name_plural": "integrity findings",
                "ordering": ["-pk"],
                "indexes": [models.Index(fields=["state", "severity"], name="marketdata_finding_state")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "REPAIRED"), _negated=True),
                        fields=("instrument", "period", "bucket", "check_name"),
                        name="marketdata_finding_one_unsettled",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IntegrityMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period", models.CharField(max_length=8)),
                ("bucket", models.IntegerField()),
                (
                    "fingerprint",
                    models.CharField(
                        help_text="Of the stretch, of what it is compared with, and of the rules.", max_length=64
                    ),
                ),
                ("checked_at", models.DateTimeField(verbose_name="checked")),
                (
                    "instrument",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="integrity_marks",
                        to="marketdata.instrument",
                    ),
                ),
            ],
            options={
                "verbose_name": "integrity mark",
                "verbose_name_plural": "integrity marks",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("instrument", "period", "bucket"), name="marketdata_integritymark_once"
                    )
                ],
            },
        ),
    ]
