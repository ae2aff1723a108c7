#!/bin/sh
# Fetches the readers of other programs that the tests open our exports with, each into a folder of its own below
# .readers: their pins clash with ours, so they are never installed into .venv. A reader is used by putting its folder on
# PYTHONPATH of one process, which finds torch, numpy and h5py in .venv. Quick when they are there already.
set -eu
cd "$(dirname "$0")/.."

# Without its dependencies: what the reader itself imports is in .venv through lerobot (torch, h5py, tqdm, termcolor).
fetch() {
	folder=.readers/$1
	[ -f "$folder/fetched" ] && return
	rm -rf "$folder" "$folder.new"
	mkdir -p .readers
	.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --target "$folder.new" "$1==$2"
	echo "$2" >"$folder.new/fetched"
	mv "$folder.new" "$folder"
}

fetch robomimic 0.3.0
