"""Proof that a backup can be brought back: it is, beside the installation, and looked at as the installation would be."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from desk.backup.create import Made, Say
from desk.backup.load import anchors_of, check_fits, check_parts, loaded, restore_archives, within
from desk.verify.report import Report
from desk.verify.run import Options, verify_all


def backup_prove(made: Made, scratch_root: Path, *, passphrase: str = "", say: Say = lambda _text: None) -> Report:
    """Load a backup into a scratch place and verify everything in it.

    A finding is not the backup's fault: it is in the installation too, see ``manage.py verify``.

    Raises
    ------
    DeskError
        Whatever loading raises.
    """
    check_fits(made.manifest, any_key=True)
    check_parts(made, passphrase, say)
    scratch = Path(tempfile.mkdtemp(prefix=".prove-", dir=scratch_root))
    try:
        archives = scratch / "archive"
        archives.mkdir()
        restore_archives(made, archives, passphrase, say)
        anchors = anchors_of(made, passphrase)
        with loaded(made, scratch, passphrase=passphrase, say=say) as places, within(made, places, say):
            report = verify_all(Options(archives=archives, anchors=anchors))
        say(f"restored and looked at: {sum(report.checked.values())} things, {len(report.findings)} findings")
        return report
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
