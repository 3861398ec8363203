"""Repair items count the downloads that brought nothing new."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketdata", "0009_imports"),
    ]

    operations = [
        migrations.AddField(
            model_name="repairitem",
            name="repeats",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="Downloads in a row that went well and brought nothing new: what is missing then is believed to be missing.",
                verbose_name="repeats",
            ),
        ),
    ]
