"""Progress of a long task: scripted recording, an evaluation, an export or an import."""

from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from teleop_studio.status import JobStatus
from ui import theme
from ui.bridge import Bridge
from ui.widgets.panel import button, soft_label


class JobBar(QWidget):
    """Title, count, bar, one sentence of detail and a cancel button; hidden when there is no job.

    A job that has ended stays until it is put away.
    """

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("job_bar")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 0)
        column.setSpacing(5)
        top = QHBoxLayout()
        self.title = QLabel("")
        self.title.setMinimumWidth(10)
        self.cancel = button(
            "cancel_job", "Cancel", "Stop after the running take", lambda: bridge.call(bridge.studio.cancel_job), True
        )
        self.close_button = button("close_job", "Close", "Put this away", self._put_away, True)
        self.close_button.hide()
        self._put_away_job: JobStatus | None = None
        self._job: JobStatus | None = None
        top.addWidget(self.title, 1)
        top.addWidget(self.close_button)
        top.addWidget(self.cancel)
        column.addLayout(top)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        column.addWidget(self.bar)
        self.detail = soft_label("", wrap=True)
        column.addWidget(self.detail)
        self.hide()

    def refresh(self, job: JobStatus | None) -> None:
        self._job = job
        self.setVisible(job is not None and job != self._put_away_job)
        if job is None:
            return
        self.title.setText(f"{job.title}: {job.done} / {job.total}" if job.total else job.title)
        self.close_button.setVisible(job.finished)
        self.bar.setMaximum(max(job.total, 1))
        self.bar.setValue(job.done)
        self.cancel.setVisible(not job.finished)
        self.detail.setText(job.error or summary(job))
        self.detail.setStyleSheet(f"color: {theme.BAD}" if job.error else "")

    def _put_away(self) -> None:
        self._put_away_job = self._job
        self.hide()


def summary(job: JobStatus) -> str:
    """What happened so far, and what happens now."""
    parts = []
    if job.done and job.takes:
        parts.append(f"{job.successes} of {job.done} succeeded, left {job.left}, right {job.right}")
    if job.detail:
        parts.append(job.detail)
    return ". ".join(parts)
