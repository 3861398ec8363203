"""Background work of this app."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="accounts.reset_mail", ignore_result=True)
def reset_mail(identifier: str) -> dict[str, int]:
    """Mail a link for a new password to whoever is meant.

    A forged task can do no more than anybody can from the login page.
    """
    from accounts.mailing import reset_by_mail

    return {"sent": int(reset_by_mail(identifier))}
