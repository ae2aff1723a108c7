"""What the health chips say: (text, colour, tooltip) of the loop, the cameras, the recorder and the policy process."""

import math

from teleop_studio.status import State, StudioStatus
from ui import theme
from ui.widgets.camera_view import TROUBLE_COLOURS

_STALE_MS = 150.0
_LOW_FPS = 0.8  # of 30
_DISK_AMBER_S, _DISK_RED_S = 600.0, 120.0


def rig_chip(status: StudioStatus) -> tuple[str, str, str]:
    """The simulated rig has a colour of its own: nobody shall take it for the real one."""
    if status.simulated:
        return "simulated", "#d58cff", f"{status.rig} {status.scene}".strip() + ". Click to choose a rig (Ctrl+G)."
    colour = theme.FAINT if status.state is State.CLOSED else theme.GOOD
    return status.rig or "no rig", colour, "The rig with real arms. Click to choose a rig (Ctrl+G)."


def loop_chip(status: StudioStatus) -> tuple[str, str, str]:
    loop = status.loop
    if loop.rate_hz <= 0 or status.state is State.CLOSED:
        return "loop –", theme.FAINT, "The control loop does not run."
    missed = f", {loop.missed_deadlines} late" if loop.missed_deadlines else ""
    share = loop.missed_deadlines / max(loop.ticks, 1)
    colour = theme.GOOD if share < 0.001 else theme.WARN if share < 0.02 else theme.BAD
    tooltip = (
        f"{loop.ticks} ticks, scheduling {loop.scheduling}. Period error p50 {loop.period_error_p50_ms:.2f}, "
        f"p99 {loop.period_error_p99_ms:.2f}, p99.9 {loop.period_error_p999_ms:.2f} ms. Bus retries {loop.bus_retries}."
    )
    # Which scheduling it got stands in the tooltip; the one that wakes up late now and then stands on the chip.
    late = " · normal" if loop.scheduling == "normal" else ""
    return f"loop {loop.rate_hz:.0f} Hz{missed}{late}", colour, tooltip


def camera_chip(status: StudioStatus) -> tuple[str, str, str]:
    if not status.cameras:
        return "cameras –", theme.FAINT, "No camera delivers."
    slowest = min(camera.fps for camera in status.cameras.values())
    oldest = max(camera.age_ms for camera in status.cameras.values())
    troubled = {name: camera for name, camera in status.cameras.items() if camera.state in TROUBLE_COLOURS}
    colour = theme.BAD if oldest > _STALE_MS else theme.GOOD if slowest >= _LOW_FPS * 30 else theme.WARN
    tooltip = "\n".join(
        f"{name}: {camera.fps:.1f} fps, {camera.frames} pictures, newest {camera.age_ms:.0f} ms old"
        + (f"\n  {camera.text}" if camera.text else "")
        for name, camera in status.cameras.items()
    )
    if troubled:
        name, camera = min(troubled.items(), key=lambda one: list(TROUBLE_COLOURS).index(one[1].state))
        more = f" +{len(troubled) - 1}" if len(troubled) > 1 else ""
        return f"{name} {camera.state}{more}", TROUBLE_COLOURS[camera.state], tooltip
    return f"{len(status.cameras)} cameras {slowest:.0f} fps", colour, tooltip


def disk_left(seconds: float) -> tuple[str, str]:
    """(text, colour) of how long a take could go on before the disk is full; a dash when that is not known."""
    if math.isinf(seconds):
        return "–", theme.FAINT
    colour = theme.BAD if seconds < _DISK_RED_S else theme.WARN if seconds < _DISK_AMBER_S else theme.TEXT
    if seconds < _DISK_RED_S:
        return f"{seconds:.0f} s", colour
    minutes = seconds / 60
    return (f"{minutes:.0f} min" if minutes < 180 else f"{min(minutes / 60, 999):.0f} h"), colour


def disk_chip(status: StudioStatus) -> tuple[str, str, str]:
    text, colour = disk_left(status.recorder.disk_left_s)
    return f"disk {text}", colour, "How long a take could go on; its journal and its episode file need room together."


def disk_is_low(status: StudioStatus) -> bool:
    return status.recorder.disk_left_s < _DISK_AMBER_S


def recorder_chip(status: StudioStatus) -> tuple[str, str, str]:
    recorder = status.recorder
    tooltip = f"{recorder.frames_written} of {recorder.frames_due} frames written, {recorder.gaps} gaps."
    for camera, (written, missing) in recorder.pictures.items():
        tooltip += f"\n{camera}: {written} pictures, {missing} missing"
    if recorder.waiting:
        return (
            f"recorder {recorder.waiting} waiting for room",
            theme.BAD,
            "Free some space: the takes are safe, but not saved.",
        )
    if recorder.gaps or recorder.missing:
        return f"recorder {recorder.missing or recorder.gaps} missing", theme.BAD, tooltip
    if recorder.recording:
        return f"recorder {recorder.frames_written} frames", theme.GOOD, tooltip
    if recorder.building:
        return f"recorder saving {recorder.building}", theme.ACCENT, f"{recorder.building} takes are being saved."
    if status.loop.rate_hz <= 0 or status.state is State.CLOSED:
        return "recorder –", theme.FAINT, "No rig is open."
    return "recorder ready", theme.GOOD, tooltip


def inference_chip(status: StudioStatus) -> tuple[str, str, str]:
    inference = status.inference
    if inference.loading:
        return f"loading {inference.run}", theme.ACCENT, "The policy is being loaded."
    if not inference.ready:
        return "no policy", theme.FAINT, "No policy is loaded."
    tooltip = (
        f"{inference.run}: {inference.chunks} chunks, latency p50 {inference.chunk_latency_p50_ms:.0f} ms, "
        f"p99 {inference.chunk_latency_p99_ms:.0f} ms; samples p50 {inference.overlay_latency_p50_ms:.0f} ms."
    )
    return f"policy {inference.chunk_latency_p50_ms:.0f} ms", theme.GOOD, tooltip
