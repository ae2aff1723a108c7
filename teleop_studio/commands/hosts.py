"""The command `hosts`: the machines that train for this workspace over ssh."""

import argparse
from dataclasses import asdict
from typing import Any

from teleop_studio.commands.driving import say
from teleop_studio.remote.errors import RemoteError
from teleop_studio.remote.hosts import TrainingHost, add_host, find_host, read_hosts, remove_host
from teleop_studio.training_hosts import look_at
from teleop_studio.workspace import Workspace


def hosts(options: argparse.Namespace) -> dict[str, Any]:
    """List, add, look at or forget training hosts."""
    path = Workspace.create(options.workspace).training_hosts
    if options.action == "list":
        known = read_hosts(path)
        for host in known:
            say(f"{host.name}: {host.address}, folder {host.folder}")
        if not known:
            say("No training host is known. Add one: teleop-studio hosts add gpubox user@gpubox")
        return {"hosts": [asdict(host) for host in known]}
    if options.action == "add":
        settings = {name: getattr(options, name) for name in ("folder", "python", "device", "port", "identity")}
        host = TrainingHost(options.name, options.address, **settings)
        add_host(path, host)
        say(f"{host.name} is a training host now: {path}")
    elif options.action == "remove":
        host = remove_host(path, options.name)
        say(f"{host.name} is forgotten. What lies in {host.folder} on {host.address} stays there.")
        return asdict(host)
    else:
        host = find_host(path, options.name)
    return {**asdict(host), **_looked_at(host)}


def _looked_at(host: TrainingHost) -> dict[str, Any]:
    say(f"Looking at {host.name} ...")
    try:
        found = look_at(host)
    except RemoteError as error:
        say(str(error))
        return {"ready": False, "problem": str(error), "failed": True}
    say(f"{host.name} can train: {found}.")
    return {"ready": True, "found": found, "problem": ""}
