#!/bin/sh
# make install installs the program, every manual page and both completions; make uninstall removes
# them.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make -s install DESTDIR="$work" prefix=/usr
"$work/usr/bin/epolltune" --version >/dev/null
for page in man/*.[1-8]; do
	cmp "$page" "$work/usr/share/man/man${page##*.}/${page##*/}"
done
bash -n "$work/usr/share/bash-completion/completions/epolltune"
grep -q '^#compdef epolltune$' "$work/usr/share/zsh/site-functions/_epolltune"

make -s uninstall DESTDIR="$work" prefix=/usr
left=$(find "$work" -type f)
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
