"""The report of an unattended run: what was recorded, how it was trained, how it did, on one page that travels.

`write_report` makes one HTML file with everything inside it: no script, no font, no picture is fetched from elsewhere.
"""

from pathlib import Path

from teleop_studio.evaluation.report_content import Demonstrations, Report, ReportPicture, Training
from teleop_studio.evaluation.report_page import page
from teleop_studio.evaluation.whole_file import write_whole

__all__ = ["Demonstrations", "Report", "ReportPicture", "Training", "write_report"]


def write_report(folder: Path, report: Report) -> Path:
    """Write `folder`/report.html, whole or not at all, and return its path.

    Raises `FileNotFoundError` for a picture that is not there, `OSError` when the folder can not be written.
    """
    return write_whole(folder / "report.html", page(report))
