#!/bin/sh
# Fetches the readers of other programs that the tests open our exports with, and the DYNAMIXEL SDK that LeRobot pins,
# each into a folder of its own below .readers: their pins clash with ours, so they are never installed into .venv. One
# is used by putting its folder on PYTHONPATH of one process, which finds the rest in .venv. Quick when they are there.
set -eu
cd "$(dirname "$0")/.."

# Without its dependencies: what the reader itself imports is in .venv through lerobot (torch, h5py, tqdm, termcolor).
fetch() {
	folder=.readers/$1
	[ -f "$folder/fetched" ] && return
	# A folder of this run's own first: two runs at once (tests in parallel) do not get into each other's way.
	unfinished=$folder.$$
	mkdir -p .readers
	.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --target "$unfinished" "$1==$2"
	echo "$2" >"$unfinished/fetched"
	[ -f "$folder/fetched" ] || { rm -rf "$folder" && mv "$unfinished" "$folder"; }
	rm -rf "$unfinished"
}

fetch robomimic 0.3.0
fetch dynamixel-sdk 3.8.4
