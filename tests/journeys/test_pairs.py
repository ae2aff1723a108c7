"""Both sides of every layout by hand on the simulated rig: prompts, the same layout twice, and what the files say."""

import numpy as np
import pytest

from recorders.episode_reader import EpisodeReader
from teleop_studio.session import StudioError
from teleop_studio.status import State
from teleop_studio.studio import Studio
from tests.journeys.driving import until

pytestmark = pytest.mark.alone


def _take(studio: Studio) -> None:
    """A short one: what is done in it does not matter here."""
    until(studio, lambda s: studio.scene_ready and s.state is State.IDLE, "the scene")
    studio.record()
    until(studio, lambda s: s.recorder.frames_written > 30, "some frames")


def test_a_layout_is_asked_for_from_both_sides_and_a_discarded_take_repeats_its_side(studio: Studio) -> None:
    before = {row.path for row in studio.episodes()}
    studio.start_pairs(1, seed=5)
    with pytest.raises(StudioError, match="being recorded already"):
        studio.start_pairs(1)
    prompt = studio.poll().pair
    assert prompt is not None
    assert (prompt.layout, prompt.layouts, prompt.side, prompt.second) == (1, 1, "left", False)
    _take(studio)
    studio.discard()
    until(studio, lambda s: s.pair is not None and s.pair.side == "left", "the same side again")
    for side in ("left", "right"):
        until(studio, lambda s, side=side: s.pair is not None and s.pair.side == side, side)  # type: ignore[misc]
        _take(studio)
        studio.accept()
    until(studio, lambda s: s.pair is None, "the end of the pairs")
    assert any("1 layout is recorded from both sides." in text for text in studio.status.notices)
    until(studio, lambda s: s.recorder.building == 0 and len(studio.episodes()) == len(before) + 2, "both files")
    said, starts = [], []
    for path in sorted({row.path for row in studio.episodes()} - before):
        with EpisodeReader(path) as reader:
            said.append(reader.info.extra)
            starts.append(reader.frames.follower_position[0])
    assert said[0]["pair"] == said[1]["pair"]
    assert [about["operator_side"] for about in said] == ["left", "right"]
    assert [about["seed"] for about in said] == [5, 5]
    np.testing.assert_allclose(starts[0], starts[1], atol=0.02)  # in real time, not to the bit
    with pytest.raises(StudioError, match="No pairs are being recorded"):
        studio.end_pairs()
