"""How the pictures of one take are stored: a camera's own JPEG as it came, everything else encoded here."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.episode import CameraDescription
from recorders.episode_writer import EpisodeWriter
from recorders.picture_codec import encode_picture
from teleop_studio.processes.rings import RigRings, encoded_of
from teleop_studio.rig import RigConfig


def passing_through(rings: RigRings) -> frozenset[str]:
    """The cameras whose newest picture carries their own JPEG."""
    newest = {name: ring.latest() for name, ring in rings.frames.items()}
    return frozenset(name for name, item in newest.items() if item is not None and item[2]["encoded_size"] > 0)


def stamped_by(rings: RigRings) -> dict[str, str]:
    """Where each camera's stamps come from: "driver", or "arrival" in this program; without cameras yet to deliver."""
    newest = {name: ring.latest() for name, ring in rings.frames.items()}
    return {
        name: "driver" if bool(item[2]["driver_stamp"]) else "arrival"
        for name, item in newest.items()
        if item is not None
    }


class TakePictures:
    """Puts pictures into `writer`. `passed_through` are the cameras whose description says that their JPEGs are kept.

    Of those, a picture that has none, or one that is not what the take expects, is encoded with the rig's quality; an
    event says from when on, and from when on the camera's own are kept again.
    """

    def __init__(self, writer: EpisodeWriter, rig: RigConfig, passed_through: Iterable[str]) -> None:
        self._writer = writer
        names = frozenset(passed_through)
        self._own = {
            camera.name: CameraDescription(camera.name, camera.width, camera.height, camera.fps, quality=camera.quality)
            for camera in rig.cameras
            if camera.name in names
        }
        self._encoding = dict.fromkeys(self._own, False)

    def add(self, camera: str, stamp_ns: int, number: int, row: NDArray[Any]) -> None:
        """`row` of `frame_dtype`. Raises `DiskError`."""
        if camera not in self._own:
            self._writer.add_image(camera, stamp_ns, number, row["rgb"])
            return
        kept = self._keep(camera, stamp_ns, number, encoded_of(row))
        if not kept:
            content = encode_picture(self._own[camera], np.asarray(row["rgb"]))
            self._writer.add_encoded(camera, stamp_ns, number, content)
        if self._encoding[camera] is kept:
            self._encoding[camera] = not kept
            self._writer.add_event(stamp_ns, "camera passthrough", {"camera": camera, "passthrough": kept})

    def _keep(self, camera: str, stamp_ns: int, number: int, content: bytes) -> bool:
        if not content:
            return False
        try:
            self._writer.add_encoded(camera, stamp_ns, number, content)
        except ValueError:  # another size, or cut off
            return False
        return True
