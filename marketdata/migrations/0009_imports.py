"""Files of bars that people brought in."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketdata", "0008_live_differences"),
    ]

    operations = [
        migrations.CreateModel(
            name="BarImport",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("file_name", models.CharField(max_length=200, verbose_name="file")),
                ("digest", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("size", models.PositiveBigIntegerField(verbose_name="bytes")),
                ("options", models.JSONField(verbose_name="how it is read")),
                ("period", models.CharField(max_length=8, verbose_name="period")),
                (
                    "basis",
                    models.CharField(
                        choices=[("RAW", "Raw prices"), ("FRONT_ADJUSTED", "Front-adjusted prices")],
                        max_length=16,
                        verbose_name="basis",
                    ),
                ),
                ("preview", models.JSONField(verbose_name="preview")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("PREVIEWED", "Checked"),
                            ("CONFIRMED", "Being stored"),
                            ("DONE", "Stored"),
                            ("FAILED", "Failed"),
                        ],
                        default="PREVIEWED",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("owner", models.BigIntegerField(verbose_name="by")),
                ("owner_label", models.CharField(max_length=200, verbose_name="by")),
                ("created_at", models.DateTimeField(verbose_name="uploaded")),
                ("confirmed_at", models.DateTimeField(blank=True, null=True, verbose_name="confirmed")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                ("job", models.UUIDField(blank=True, null=True, verbose_name="job")),
                ("result", models.JSONField(blank=True, default=dict, verbose_name="result")),
            ],
            options={
                "verbose_name": "import of bars",
                "verbose_name_plural": "imports of bars",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="ImportedDays",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period", models.CharField(max_length=8, verbose_name="period")),
                ("start_date", models.DateField(verbose_name="from")),
                ("end_date", models.DateField(verbose_name="to")),
                ("bars", models.PositiveIntegerField(verbose_name="bars")),
                (
                    "instrument",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="imported_days",
                        to="marketdata.instrument",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="days", to="marketdata.barimport"
                    ),
                ),
            ],
            options={
                "verbose_name": "imported days",
                "verbose_name_plural": "imported days",
                "ordering": ["instrument", "period", "start_date"],
                "indexes": [models.Index(fields=["instrument", "period"], name="marketdata_imported_of")],
            },
        ),
    ]
