from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ops", "0004_restored_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="alert",
            name="titles",
            field=models.JSONField(
                default=dict, help_text="The title in the portal's other languages, by their codes."
            ),
        ),
    ]
