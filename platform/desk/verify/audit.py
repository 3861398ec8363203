"""The audit trail: every chain, the anchors among them, and the signed ones."""

from __future__ import annotations

import tempfile
from pathlib import Path

from django.conf import settings

from desk.verify.report import Report
from ops.anchor_file import FILE_NAME, AnchorFile, AnchorKeyError
from ops.anchors import anchors_verify
from ops.audit import chains_verify


def verify_audit(report: Report, anchors: bytes | None) -> None:
    """Walk every chain from its first event, then hold all anchors against them.

    Parameters
    ----------
    anchors
        Content of another file of signed anchors than the state folder's, signed with the state folder's key.
    """
    for chain in chains_verify():
        report.checked["audit events"] += chain.events
        if not chain.intact:
            report.find("audit", chain.chain, f"broken at #{chain.sequence}: {chain.problem}")
    for problem in anchors_verify():
        report.find("audit", "anchors", problem)
    own = AnchorFile(settings.STATE_DIR)
    try:
        if anchors is None:
            _signed(report, own, None)
        elif anchors:
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / FILE_NAME).write_bytes(anchors)
                _signed(report, AnchorFile(Path(folder)), own.public_key_pem())
    except AnchorKeyError as error:
        report.find("audit", FILE_NAME, str(error))


def _signed(report: Report, file: AnchorFile, public_key: str | None) -> None:
    report.checked["signed anchors"] += file.count()
    for problem in file.verify(public_key):
        report.find("audit", FILE_NAME, problem)
