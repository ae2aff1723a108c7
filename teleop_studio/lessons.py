"""Starts lessons in a workspace, goes on with one that was not finished, and follows the newest."""

from pathlib import Path

from teleop_studio.learning_status import LessonStatus
from teleop_studio.lesson import Lesson
from teleop_studio.lesson_plan import LessonFolder, LessonPlan
from teleop_studio.session import StudioError
from teleop_studio.trainings import Trainings
from teleop_studio.workspace import Workspace


class Lessons:
    """One lesson at a time. It needs no rig: nothing else waits for it."""

    def __init__(self, workspace: Workspace, trainings: Trainings) -> None:
        self._workspace, self._trainings = workspace, trainings
        self._lesson: Lesson | None = None

    def start(
        self,
        plan: LessonPlan | None = None,
        root: Path | None = None,
        data: Path | None = None,
        runs: dict[tuple[str, int], Path] | None = None,
    ) -> Path:
        """Begin, or go on with, the lesson in `root`; returns its folder.

        Without `root` the newest unfinished one of the workspace goes on when it has the same `plan`, or none is given.
        Raises `StudioError` while one runs, or when another lesson lies in `root`.
        """
        if self.running:
            raise StudioError("A lesson runs already. Wait for it, or cancel it.")
        folder, unfinished = self._folder(root, plan)
        self._lesson = Lesson(
            plan or unfinished or LessonPlan(), folder, self._trainings, self._workspace.logs, data, runs
        )
        return folder.root

    @property
    def running(self) -> bool:
        return self._lesson is not None and not self._lesson.status.finished

    @property
    def status(self) -> LessonStatus | None:
        """The running lesson, or how the last one ended."""
        return None if self._lesson is None else self._lesson.status

    def step(self) -> bool:
        """Go on; True when it has just ended."""
        if self._lesson is None or not self.running:
            return False
        self._lesson.step()
        return not self.running

    def cancel(self) -> None:
        """What is done stays; the next start goes on from there. Raises `StudioError` when none runs."""
        if self._lesson is None or not self.running:
            raise StudioError("No lesson is running. There is nothing to cancel.")
        self._lesson.cancel()

    def close(self) -> None:
        """The studio ends; a training of the lesson goes on by itself."""
        if self._lesson is not None and self.running:
            self._lesson.close()

    def _folder(self, root: Path | None, plan: LessonPlan | None) -> tuple[LessonFolder, LessonPlan | None]:
        if root is not None:
            folder = LessonFolder(root.resolve(), self._workspace.runs)
            return folder, folder.unfinished()
        lessons = self._workspace.root / "lessons"
        there = sorted(lessons.glob("lesson-*")) if lessons.is_dir() else []
        if there:
            newest = LessonFolder(there[-1], self._workspace.runs)
            unfinished = newest.unfinished()
            if unfinished is not None and plan in (None, unfinished):
                return newest, unfinished
        return LessonFolder(lessons / f"lesson-{len(there) + 1:03d}", self._workspace.runs), None
