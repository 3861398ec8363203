"""Hosts share the repair queue; schedules of sync jobs."""

from datetime import date

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketdata", "0004_static_data"),
        ("ops", "0003_job_life"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="repairitem", name="marketdata_repair_queue"),
        migrations.AddField(
            model_name="repairitem",
            name="source_host",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The host that took it last; hosts of the same source share the work.",
                max_length=64,
                verbose_name="downloaded by",
            ),
        ),
        migrations.AddField(
            model_name="repairitem",
            name="trouble",
            field=models.CharField(
                blank=True,
                choices=[
                    ("CONNECTION", "The terminal was not there"),
                    ("THROTTLED", "The terminal was asked too much"),
                    ("DOWNLOAD_FAILED", "The download failed"),
                    ("EMPTY", "The terminal gave no row at all"),
                    ("UNVERIFIED", "What came could not be believed"),
                    ("INTERNAL", "An error of the platform"),
                ],
                default="",
                max_length=16,
                verbose_name="kind of trouble",
            ),
        ),
        # Items from before are left to the host that was asked: no other one takes a day this far away.
        migrations.AddField(
            model_name="repairitem",
            name="until",
            field=models.DateField(default=date.max, verbose_name="last missing day"),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="repairitem",
            name="host",
            field=models.CharField(
                help_text="Whose market clock says what is missing.", max_length=64, verbose_name="asked for at"
            ),
        ),
        migrations.AddIndex(
            model_name="repairitem",
            index=models.Index(fields=["status", "priority", "not_before"], name="marketdata_repair_queue"),
        ),
        migrations.AddIndex(
            model_name="repairitem",
            index=models.Index(fields=["lease_holder"], name="marketdata_repair_lease"),
        ),
        migrations.CreateModel(
            name="SyncSchedule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        choices=[
                            ("after_close", "Repair after the close"),
                            ("sampling", "Sampling check against the terminal"),
                            ("static", "Static data"),
                            ("report", "Status report"),
                        ],
                        max_length=32,
                        verbose_name="schedule",
                    ),
                ),
                ("host", models.CharField(max_length=64, verbose_name="host")),
                (
                    "next_run_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="next run (market time)"),
                ),
                (
                    "last_run_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="last run (market time)"),
                ),
                ("last_started_at", models.DateTimeField(blank=True, null=True, verbose_name="last started")),
                (
                    "missed",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Runs whose time had passed unseen; one run stood for all of them.",
                        verbose_name="runs made up for",
                    ),
                ),
                (
                    "last_job",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="ops.job",
                        verbose_name="last job",
                    ),
                ),
            ],
            options={
                "verbose_name": "schedule",
                "verbose_name_plural": "schedules",
                "ordering": ["host", "name"],
            },
        ),
        migrations.AddConstraint(
            model_name="syncschedule",
            constraint=models.UniqueConstraint(fields=("name", "host"), name="marketdata_syncschedule_once"),
        ),
    ]
