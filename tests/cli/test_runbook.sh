#!/bin/sh
# The runbook of epolltune-apply(1), pasted verbatim, raises, proves, persists and rolls back a short
# wall.
set -u
PROGRAM=${PROGRAM:?}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; cat "$work/out" "$work/errors"; exit 1; }

enter=
for way in 'unshare -Urn' 'unshare -n'; do
	$way test -e /proc/sys/net/core/somaxconn 2>/dev/null && enter=$way && break
done
[ -n "$enter" ] || { echo 'SKIP: no private network namespace with net.core'; exit 77; }

# The text between .Bd and .Ed of the section; sudo and systemctl are replaced by scripts.
sed -n '/^\.Sh RUNBOOK/,/^\.Ed/p' "$root/man/epolltune-apply.1" | sed '1,/^\.Bd/d; /^\.Ed/d; s/\\-/-/g' \
	>"$work/runbook"
[ "$(grep -c epolltune "$work/runbook")" -ge 8 ] || fail 'there is no runbook in the man page'
mkdir "$work/bin" "$work/lib" "$work/sysctl.d"
ln -s "$PROGRAM" "$work/bin/epolltune"
printf '#!/bin/sh\nexec "$@"\n' >"$work/bin/sudo"
printf '#!/bin/sh\n[ "$1 $2" = "restart nginx" ]\n' >"$work/bin/systemctl"
chmod +x "$work/bin/sudo" "$work/bin/systemctl"
{
	echo 'state() { cat /proc/sys/net/core/somaxconn; ls -A /etc/sysctl.d; }'
	sed 's/^# 6\..*/echo "kept $(state | tr "\\n" " ")"/' "$work/runbook"
	echo 'echo "back $(state | tr "\n" " ")"'
} >"$work/pasted"
cat >"$work/inside" <<'INSIDE'
mount --bind "$W/lib" /var/lib && mount --bind "$W/sysctl.d" /etc/sysctl.d || exit 77
echo 16 >/proc/sys/net/core/somaxconn
cd "$W" || exit 1
PATH=$W/bin:$PATH LC_ALL=C.UTF-8 sh "$W/pasted"
INSIDE
W=$work $enter -m --pid --fork --mount-proc sh "$work/inside" >"$work/out" 2>"$work/errors" </dev/null
status=$?
[ $status -ne 77 ] || { echo 'SKIP: /etc/sysctl.d cannot be bound here'; exit 77; }
said() { grep -q -- "$1" "$work/out" || fail "not printed: $1"; }
[ $status -eq 0 ] || fail "status $status"
# Each command before confirm prints that the run waits.
grep -qv '^epolltune: run 1 will be rolled back in [0-9]* s; confirm with: epolltune confirm$' "$work/errors" &&
	fail 'errors'
said '^accept-queue .* SHORT'
said 'accept-queue .*short → ok *better'
said 'Applied as run 1. Will be rolled back in 120 s unless confirmed: epolltune confirm'
said 'Run 1 is confirmed: the changes stay.'
said '^kept 8192 90-epolltune.conf $'
said 'Run 1 rolled back; all values restored.'
said '^back 16 $'
