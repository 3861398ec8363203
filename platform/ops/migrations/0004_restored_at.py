from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ops", "0003_job_life")]

    operations = [
        migrations.AddField(
            model_name="installation",
            name="restored_at",
            field=models.DateTimeField(blank=True, help_text="When it was last restored from a backup.", null=True),
        ),
    ]
