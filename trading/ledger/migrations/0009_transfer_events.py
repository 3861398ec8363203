from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0008_grid_events"),
    ]

    operations = [
        migrations.AlterField(
            model_name="accountevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("order", "Order"),
                    ("trade", "Trade"),
                    ("asset", "Asset"),
                    ("position", "Position"),
                    ("account", "Account"),
                    ("execution", "Execution"),
                    ("grid", "Grid"),
                    ("transfer", "Transfer of money"),
                ],
                max_length=10,
                verbose_name="kind",
            ),
        ),
    ]
