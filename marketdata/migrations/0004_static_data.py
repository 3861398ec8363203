"""Static data with dates; what is stored already counts as known from the day of the migration on."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketdata", "0003_status_host"),
    ]
    operations = [
        migrations.CreateModel(
            name="ConvertibleBond",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("valid_from", models.DateField(verbose_name="from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="to")),
                ("underlying", models.CharField(blank=True, max_length=16, verbose_name="underlying share")),
                (
                    "conversion_price",
                    models.DecimalField(
                        blank=True, decimal_places=4, max_digits=14, null=True, verbose_name="conversion price"
                    ),
                ),
                (
                    "remaining_size",
                    models.DecimalField(
                        blank=True, decimal_places=2, max_digits=20, null=True, verbose_name="outstanding (CNY)"
                    ),
                ),
                ("maturity_date", models.DateField(blank=True, null=True, verbose_name="maturity")),
                ("conversion_start", models.DateField(blank=True, null=True, verbose_name="convertible from")),
                ("conversion_end", models.DateField(blank=True, null=True, verbose_name="convertible to")),
                ("facts", models.JSONField(verbose_name="everything the terminal says")),
            ],
            options={
                "verbose_name": "convertible bond",
                "verbose_name_plural": "convertible bonds",
                "ordering": ["instrument", "valid_from"],
            },
        ),
        migrations.CreateModel(
            name="FinancialReport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "table",
                    models.CharField(
                        choices=[
                            ("Balance", "Balance"),
                            ("Income", "Income"),
                            ("CashFlow", "CashFlow"),
                            ("Capital", "Capital"),
                            ("HolderNum", "HolderNum"),
                            ("Top10Holder", "Top10Holder"),
                            ("Top10FlowHolder", "Top10FlowHolder"),
                            ("PershareIndex", "PershareIndex"),
                        ],
                        max_length=16,
                        verbose_name="table",
                    ),
                ),
                ("report_date", models.DateField(verbose_name="period end")),
                (
                    "announced_on",
                    models.DateField(
                        blank=True,
                        help_text="Empty: the terminal does not say; never known as of a day.",
                        null=True,
                        verbose_name="announced on",
                    ),
                ),
                (
                    "rank",
                    models.PositiveSmallIntegerField(default=0, help_text="In tables of holders.", verbose_name="rank"),
                ),
                ("values", models.JSONField(verbose_name="figures")),
                ("observed_at", models.DateTimeField(verbose_name="first seen")),
                ("superseded_at", models.DateTimeField(blank=True, null=True, verbose_name="replaced")),
            ],
            options={
                "verbose_name": "financial report",
                "verbose_name_plural": "financial reports",
                "ordering": ["instrument", "table", "report_date", "announced_on", "rank"],
            },
        ),
        migrations.CreateModel(
            name="FundBasket",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("trade_date", models.DateField(verbose_name="trade date")),
                (
                    "unit",
                    models.PositiveBigIntegerField(
                        help_text="Fund units in the smallest creation.", verbose_name="creation unit"
                    ),
                ),
                ("nav", models.FloatField(verbose_name="value of a fund unit")),
                ("cash_difference", models.FloatField(verbose_name="cash difference")),
                ("estimated_cash", models.FloatField(verbose_name="estimated cash")),
                ("facts", models.JSONField(verbose_name="everything else the list says")),
                ("components", models.JSONField(verbose_name="components")),
            ],
            options={
                "verbose_name": "fund basket",
                "verbose_name_plural": "fund baskets",
                "ordering": ["instrument", "-trade_date"],
            },
        ),
        migrations.CreateModel(
            name="IndexWeight",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("valid_from", models.DateField(verbose_name="from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="to")),
                ("weight", models.DecimalField(decimal_places=6, max_digits=9, verbose_name="weight in per cent")),
            ],
            options={
                "verbose_name": "index weight",
                "verbose_name_plural": "index weights",
                "ordering": ["index", "instrument", "valid_from"],
            },
        ),
        migrations.CreateModel(
            name="InstrumentAlias",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("SYMBOL", "symbol"), ("NAME", "name")], max_length=8, verbose_name="kind"
                    ),
                ),
                ("text", models.CharField(db_index=True, max_length=64, verbose_name="code or name")),
                (
                    "valid_from",
                    models.DateField(
                        blank=True, help_text="Empty: it was so when it was first seen.", null=True, verbose_name="from"
                    ),
                ),
                ("valid_to", models.DateField(help_text="Last day.", verbose_name="to")),
            ],
            options={
                "verbose_name": "former name",
                "verbose_name_plural": "former names",
                "ordering": ["instrument", "kind", "valid_to"],
            },
        ),
        migrations.CreateModel(
            name="InstrumentChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "date",
                    models.DateField(
                        help_text="First trade date on which the terminal said so.", verbose_name="trade date"
                    ),
                ),
                ("field", models.CharField(max_length=32, verbose_name="fact")),
                ("before", models.CharField(blank=True, max_length=64, verbose_name="before")),
                ("after", models.CharField(blank=True, max_length=64, verbose_name="after")),
                ("host", models.CharField(max_length=64, verbose_name="host")),
                ("recorded_at", models.DateTimeField(verbose_name="recorded at")),
            ],
            options={
                "verbose_name": "instrument change",
                "verbose_name_plural": "instrument changes",
                "ordering": ["-date", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="NewIssue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("symbol", models.CharField(max_length=16, unique=True, verbose_name="symbol")),
                ("name", models.CharField(max_length=64, verbose_name="name")),
                ("subscription_code", models.CharField(blank=True, max_length=16, verbose_name="subscription code")),
                ("subscribe_on", models.DateField(blank=True, db_index=True, null=True, verbose_name="subscription")),
                ("lottery_on", models.DateField(blank=True, null=True, verbose_name="lottery result")),
                ("pay_on", models.DateField(blank=True, null=True, verbose_name="payment")),
                ("listed_on", models.DateField(blank=True, null=True, verbose_name="listing")),
                (
                    "price",
                    models.DecimalField(
                        blank=True, decimal_places=4, max_digits=12, null=True, verbose_name="issue price"
                    ),
                ),
                ("issue_quantity", models.PositiveBigIntegerField(default=0, verbose_name="shares issued")),
                ("online_quantity", models.PositiveBigIntegerField(default=0, verbose_name="shares online")),
                ("min_quantity", models.PositiveIntegerField(default=0, verbose_name="smallest subscription")),
                ("max_quantity", models.PositiveIntegerField(default=0, verbose_name="largest subscription")),
                ("facts", models.JSONField(verbose_name="everything the terminal says")),
                ("first_seen_on", models.DateField(verbose_name="first seen")),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
            ],
            options={
                "verbose_name": "new issue",
                "verbose_name_plural": "new issues",
                "ordering": ["-subscribe_on", "symbol"],
            },
        ),
        migrations.AlterField(
            model_name="sectormember",
            name="sector",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="memberships", to="marketdata.sector"
            ),
        ),
        migrations.RemoveConstraint(
            model_name="sectormember",
            name="marketdata_sectormember_once",
        ),
        migrations.AddField(
            model_name="sector",
            name="known_since",
            field=models.DateField(
                default=django.utils.timezone.localdate,
                help_text="Before this day nobody knows who was a member.",
                verbose_name="members known since",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="sector",
            name="retired_on",
            field=models.DateField(
                blank=True,
                help_text="First trade date on which the terminal no longer lists it.",
                null=True,
                verbose_name="retired on",
            ),
        ),
        migrations.AddField(
            model_name="sectormember",
            name="valid_from",
            field=models.DateField(default=django.utils.timezone.localdate, verbose_name="from"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="sectormember",
            name="valid_to",
            field=models.DateField(blank=True, null=True, verbose_name="to"),
        ),
        migrations.AddConstraint(
            model_name="sectormember",
            constraint=models.UniqueConstraint(
                fields=("sector", "instrument", "valid_from"), name="marketdata_sectormember_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="sectormember",
            constraint=models.UniqueConstraint(
                condition=models.Q(("valid_to__isnull", True)),
                fields=("sector", "instrument"),
                name="marketdata_sectormember_one_open",
            ),
        ),
        migrations.AddField(
            model_name="convertiblebond",
            name="instrument",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="bond_terms", to="marketdata.instrument"
            ),
        ),
        migrations.AddField(
            model_name="financialreport",
            name="instrument",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="financials", to="marketdata.instrument"
            ),
        ),
        migrations.AddField(
            model_name="fundbasket",
            name="instrument",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="baskets", to="marketdata.instrument"
            ),
        ),
        migrations.AddField(
            model_name="indexweight",
            name="index",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="constituents", to="marketdata.instrument"
            ),
        ),
        migrations.AddField(
            model_name="indexweight",
            name="instrument",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="index_weights", to="marketdata.instrument"
            ),
        ),
        migrations.AddField(
            model_name="instrumentalias",
            name="instrument",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="aliases", to="marketdata.instrument"
            ),
        ),
        migrations.AddField(
            model_name="instrumentchange",
            name="instrument",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="marketdata.instrument"
            ),
        ),
        migrations.AddConstraint(
            model_name="convertiblebond",
            constraint=models.UniqueConstraint(fields=("instrument", "valid_from"), name="marketdata_bond_once"),
        ),
        migrations.AddConstraint(
            model_name="convertiblebond",
            constraint=models.UniqueConstraint(
                condition=models.Q(("valid_to__isnull", True)), fields=("instrument",), name="marketdata_bond_one_open"
            ),
        ),
        migrations.AddIndex(
            model_name="financialreport",
            index=models.Index(fields=["table", "announced_on"], name="marketdata_financial_known"),
        ),
        migrations.AddConstraint(
            model_name="financialreport",
            constraint=models.UniqueConstraint(
                condition=models.Q(("superseded_at__isnull", True)),
                fields=("instrument", "table", "report_date", "announced_on", "rank"),
                name="marketdata_financial_one_valid",
            ),
        ),
        migrations.AddConstraint(
            model_name="financialreport",
            constraint=models.UniqueConstraint(
                condition=models.Q(("announced_on__isnull", True), ("superseded_at__isnull", True)),
                fields=("instrument", "table", "report_date", "rank"),
                name="marketdata_financial_one_undated",
            ),
        ),
        migrations.AddConstraint(
            model_name="fundbasket",
            constraint=models.UniqueConstraint(fields=("instrument", "trade_date"), name="marketdata_basket_once"),
        ),
        migrations.AddConstraint(
            model_name="indexweight",
            constraint=models.UniqueConstraint(
                fields=("index", "instrument", "valid_from"), name="marketdata_weight_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="indexweight",
            constraint=models.UniqueConstraint(
                condition=models.Q(("valid_to__isnull", True)),
                fields=("index", "instrument"),
                name="marketdata_weight_one_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="instrumentalias",
            constraint=models.UniqueConstraint(fields=("instrument", "kind", "valid_to"), name="marketdata_alias_once"),
        ),
        migrations.AddConstraint(
            model_name="instrumentchange",
            constraint=models.UniqueConstraint(fields=("instrument", "date", "field"), name="marketdata_change_once"),
        ),
        migrations.AddConstraint(
            model_name="instrumentchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("field", ""), _negated=True), name="marketdata_change_named"
            ),
        ),
    ]
