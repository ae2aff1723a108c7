"""A folder of episode_{i}.hdf5 as ACT++ reads it with `compress`: the recorded JPEGs as zero-padded rows.

Keys and types: MarkFzp/act-plus-plus, utils.py, and MarkFzp/mobile-aloha, aloha_scripts/record_episodes.py.
"""

import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import simplejpeg

from recorders.disk import require_room
from recorders.episode_reader import EpisodeReader, ImageStream
from recorders.exporters.act import write_joints
from recorders.exporters.export_file import stamps_entry
from recorders.exporters.hdf5_content import LIBVER, Checksums, check_file, write_array
from recorders.exporters.job import ExportJob
from recorders.resample import METHOD as METHOD
from recorders.resample import GridRows, on_grid

LOST = (
    "the leader's readings, the requested actions, events, gaps and the policy's chunks",
    "the recorded ticks and pictures between the rows, and all true stamps",
    "the task's text, the outcome, names and units of joints: this file has them, the .hdf5 files have no place",
    "float64: joints and actions are float32, as ALOHA writes them",
    "the attribute sim = True does not tell where the data come from: it keeps the reader from shifting the actions "
    "by one row. Row k holds the command that was in force when its pictures were the newest",
    "the order of the channels: the JPEGs are ordinary ones with true colours, which ACT++ decodes with cv2.imdecode "
    "to BGR, as it does with its own. Show a policy trained on them BGR as well",
)
_PNG_QUALITY = 95  # of pictures that were recorded as PNG: ACT++ could decode those, its other scripts expect JPEG


def export(job: ExportJob, folder: Path) -> list[dict[str, Any]]:
    """Writes and verifies one file per episode, numbered from 0 in their order; they keep their lengths."""
    folder.mkdir(parents=True)
    require_room(folder, 2 * sum(path.stat().st_size for path in job.episodes), "write the export")
    results: list[dict[str, Any]] = []
    for index, path in enumerate(job.episodes):
        job.tell(index, f"Episode {index + 1} of {len(job.episodes)}.")
        sums: Checksums = {}
        file_path = folder / f"episode_{index}.hdf5"
        with EpisodeReader(path) as reader, h5py.File(file_path, "w", libver=LIBVER) as file:
            rows = on_grid(reader, job.fps)
            file.attrs["compress"] = True
            write_joints(file, rows, 0, sums)
            _write_pictures(file, reader, rows, job, sums)
        check_file(file_path, sums)
        results.append({"episode": file_path.name, "rows": len(rows), **stamps_entry(rows)})
    return results


def _write_pictures(file: h5py.File, reader: EpisodeReader, rows: GridRows, job: ExportJob, sums: Checksums) -> None:
    images = file["observations"].create_group("images")
    lengths = np.zeros((len(job.rig.cameras), len(rows)), np.float32)  # as Mobile ALOHA writes them
    for number, camera in enumerate(job.rig.cameras):
        stream, chosen = reader.images(camera.name), rows.picture_index[camera.name]
        lengths[number] = [len(_jpeg(stream, int(index))) for index in chosen]
        width = int(lengths[number].max())
        dataset = images.create_dataset(camera.name, (len(rows), width), np.uint8, chunks=(1, width))
        crc = 0
        for row, index in enumerate(chosen):
            padded = _jpeg(stream, int(index)).ljust(width, b"\0")
            dataset.id.write_direct_chunk((row, 0), padded)
            crc = zlib.crc32(padded, crc)
        sums[dataset.name] = crc
    write_array(file, "compress_len", lengths, sums)


def _jpeg(stream: ImageStream, index: int) -> bytes:
    if stream.camera.codec == "jpeg":
        return stream.encoded(index)
    jpeg: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(stream[index]), _PNG_QUALITY, "RGB", "444")
    return jpeg
