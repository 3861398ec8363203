"""Texts of the pages about market data that browser code shows."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from marketdata.choices import EvidenceReason, FindingSeverity, ImportState, IntegrityCheck, RepairStatus, RepairTrouble

MARKET_MESSAGES: dict[str, str | Promise] = {
    **{f"evidence.{reason.value}": reason.label for reason in EvidenceReason},
    **{f"item.{status.value}": status.label for status in RepairStatus},
    **{f"trouble.{trouble.value}": trouble.label for trouble in RepairTrouble},
    **{f"check.{check.value}": check.label for check in IntegrityCheck},
    **{f"finding_severity.{severity.value}": severity.label for severity in FindingSeverity},
    **{f"import_state.{state.value}": state.label for state in ImportState},
    "coverage.cell": _("{symbol} {name}, {month}: {state}"),
    "coverage.complete": _("{symbol} lacks nothing in this period."),
    "coverage.count": _("{shown} of {all} instruments"),
    "coverage.done": _("Nothing is missing any more."),
    "coverage.empty": _("No instrument fits."),
    "coverage.failed": _("Coverage could not be read: {reason}"),
    "coverage.loading": _("Reading coverage…"),
    "coverage.month.all": _("complete"),
    "coverage.month.none": _("nothing stored"),
    "coverage.month.part": _("{percent}% complete"),
    "coverage.month.unexpected": _("no bars to be expected"),
    "coverage.no_evidence": _("No proof is recorded."),
    "coverage.no_market": _("No instruments are known yet: the terminal has not told them."),
    "coverage.summary": _(
        "{present} of {expected} trading days are complete, {proven} proven absent, {missing} missing."
    ),
    "duration.hours": _("{hours} h {minutes} min"),
    "duration.minutes": _("{minutes} min {seconds} s"),
    "duration.seconds": _("{seconds} s"),
    "finding.acknowledge": _("Acknowledge"),
    "finding.none": _("No findings."),
    "finding.none_fits": _("No finding fits."),
    "finding.none_open": _("No open findings: what is stored is what it claims to be, as far as it was checked."),
    "finding.repair": _("Download anew"),
    "finding.repair_asked": _("The days are downloaded anew; the next check says whether it helped."),
    "finding.repair_ordered": _("Download ordered"),
    "import.bad": _("{bad} rows cannot be stored."),
    "import.holds": _("{good} of {rows} rows can be stored: {instruments} instruments, {span}."),
    "import.more_problems": _("Only the first are listed. All of them: {counts}"),
    "import.none": _("No file has been imported yet."),
    "import.stored": _("{stored} bars were stored; {kept} were left out, because their days have bars already."),
    "job.act.cancel": _("Cancel"),
    "job.act.download": _("Download the file"),
    "job.act.pause": _("Pause"),
    "job.act.resume": _("Resume"),
    "job.act.retry": _("Retry what failed"),
    "job.acting": _("{act}: {subject}"),
    "job.cancel_asked": _("Cancel this job? What is stored stays."),
    "job.export": _("Export of bars"),
    "job.import": _("Import of bars"),
    "job.integrity": _("Integrity check"),
    "job.items.none": _("No part in this state."),
    "job.left": _("about {duration} left"),
    "job.next_try": _("next try {when}"),
    "job.no_parts": _("A job of this kind has no parts."),
    "job.rate": _("{rate} per second"),
    "job.retried": _("What failed is tried again in a job of its own."),
    "job.rows": _("{rows} bars stored"),
    "job.static": _("Static data"),
    "job.took": _("took {duration}"),
    # Why a row of a file cannot be stored
    "problem.DUPLICATE": _("A bar of this time stands in the file already"),
    "problem.FIELD_EMPTY": _("Nothing stands here"),
    "problem.FRACTION_OF_A_SHARE": _("Not a whole number of shares"),
    "problem.NEGATIVE_VOLUME": IntegrityCheck.NEGATIVE_VOLUME.label,
    "problem.NON_TRADING_DAY": IntegrityCheck.NON_TRADING_DAY.label,
    "problem.NOT_A_NUMBER": _("Not a number"),
    "problem.NOT_CLOSED_YET": _("The day is not over"),
    "problem.OFF_SESSION": IntegrityCheck.OFF_SESSION.label,
    "problem.OHLC_ORDER": IntegrityCheck.OHLC_ORDER.label,
    "problem.PRICE_NOT_POSITIVE": IntegrityCheck.PRICE_NOT_POSITIVE.label,
    "problem.SYMBOL_UNKNOWN": _("An instrument that is not known"),
    "problem.TIME_INVALID": _("Not a time"),
}


def market_messages() -> dict[str, str]:
    """The texts in the active language."""
    return {key: str(text) for key, text in MARKET_MESSAGES.items()}
