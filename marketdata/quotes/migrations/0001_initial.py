from __future__ import annotations

from django.db import migrations, models

from marketdata.quotes.migration_ops import CreateClusteredModel, tune_postgres


class Migration(migrations.Migration):
    """Tables of the quote store."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="LatestQuote",
            fields=[
                ("instrument_id", models.IntegerField(primary_key=True, serialize=False)),
                ("ts", models.BigIntegerField(help_text="Event time, epoch ms.")),
                ("last", models.FloatField()),
                ("open", models.FloatField()),
                ("high", models.FloatField()),
                ("low", models.FloatField()),
                ("pre_close", models.FloatField()),
                ("volume", models.BigIntegerField(help_text="Cumulative for the day, shares.")),
                ("amount", models.FloatField(help_text="Cumulative for the day, CNY.")),
                ("bid", models.JSONField(default=list, help_text="Five prices, best first.")),
                ("ask", models.JSONField(default=list)),
                ("bid_volume", models.JSONField(default=list, help_text="Five sizes in shares.")),
                ("ask_volume", models.JSONField(default=list)),
                ("status", models.IntegerField(default=0)),
                ("received_at", models.BigIntegerField(help_text="Receive time, epoch ms.")),
            ],
        ),
        migrations.CreateModel(
            name="QuoteSegment",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "instrument_id",
                        "period",
                        "bucket",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("instrument_id", models.IntegerField()),
                (
                    "period",
                    models.SmallIntegerField(choices=[(0, "tick"), (1, "1m"), (5, "5m"), (1440, "1d")]),
                ),
                ("bucket", models.IntegerField(help_text="YYYY, YYYYMM or YYYYMMDD, by period.")),
                ("version", models.IntegerField(default=1, help_text="Compare-and-swap counter.")),
                ("first_ts", models.BigIntegerField()),
                ("last_ts", models.BigIntegerField()),
                ("rows", models.IntegerField()),
                (
                    "checksum",
                    models.BigIntegerField(help_text="CRC-32 over key, header and payload."),
                ),
                ("day_counts", models.BinaryField(help_text="Rows per day, see `daycounts`.")),
                ("payload", models.BinaryField()),
            ],
        ),
        CreateClusteredModel(
            name="RawQuote",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "instrument_id",
                        "period",
                        "ts",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("instrument_id", models.IntegerField()),
                (
                    "period",
                    models.SmallIntegerField(choices=[(0, "tick"), (1, "1m"), (5, "5m"), (1440, "1d")]),
                ),
                (
                    "ts",
                    models.BigIntegerField(help_text="Epoch ms; right edge of a minute, midnight of a day."),
                ),
                ("open", models.FloatField()),
                ("high", models.FloatField()),
                ("low", models.FloatField()),
                ("close", models.FloatField()),
                ("volume", models.BigIntegerField(help_text="Shares.")),
                ("amount", models.FloatField(help_text="CNY.", null=True)),
                ("pre_close", models.FloatField(null=True)),
                ("suspended", models.BooleanField(default=False)),
                ("open_interest", models.BigIntegerField(null=True)),
            ],
        ),
        CreateClusteredModel(
            name="RawTick",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "instrument_id",
                        "ts",
                        "seq",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("instrument_id", models.IntegerField()),
                ("ts", models.BigIntegerField(help_text="Epoch ms, event time.")),
                ("seq", models.IntegerField()),
                ("last", models.FloatField()),
                ("open", models.FloatField()),
                ("high", models.FloatField()),
                ("low", models.FloatField()),
                ("pre_close", models.FloatField()),
                ("volume", models.BigIntegerField(help_text="Cumulative for the day, shares.")),
                ("amount", models.FloatField(help_text="Cumulative for the day, CNY.")),
                (
                    "pvolume",
                    models.BigIntegerField(help_text="The terminal's own share count.", null=True),
                ),
                (
                    "transactions",
                    models.BigIntegerField(help_text="Cumulative number of trades.", null=True),
                ),
                ("status", models.IntegerField(default=0)),
                ("bid1", models.FloatField(null=True)),
                ("bid2", models.FloatField(null=True)),
                ("bid3", models.FloatField(null=True)),
                ("bid4", models.FloatField(null=True)),
                ("bid5", models.FloatField(null=True)),
                ("ask1", models.FloatField(null=True)),
                ("ask2", models.FloatField(null=True)),
                ("ask3", models.FloatField(null=True)),
                ("ask4", models.FloatField(null=True)),
                ("ask5", models.FloatField(null=True)),
                ("bid_volume1", models.BigIntegerField(null=True)),
                ("bid_volume2", models.BigIntegerField(null=True)),
                ("bid_volume3", models.BigIntegerField(null=True)),
                ("bid_volume4", models.BigIntegerField(null=True)),
                ("bid_volume5", models.BigIntegerField(null=True)),
                ("ask_volume1", models.BigIntegerField(null=True)),
                ("ask_volume2", models.BigIntegerField(null=True)),
                ("ask_volume3", models.BigIntegerField(null=True)),
                ("ask_volume4", models.BigIntegerField(null=True)),
                ("ask_volume5", models.BigIntegerField(null=True)),
            ],
        ),
        migrations.RunPython(tune_postgres, migrations.RunPython.noop),
    ]
