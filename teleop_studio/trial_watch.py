"""How a policy drives a trial on the live rig, read from the rings while it does; the same measures as in lock-step."""

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel
from drivers.kinematics import Chain, known
from teleop_studio.evaluation.measures import TrialMeasures
from teleop_studio.insight.chunk_meter import ChunkMeter
from teleop_studio.live import Inference
from teleop_studio.processes.rings import RigRings, chunk_of

_SEARCH_TICKS = 200


class TrialWatch:
    """Made when a trial begins; `follow` it at least twice a second, so that no chunk is overwritten unseen."""

    def __init__(self, rings: RigRings, inference: Inference, model: ArmModel, straight_ahead_rad: float = 0.0) -> None:
        self._rings, self._inference = rings, inference
        self._next = rings.chunks.written
        self._answered = inference.chunks
        self._meter = ChunkMeter(Chain(model).forward if known(model) else None, straight_ahead_rad)

    def follow(self) -> None:
        """Take in the chunks that have arrived since."""
        ring = self._rings.chunks
        while self._next < ring.written:
            item = ring.read(self._next)
            self._next += 1
            chunk = None if item is None else chunk_of(item[1])
            if item is not None and chunk is not None:
                self._meter.add(chunk, _command_at(self._rings, item[0], chunk.actions.shape[1]), item[0])

    def measured(self, executed_steps: int, solver_steps: int) -> TrialMeasures:
        """Of the trial so far; latencies of its newest hundred chunks."""
        inference, meter = self._inference, self._meter
        count = inference.chunks - self._answered
        chunk_ms, samples_ms = (
            tuple(round(ms, 2) for ms in list(times)[-count:]) if count else ()
            for times in (inference.chunk_ms, inference.overlay_ms)
        )
        return TrialMeasures(
            step=inference.health().step,
            chunks=meter.chunks,
            flips=meter.flips,
            chunk_side=meter.first_side,
            boundary_jump=meter.boundary_jump,
            boundary_jump_mrad=meter.boundary_jump_mrad,
            chunk_ms=chunk_ms,
            samples_ms=samples_ms,
            executed_steps=executed_steps,
            solver_steps=solver_steps,
        )


def _command_at(rings: RigRings, stamp_ns: int, joints: int) -> NDArray[np.float64]:
    """What was sent last when the chunk arrived; nan where nothing was, or the ring has gone on."""
    newest = rings.ticks.written - 1
    for index in range(newest, max(newest - _SEARCH_TICKS, -1), -1):
        item = rings.ticks.read(index)
        if item is None:
            break
        if item[0] <= stamp_ns:
            return np.array(item[1]["action"])
    return np.full(joints, np.nan)
