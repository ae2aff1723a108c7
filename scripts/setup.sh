#!/bin/sh
# Makes or reuses .venv and installs what is missing. Quick when nothing changed: the stamp holds the checkout's path
# (an environment does not survive being moved) and pyproject.toml as it was when it was last installed.
set -eu
cd "$(dirname "$0")/.."

sh scripts/system_libraries.sh

stamp=.venv/installed-for
wanted() {
	pwd
	cat pyproject.toml
}

if [ -x .venv/bin/python ] && .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
	if [ -f "$stamp" ] && wanted | cmp -s - "$stamp"; then
		exit 0
	fi
else
	python=$(sh scripts/find_python.sh)
	echo "Making .venv with $python"
	"$python" -m venv --clear .venv
fi

echo "Installing the packages of pyproject.toml (first time: several minutes and about 6 GB, most of it torch)"
rm -f "$stamp"
.venv/bin/python -m pip install --disable-pip-version-check --progress-bar off -q -e '.[dev]'
wanted >"$stamp"
