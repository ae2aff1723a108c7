"""From the name of a LeRobot type and its options to LeRobot's own configuration: what its command line does."""

import importlib
import logging
import pkgutil
from collections.abc import Mapping
from typing import Any

from drivers.errors import DriverError

DISCOVER = "discover_packages_path"
FOLLOWER, LEADER, CAMERA = "follower", "leader", "camera"
_LINES, _LETTERS = 3, 400
_LOG = logging.getLogger(__name__)
_PACKAGES = {"robots": "lerobot.robots", "teleoperators": "lerobot.teleoperators", "cameras": "lerobot.cameras"}
# A leader may also be a robot that is moved by hand.
_KINDS = {FOLLOWER: ("robots",), LEADER: ("teleoperators", "robots"), CAMERA: ("cameras",)}


def configuration(role: str, kind: str, options: Mapping[str, Any]) -> Any:
    """LeRobot's configuration object of type `kind` for a "follower", "leader" or "camera".

    `options` as on LeRobot's command line, nested ones as mappings; `discover_packages_path` names a package (or
    several, separated by commas) that registers types of its own.
    Raises `DriverError` for a type that nobody registers, and for options that it does not have.
    """
    import draccus

    rest = dict(options)
    _import_plugins(str(rest.pop(DISCOVER, "")))
    for group in _KINDS[role]:
        registry = _registry(group)
        # Also when `role` needs no camera: a robot's options may name one.
        _import_type("cameras", _camera_types(rest))
        _import_type(group, (kind,))
        if kind in registry.get_known_choices():
            try:
                return draccus.decode(registry, {"type": kind, **rest})
            except Exception as error:  # draccus raises many kinds, TypeError for a missing option among them
                raise DriverError(
                    f"LeRobot's {kind} does not take these options: {said(error)}. "
                    f"Correct the options in the rig file; given were {', '.join(options) or 'none'}."
                ) from error
    raise DriverError(
        f"LeRobot knows no {role} of type {kind!r}. Known: {', '.join(known_types(role))}. For a type of your own, "
        f"install its package (lerobot_robot_..., lerobot_teleoperator_..., lerobot_camera_...) or name it by the "
        f"option {DISCOVER}."
    )


def known_types(role: str) -> tuple[str, ...]:
    """Every type of this role that is installed, LeRobot's own and those of plug-ins."""
    found: set[str] = set()
    for group in _KINDS[role]:
        _import_type(group, None)
        found |= set(_registry(group).get_known_choices())
    return tuple(sorted(found))


def make(role: str, config: Any) -> Any:
    """The device of a configuration, not connected. Raises `DriverError` when its software is missing or refuses."""
    from lerobot.cameras import make_cameras_from_configs
    from lerobot.robots import RobotConfig, make_robot_from_config
    from lerobot.teleoperators import make_teleoperator_from_config

    try:
        if role == CAMERA:
            return make_cameras_from_configs({CAMERA: config})[CAMERA]
        if isinstance(config, RobotConfig):
            return make_robot_from_config(config)
        return make_teleoperator_from_config(config)
    except Exception as error:  # whatever a third party's constructor raises
        raise DriverError(
            f"LeRobot's {config.type} can not be made: {said(error)}. "
            "Install what it needs beside LeRobot, or correct its options in the rig file."
        ) from error


def said(error: Exception) -> str:
    """The beginning of what LeRobot said, for the middle of a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (" ".join(lines[:_LINES])[:_LETTERS] or type(error).__name__).rstrip(".! ")


def _registry(group: str) -> Any:
    module = importlib.import_module(_PACKAGES[group])
    return getattr(module, {"robots": "RobotConfig", "teleoperators": "TeleoperatorConfig"}.get(group, "CameraConfig"))


def _import_plugins(packages: str) -> None:
    try:
        from lerobot.configs.parser import PluginLoadError, load_plugin
        from lerobot.utils.import_utils import register_third_party_plugins
    except ImportError as error:
        raise DriverError(
            f"LeRobot is not installed or does not load: {error}. Install it: `pip install 'teleop-studio[lerobot]'`."
        ) from error
    register_third_party_plugins()
    for package in filter(None, (part.strip() for part in packages.split(","))):
        try:
            load_plugin(package)
        except PluginLoadError as error:
            raise DriverError(
                f"The package {package!r} ({DISCOVER}) can not be loaded: {said(error)}. "
                "It must be importable: installed, or on PYTHONPATH."
            ) from error


def _camera_types(options: Mapping[str, Any]) -> tuple[str, ...]:
    cameras = options.get("cameras")
    values = cameras.values() if isinstance(cameras, Mapping) else ()
    return tuple(str(entry["type"]) for entry in values if isinstance(entry, Mapping) and "type" in entry)


def _import_type(group: str, wanted: tuple[str, ...] | None) -> None:
    """Import LeRobot's own sub-packages until the types `wanted` are registered; None: all of them."""
    package, registry = importlib.import_module(_PACKAGES[group]), _registry(group)
    names = [module.name for module in pkgutil.iter_modules(package.__path__) if module.ispkg]
    if wanted is not None:
        # The sub-package is mostly called as the type is, or as its longest part.
        names.sort(key=lambda name: not any(name in kind or kind.partition("_")[0] in name for kind in wanted))
    for name in names:
        if wanted is not None and set(wanted) <= set(registry.get_known_choices()):
            return
        try:
            importlib.import_module(f"{_PACKAGES[group]}.{name}")
        except Exception as error:  # one device's missing software must not hide the others
            _LOG.info("lerobot's %s does not load: %s", name, error)
