"""What each way to compress pictures costs and loses, on pictures of this project's own simulated rig.

`python -m tests.benchmarks.bench_codecs [--pictures N] [--rounds R]` prints the tables of
docs/decisions/0014-picture-compression.md: the rig's front and wrist camera in four layouts with a moving arm, at the
shipped 320x240 and at 640x480, as rendered and with a sensor's noise. Times are CPU ms of one thread for one picture,
the median of the rounds; all codecs take turns in each round.

Quality is told by three figures, always against the picture that was handed to the codec: PSNR of the whole; PSNR of
what the policy sees, which is the picture reduced to 64x64; and how far the colour is off on the edges of small
coloured things: the largest error of a channel that 99 of 100 of those pixels stay below.
"""

import argparse
import statistics
import time
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from teleop_studio.policies.picture_reduction import reduce_picture
from tests.benchmarks.picture_codecs import Codec, codecs
from tests.benchmarks.rig_pictures import film, with_sensor_noise

Pictures = NDArray[np.uint8]

SIZES = ((320, 240), (640, 480))
FPS = 30
POLICY_PX = 64
_COLOURED = 60  # grey levels between the strongest and the weakest channel
_EDGE = 40  # grey levels by which a channel differs from the pixel's neighbour


@dataclass(frozen=True)
class Figures:
    """Of one codec on one set of pictures. Errors in grey levels 0..255."""

    kilobytes: float
    encode_ms: float
    decode_ms: float
    psnr_db: float
    policy_psnr_db: float
    edge_error: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=60, help="of each camera")
    parser.add_argument("--rounds", type=int, default=3, help="how often the times are taken")
    options = parser.parse_args()
    footage = film("bottle", SIZES, options.pictures)
    for width, height in SIZES:
        clean = [footage.pictures[camera, width, height] for camera in ("front", "wrist")]
        noisy = [with_sensor_noise(pictures, seed) for seed, pictures in enumerate(clean)]
        masks = [_coloured_edges(pictures) for pictures in clean]
        print(f"\n{width}x{height}, {options.pictures} pictures of each of 2 cameras, as rendered / with noise:\n")
        print(
            "| codec | kB a picture | MB/min a camera | encode ms | decode ms | PSNR dB | PSNR dB at 64x64 "
            "| error on coloured edges |\n|---|---|---|---|---|---|---|---|",
            flush=True,
        )
        rows = zip(codecs(), measure(clean, masks, options.rounds), measure(noisy, masks, options.rounds), strict=True)
        for codec, plain, grainy in rows:
            print(_row(codec, plain, grainy), flush=True)


def measure(cameras: list[Pictures], masks: list[NDArray[np.bool_]], rounds: int) -> list[Figures]:
    """One `Figures` for each codec, over the pictures (n, h, w, 3) of all `cameras`; `masks` (n, h, w) the edges."""
    tried = [_Trial(codec, cameras) for codec in codecs()]
    for _ in range(rounds):
        for trial in tried:
            trial.time()
    return [trial.figures(masks) for trial in tried]


class _Trial:
    def __init__(self, codec: Codec, cameras: list[Pictures]) -> None:
        self._codec, self._cameras = codec, cameras
        self._count = sum(len(pictures) for pictures in cameras)
        codec.encode(cameras[0][:2])  # warm
        self._packets = [codec.encode(pictures) for pictures in cameras]
        self._encode_ms: list[float] = []
        self._decode_ms: list[float] = []

    def time(self) -> None:
        began = time.process_time()
        for pictures in self._cameras:
            self._codec.encode(pictures)
        encoded = time.process_time()
        for pictures, packets in zip(self._cameras, self._packets, strict=True):
            self._codec.decode(packets, *pictures.shape[1:3])
        self._encode_ms.append(1e3 * (encoded - began) / self._count)
        self._decode_ms.append(1e3 * (time.process_time() - encoded) / self._count)

    def figures(self, masks: list[NDArray[np.bool_]]) -> Figures:
        squares, policy_squares, edge_errors = [], [], []
        for pictures, packets, mask in zip(self._cameras, self._packets, masks, strict=True):
            decoded = self._codec.decode(packets, *pictures.shape[1:3])
            if len(decoded) != len(pictures):
                raise RuntimeError(f"{self._codec.name} gave back {len(decoded)} of {len(pictures)} pictures")
            for before, after, edges in zip(pictures, decoded, mask, strict=True):
                error = np.abs(before.astype(np.int16) - after)
                squares.append(float(np.mean(np.square(error, dtype=np.float64))))
                edge_errors.append(error.max(2)[edges])
                reduced = reduce_picture(before, POLICY_PX).astype(np.float64) - reduce_picture(after, POLICY_PX)
                policy_squares.append(float(np.mean(reduced**2)))
        stored = sum(len(packet) for packets in self._packets for packet in packets)
        return Figures(
            kilobytes=stored / self._count / 1e3,
            encode_ms=statistics.median(self._encode_ms),
            decode_ms=statistics.median(self._decode_ms),
            psnr_db=_psnr(squares),
            policy_psnr_db=_psnr(policy_squares),
            edge_error=float(np.percentile(np.concatenate(edge_errors), 99)),
        )


def _psnr(mean_squares: list[float]) -> float:
    """dB of the mean over all pictures; infinite for a lossless codec."""
    mean = float(np.mean(mean_squares))
    return 10 * float(np.log10(255**2 / mean)) if mean else float("inf")


def _coloured_edges(pictures: Pictures) -> NDArray[np.bool_]:
    """(n, h, w): pixels of a strong colour that have a quite different neighbour, and that neighbour."""
    kernel = np.ones((3, 3), np.uint8)
    masks = []
    for picture in pictures:
        span = cv2.dilate(picture, kernel).astype(np.int16) - cv2.erode(picture, kernel)
        coloured = (picture.max(2).astype(np.int16) - picture.min(2) > _COLOURED).astype(np.uint8)
        masks.append((span.max(2) > _EDGE) & (cv2.dilate(coloured, kernel) > 0))
    return np.stack(masks)


def _row(codec: Codec, plain: Figures, grainy: Figures) -> str:
    def both(form: str, first: float, second: float) -> str:
        return f"{first:{form}} / {second:{form}}"

    minute = FPS * 60 / 1e3
    cells = [
        codec.name,
        both(".1f", plain.kilobytes, grainy.kilobytes),
        both(".0f", plain.kilobytes * minute, grainy.kilobytes * minute),
        both(".2f", plain.encode_ms, grainy.encode_ms),
        both(".2f", plain.decode_ms, grainy.decode_ms),
        both(".1f", plain.psnr_db, grainy.psnr_db),
        both(".1f", plain.policy_psnr_db, grainy.policy_psnr_db),
        both(".0f", plain.edge_error, grainy.edge_error),
    ]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
