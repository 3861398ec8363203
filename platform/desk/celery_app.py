"""The Celery application. Not named `celery.py`: that would shadow the package."""

from __future__ import annotations

from celery import Celery

from desk.task_facts import carry_facts

app = Celery("desk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
carry_facts()
