from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Latest quotes say which host's feed brought them."""

    dependencies = [("quotes", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="latestquote",
            name="host",
            field=models.CharField(default="", help_text="QMT host whose feed brought it.", max_length=64),
        ),
    ]
