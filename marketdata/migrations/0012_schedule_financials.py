"""Financial tables have a schedule."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketdata", "0011_schedule_integrity"),
    ]

    operations = [
        migrations.AlterField(
            model_name="syncschedule",
            name="name",
            field=models.CharField(
                choices=[
                    ("after_close", "Repair after the close"),
                    ("sampling", "Sampling check against the terminal"),
                    ("static", "Static data"),
                    ("report", "Status report"),
                    ("integrity", "Integrity check"),
                    ("financials", "Financial tables"),
                ],
                max_length=32,
                verbose_name="schedule",
            ),
        ),
    ]
