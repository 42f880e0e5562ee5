#!/bin/sh
# The C tests of the lab on Debian's kernel as an ordinary user: older kernels have no per-NAPI settings,
# and no net/core in an unprivileged network namespace. As root, the tests that differ.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

build=${BUILD:-build}
set --
for source in "$vm"/../lab/test_*.c; do
	# An emulated machine is too slow for thousands of peers, and for the shares of time of a wire of 20 Mbit/s.
	case $source in */test_server.c | */test_live.c) continue ;; esac
	name=$(basename "$source" .c)
	set -- "$@" --file "$build/tests/lab/$name:/tests/$name"
done
boot --memory 2048 "$@" - <<'END'
#!/bin/sh
cd /tests
export PROGRAM=/usr/bin/epolltune
run() { # USER TEST
	$1 ./"$2" >/tmp/out 2>&1
	status=$?
	echo "$1 $2 $status"
	[ $status -eq 0 ] || grep -v '^\[  *\(OK\|RUN\)' /tmp/out >&2
	grep '^skipped: ' /tmp/out >&2
	rm -f /tmp/out
}
for test in test_*; do
	run as_user "$test"
done
run env test_lab
run env test_nic
exit 0
END
[ "$status" -eq 0 ] || fail "exit status $status"
! grep -v ' 0$' "$work/out" || fail 'a test fails on this kernel'
[ "$(wc -l <"$work/out")" -eq $(($# / 2 + 2)) ] || fail 'not all tests ran'
cat "$work/err"
