"""A recorded picture has the colours that the camera saw: a policy that learned from a tint would miss it live."""

import numpy as np

from recorders.episode import CameraDescription
from recorders.picture_codec import decode_picture, encode_picture


def test_a_jpeg_is_on_average_neither_darker_nor_tinted() -> None:
    y, x = np.mgrid[:96, :128]
    ramps = np.stack([2 * x, 2 * y, 255 - x - y], axis=2)
    noise = np.random.default_rng(0).normal(0, 2, ramps.shape)
    picture = np.clip(ramps + noise, 0, 255).astype(np.uint8)
    content = encode_picture(CameraDescription("front", 128, 96, 30.0), picture)
    shift = (decode_picture("jpeg", content).astype(float) - picture).mean(axis=(0, 1))
    assert np.abs(shift).max() < 0.2  # grey levels; the library's fast decoding shifts red and blue by more than 1
