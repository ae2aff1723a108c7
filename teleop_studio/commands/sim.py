"""The command `sim`: emulated servos that any DYNAMIXEL program can talk to, with or without a scene behind them."""

import argparse
import json
import sys
import time
from typing import Any

from teleop_studio.commands.failed import CommandFailed
from teleop_studio.commands.pair import serve_pair
from teleop_studio.processes.child import Child, ChildFailed
from teleop_studio.processes.messages import Ready


def sim(options: argparse.Namespace) -> dict[str, Any]:
    """Serve emulated servos until interrupted; the ports are told at once."""
    try:
        if options.leader or options.follower:
            serve_pair(options)
        given = [f"--{name}" for name in ("tcp", "factory", "faults", "events") if getattr(options, name)]
        given += ["--usb"] if options.usb != "none" else []
        if given:
            raise CommandFailed(f"{', '.join(given)} needs --leader or --follower: the arms without a scene.")
        _serve_scene(options)
    except KeyboardInterrupt:
        sys.exit(0)
    raise CommandFailed("The simulated rig ended by itself.")


def _serve_scene(options: argparse.Namespace) -> None:
    # Arms without a scene start in a second because they need none of this.
    from teleop_studio.processes.rings import RigRings
    from teleop_studio.processes.supervisor import limit_threads
    from teleop_studio.rig import RigConfig

    limit_threads()
    rings = RigRings.create("sim", RigConfig(scene=options.scene, link="pty"))
    assert rings.snapshots is not None
    child = Child("sim", "sim_process", (options.scene, rings.snapshots.spec, None, options.seed))
    try:
        ports = _wait_for_ports(child)
        if options.json:
            print(json.dumps(ports), flush=True)
        else:
            print(f"leader   {ports['leader']}\nfollower {ports['follower']}\nCtrl-C ends.", flush=True)
        while child.alive:
            time.sleep(0.2)
    finally:
        child.kill()
        rings.close()


def _wait_for_ports(child: Child) -> dict[str, str]:
    while True:
        for message in child.receive():
            if isinstance(message, Ready):
                leader, follower = message.note.split("\n")
                return {"leader": leader, "follower": follower}
            if isinstance(message, ChildFailed):
                raise CommandFailed(f"The simulated rig did not start. {message.operator}")
        time.sleep(0.02)
