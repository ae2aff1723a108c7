"""What came of the lesson: its figure, the counts and the test between them."""

import math

from PySide6.QtCore import QRectF, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QFont, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from teleop_studio.learning_status import LessonScore, LessonStatus
from ui import theme
from ui.bridge import Bridge
from ui.widgets.panel import Figure, Panel, button


class LessonView(Panel):
    closed = Signal()

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__("Lesson: why not average?", parent)
        self._bridge = bridge
        self._shown: LessonStatus | None = None
        self.report = button(
            "open_lesson_report", "Open as a page", "The same with all its counts, in the browser", self._open, True
        )
        self.header.addWidget(self.report)
        self.header.addWidget(
            button("close_lesson", "Back to the training", "Put the figure away", self.closed.emit, True)
        )
        self.picture = PictureView()
        self.verdict = QLabel("")
        self.verdict.setObjectName("lesson_verdict")
        self.verdict.setWordWrap(True)
        self.verdict.setFont(theme.font(15))
        self.figures = QHBoxLayout()
        self.figures.setSpacing(24)
        self.body.addWidget(self.picture, 1)
        self.body.addLayout(self.figures)
        self.body.addWidget(self.verdict)

    def show_lesson(self, lesson: LessonStatus) -> None:
        """A lesson that has ended."""
        if lesson == self._shown:
            return
        self._shown = lesson
        self.picture.show_image(self._bridge.picture(lesson.figure) if lesson.figure is not None else None)
        self.report.setVisible(lesson.report is not None)
        self.verdict.setText(lesson.verdict)
        while (item := self.figures.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for score in lesson.scores:
            figure = Figure(f"{score.title}: {_sides(score)}", 22)
            figure.show_value(f"{score.successes} of {score.trials}   {score.low:.0%} to {score.high:.0%}")
            self.figures.addWidget(figure, 2)
        if not math.isnan(lesson.p_value):
            figure = Figure("McNemar's p", 22)
            figure.show_value(p_words(lesson.p_value))
            figure.setToolTip("How often chance alone would give a split this uneven over the starts that both tried")
            self.figures.addWidget(figure, 1)

    def _open(self) -> None:
        if self._shown is not None and self._shown.report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._shown.report)))


class PictureView(QWidget):
    """A picture as large as it fits."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lesson_figure")
        self.setAccessibleName("the lesson's figure")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 120)
        self._image: QImage | None = None

    def show_image(self, image: QImage | None) -> None:
        self._image = image
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._image is None or self._image.isNull():
            painter.setFont(theme.font(13, QFont.Weight.Medium))
            painter.setPen(theme.FAINT)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "The figure can not be read any more.")
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRectF(
            (self.width() - size.width()) / 2, (self.height() - size.height()) / 2, size.width(), size.height()
        )
        painter.drawImage(place, self._image)


def p_words(p_value: float) -> str:
    """ "0.031" or "< 0.0001"; a dash when unknown."""
    if math.isnan(p_value):
        return "–"
    return "< 0.0001" if p_value < 1e-4 else f"{p_value:.4f}" if p_value < 0.01 else f"{p_value:.2f}"


def _sides(score: LessonScore) -> str:
    return f"left {score.left}, right {score.right}, knocked over {score.knocked}"
