#!/bin/sh
# Installs what Qt, MuJoCo's EGL, the window tests and training on another machine need on Debian and Ubuntu.
# Does nothing when all are there. Without the right to install, prints the one line that does, and goes on.
set -u

# a|b: either name, the package was renamed between releases.
packages="libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri libglib2.0-0|libglib2.0-0t64 libdbus-1-3 libfontconfig1
libfreetype6 fontconfig libx11-6 libx11-xcb1 libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0
libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xkb1 xvfb xdotool rsync openssh-client"

[ "$(uname -s)" = Linux ] || exit 0
if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
	echo "This is not Debian or Ubuntu: make sure that EGL (Mesa), fontconfig, xkbcommon and the xcb libraries of Qt 6"
	echo "are installed; 'teleop-studio doctor' tells whether they work."
	exit 0
fi

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing() {
	for entry in $packages; do
		found=""
		for name in $(echo "$entry" | tr '|' ' '); do
			installed "$name" && found=yes
		done
		[ -n "$found" ] || echo "$entry"
	done
}

installable() {
	for entry in $1; do
		chosen=${entry%%|*}
		for name in $(echo "$entry" | tr '|' ' '); do
			apt-cache show "$name" >/dev/null 2>&1 && chosen=$name
		done
		printf '%s ' "$chosen"
	done
}

absent=$(missing)
[ -n "$absent" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	as_root="env DEBIAN_FRONTEND=noninteractive"
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	as_root="sudo -n env DEBIAN_FRONTEND=noninteractive"
else
	as_root=""
fi

if [ -n "$as_root" ]; then
	echo "Installing shared libraries: $(echo $absent)"
	# shellcheck disable=SC2046,SC2086
	if $as_root apt-get update -qq && $as_root apt-get install -qq -y --no-install-recommends $(installable "$absent"); then
		exit 0
	fi
	echo "That did not work."
fi
cat <<MESSAGE
Shared libraries are missing. Window, pictures or window tests may not work until this has been run:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends $(installable "$absent")
MESSAGE
