#!/bin/sh
# Prints the path of the first Python 3.12 or newer that can make virtual environments.
# PYTHON=/path/to/python overrides the search.
set -u

check='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12)); '
old=""

for candidate in ${PYTHON:+"$PYTHON"} python3.12 python3 python3.13 python3.14 \
	"${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3; do
	path=$(command -v "$candidate" 2>/dev/null) || continue
	if "$path" -c "$check" >/dev/null 2>&1; then
		echo "$path"
		exit 0
	fi
	old="$old $path"
	if [ -n "${PYTHON:-}" ]; then
		echo "PYTHON=$PYTHON is not Python 3.12 or newer with venv and ensurepip." >&2
		exit 1
	fi
done

cat >&2 <<MESSAGE
No usable Python 3.12 or newer was found.${old:+ Tried, but too old or without venv:$old.}
Install it and run this again:
  Debian 13, Ubuntu 24.04 and newer:  sudo apt-get install python3 python3-venv
  anywhere else:                      https://www.python.org/downloads, or: pyenv install 3.12
Or name one: make setup PYTHON=/path/to/python3.12
MESSAGE
exit 1
