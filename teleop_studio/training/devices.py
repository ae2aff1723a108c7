"""Which device a run computes on: what was asked for, or nothing."""

import torch

from teleop_studio.training.errors import TrainingError

AUTO = "auto"


def choose_device(wish: str) -> torch.device:
    """ "auto" is a CUDA GPU where there is one, else the CPU; MPS, which nobody has tried, only when it is asked for.

    Raises `TrainingError` for a device that is not there: never another one in its place.
    """
    if wish == AUTO:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(wish)
    if device.type == "cuda" and (device.index or 0) >= _gpus():
        raise TrainingError(
            f"There is no device {wish}: torch {torch.__version__} sees {_gpus()} CUDA devices here. "
            'Check the driver with nvidia-smi, or train on "auto" or "cpu".'
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise TrainingError('There is no device mps: this is no Mac with a GPU that torch can use. Train on "cpu".')
    return device


def device_title(device: torch.device, processes: int = 1) -> str:
    """In words: "CPU, 1 process", "NVIDIA H100, 2 processes"."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
    return f"{name}, {processes} {'process' if processes == 1 else 'processes'}"


def _gpus() -> int:
    return torch.cuda.device_count() if torch.cuda.is_available() else 0
