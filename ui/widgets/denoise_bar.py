"""The slider over the denoising steps, from noise to action, with a play button."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from ui import theme
from ui.widgets.panel import Panel, button, soft_label

_REFRESHES_PER_STEP = 4
_REST_AT_END = 5  # steps to wait on the finished action before it starts again


class DenoiseBar(Panel):
    """`step` is 0 (noise) .. S (action). Freezing keeps picture and samples while the policy goes on."""

    step_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._count = 0
        self._resting = 0
        self.play = button("denoise_play", "Play", "Run through the denoising steps", lambda: None)
        self.play.setCheckable(True)
        self.freeze = button("denoise_freeze", "Freeze", "Keep this picture and its samples", lambda: None)
        self.freeze.setCheckable(True)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("denoise_slider")
        self.slider.setAccessibleName("denoising step")
        self.slider.setRange(0, 10)
        self.slider.setValue(10)
        self.slider.setPageStep(1)
        self.slider.valueChanged.connect(self._moved)
        self.reading = QLabel("")
        self.reading.setFont(theme.font(13, QFont.Weight.DemiBold))
        self.reading.setFixedWidth(110)
        self.reading.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout()
        row.setSpacing(10)
        self.noise, self.action = soft_label("noise"), soft_label("action")
        self.at_once = soft_label("This policy answers at once: there are no steps between noise and action.")
        self.at_once.hide()
        for widget in (self.play, self.freeze, self.noise):
            row.addWidget(widget)
        row.addWidget(self.slider, 1)
        row.addWidget(self.action)
        row.addWidget(self.at_once, 1)
        row.addWidget(self.reading)
        self.body.addLayout(row)
        self._moved(10)

    @property
    def step(self) -> int:
        return self.slider.value()

    @property
    def frozen(self) -> bool:
        return self.freeze.isChecked()

    def set_steps(self, steps: int) -> None:
        """S of the overlay that is shown, 0 without a solver; at the finished action the slider stays there."""
        if steps != self.slider.maximum():
            for widget in (self.play, self.noise, self.slider, self.action, self.reading):
                widget.setVisible(steps > 0)
            self.at_once.setVisible(steps == 0)
            if steps == 0:
                self.play.setChecked(False)
            at_end = self.slider.value() == self.slider.maximum()
            self.slider.setMaximum(steps)
            if at_end:
                self.slider.setValue(steps)
            self._moved(self.slider.value())

    def refresh(self) -> None:
        """Go on playing; called at every refresh."""
        if not self.play.isChecked():
            return
        self._count += 1
        if self._count % _REFRESHES_PER_STEP:
            return
        if self.step < self.slider.maximum():
            self.slider.setValue(self.step + 1)
            self._resting = 0
        elif self._resting < _REST_AT_END:
            self._resting += 1
        else:
            self.slider.setValue(0)

    def _moved(self, step: int) -> None:
        self.reading.setText(f"step {step} of {self.slider.maximum()}")
        self.step_changed.emit(step)
