"""The report of an unattended run: what was recorded, how it was trained, how it did, on one page that travels.

`write_report` makes one HTML file with everything inside it: no script, no font, no picture is fetched from elsewhere.
"""

import os
import tempfile
from pathlib import Path

from teleop_studio.evaluation.report_content import Demonstrations, Report, ReportPicture, Training
from teleop_studio.evaluation.report_page import page

__all__ = ["Demonstrations", "Report", "ReportPicture", "Training", "write_report"]


def write_report(folder: Path, report: Report) -> Path:
    """Write `folder`/report.html, whole or not at all, and return its path.

    Raises `FileNotFoundError` for a picture that is not there, `OSError` when the folder can not be written.
    """
    text = page(report)
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, suffix=".html.tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        target = folder / "report.html"
        Path(temporary).replace(target)
        target.chmod(0o644)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target
