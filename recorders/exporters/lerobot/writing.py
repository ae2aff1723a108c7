"""The process that writes a LeRobotDataset: `python -m recorders.exporters.lerobot.writing`, through `own_process`."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from lerobot.configs.video import RGBEncoderConfig
from lerobot.datasets.lerobot_dataset import LeRobotDataset

from recorders.episode import CameraDescription
from recorders.episode_reader import EpisodeReader
from recorders.exporters.export_file import stamps_entry
from recorders.exporters.job import CommonRig, ExportJob
from recorders.exporters.lerobot.checking import check_dataset
from recorders.own_process import Tell, serve
from recorders.resample import GridRows, chosen_pictures, on_grid

STATE, ACTION, IMAGES = "observation.state", "action", "observation.images."
# Not below "observation.": lerobot would hand them to its policies as inputs.
VELOCITY, EFFORT, CAPTURE_TIME = "velocity", "effort", "capture_time_s"
REPO = "teleop-studio/export"
_CRF, _GOP = 18, 2
# Episodes that large get a file each: long joined videos have drifted out of their stamps (LeRobot #3177).
_VIDEO_FILE_MB = 1
_TELL_EVERY = 30


def write(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Writes and verifies the dataset; one entry per episode."""
    rig = _rig(request["rig"])
    paths = tuple(map(Path, request["episodes"]))
    job = ExportJob(paths, rig, int(request["fps"]), tell, lambda: False)
    folder = Path(request["folder"])
    odd = any((camera.width | camera.height) & 1 for camera in rig.cameras)
    dataset = LeRobotDataset.create(
        repo_id=REPO,
        fps=job.fps,
        features=_features(rig),
        root=folder,
        robot_type=_robot(paths[0]),
        use_videos=True,
        # B-frames would put a shift into each video that grows where several are joined.
        rgb_encoder=RGBEncoderConfig(
            vcodec="h264",
            pix_fmt="yuv444p" if odd else "yuv420p",
            g=_GOP,
            crf=_CRF,
            preset="veryfast",
            extra_options={"bf": 0},
        ),
        video_files_size_in_mb=_VIDEO_FILE_MB,
        video_backend="pyav",
    )
    results = []
    for index, path in enumerate(paths):
        with EpisodeReader(path) as reader:
            rows = on_grid(reader, job.fps)
            _add_rows(dataset, reader, rows, job, index)
            job.tell(index, f"Episode {index + 1} of {len(paths)}: encoding the videos.")
            dataset.save_episode(parallel_encoding=False)
        results.append({"episode_index": index, "rows": len(rows), **stamps_entry(rows)})
    dataset.finalize()
    errors = check_dataset(folder, job)
    software = {"lerobot": version("lerobot")}
    return {
        "episodes": [
            {**result, "picture_error": error, "written_by": software}
            for result, error in zip(results, errors, strict=True)
        ]
    }


def _add_rows(dataset: LeRobotDataset, reader: EpisodeReader, rows: GridRows, job: ExportJob, index: int) -> None:
    cameras = [camera.name for camera in job.rig.cameras]
    tell = job.teller(index, "all cameras", len(rows))
    capture_s = np.stack([capture_times_s(rows, name) for name in cameras], axis=1) if cameras else None
    pictures = {name: chosen_pictures(reader, name, rows) for name in cameras}
    for row in range(len(rows)):
        if row % _TELL_EVERY == 0:
            tell(row)
        frame: dict[str, Any] = {
            STATE: rows.state[row].astype(np.float32),
            ACTION: rows.action[row].astype(np.float32),
            VELOCITY: rows.velocity[row].astype(np.float32),
            EFFORT: rows.effort[row].astype(np.float32),
            "task": reader.info.task,
        }
        if capture_s is not None:
            frame[CAPTURE_TIME] = capture_s[row]
        for name in cameras:
            frame[IMAGES + name] = next(pictures[name])
        dataset.add_frame(frame)


def capture_times_s(rows: GridRows, camera: str) -> Any:
    """(T,) when each row's picture was taken, s since the first row: small enough for float64 to be exact to 1 ns."""
    return (rows.stamp_ns - rows.stamp_ns[0] - rows.picture_age_ns[camera]) * 1e-9


def _features(rig: CommonRig) -> dict[str, dict[str, Any]]:
    joints = {"dtype": "float32", "shape": (len(rig.joint_names),)}
    # "<joint>.pos" is how lerobot's own robots call them: its replay and rollout find theirs by name.
    positions = [f"{name}.pos" for name in rig.joint_names]
    features: dict[str, dict[str, Any]] = {
        STATE: {**joints, "names": positions},
        ACTION: {**joints, "names": positions},
        VELOCITY: {**joints, "names": [f"{name}.vel" for name in rig.joint_names]},
        EFFORT: {**joints, "names": [f"{name}.effort" for name in rig.joint_names]},
    }
    for camera in rig.cameras:
        features[IMAGES + camera.name] = {
            "dtype": "video",
            "shape": (camera.height, camera.width, 3),
            "names": ["height", "width", "channels"],
        }
    if rig.cameras:
        names = [camera.name for camera in rig.cameras]
        features[CAPTURE_TIME] = {"dtype": "float64", "shape": (len(names),), "names": names}
    return features


def _rig(said: dict[str, Any]) -> CommonRig:
    cameras = tuple(CameraDescription(**camera) for camera in said.pop("cameras"))
    joints, units = tuple(said.pop("joint_names")), tuple(said.pop("effort_units"))
    return CommonRig(joint_names=joints, effort_units=units, cameras=cameras, **said)


def _robot(path: Path) -> str:
    with EpisodeReader(path) as reader:
        return reader.info.rig


if __name__ == "__main__":
    serve(write)
