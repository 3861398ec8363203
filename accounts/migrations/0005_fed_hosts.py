import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_account_session"),
    ]

    operations = [
        migrations.AddField(
            model_name="qmthost",
            name="fed_from",
            field=models.ForeignKey(
                blank=True,
                help_text="Host whose live quotes this simulated one matches on; blank: it has a market of its own.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="feeds",
                to="accounts.qmthost",
                verbose_name="fed from",
            ),
        ),
        migrations.AddConstraint(
            model_name="qmthost",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("fed_from__isnull", True),
                    models.Q(
                        ("kind", "SIMULATED"),
                        models.Q(("fed_from", models.F("pk")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="host_fed_is_simulated",
            ),
        ),
    ]
