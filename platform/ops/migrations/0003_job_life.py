"""Jobs can be paused, held by a lease, and say how fast they are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ops", "0002_alerts"),
    ]

    operations = [
        migrations.AddField(
            model_name="job", name="lease_holder", field=models.CharField(blank=True, default="", max_length=120)
        ),
        migrations.AddField(model_name="job", name="lease_until", field=models.DateTimeField(blank=True, null=True)),
        migrations.AddField(model_name="job", name="progressed_at", field=models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            model_name="job",
            name="rate",
            field=models.FloatField(blank=True, help_text="Units per second, lately.", null=True),
        ),
        migrations.AlterField(
            model_name="job",
            name="status",
            field=models.CharField(
                choices=[
                    ("PENDING", "Pending"),
                    ("RUNNING", "Running"),
                    ("PAUSED", "Paused"),
                    ("DONE", "Done"),
                    ("PARTIAL", "Partly done"),
                    ("FAILED", "Failed"),
                    ("CANCELLED", "Cancelled"),
                ],
                default="PENDING",
                max_length=16,
            ),
        ),
    ]
