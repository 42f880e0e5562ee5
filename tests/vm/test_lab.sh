#!/bin/sh
# The C tests of the lab on Debian's kernel, as root and as an ordinary user: an
# older kernel has no per-NAPI settings, and no net/core in an unprivileged network namespace.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

build=${BUILD:-build}
set --
for source in "$vm"/../lab/test_*.c; do
	name=$(basename "$source" .c)
	set -- "$@" --file "$build/tests/lab/$name:/tests/$name"
done
boot --memory 2048 --time 150 "$@" - <<'END'
#!/bin/sh
cd /tests
for user in as_user env; do
	for test in test_*; do
		$user ./"$test" >/tmp/out 2>&1
		status=$?
		echo "$user $test $status"
		[ $status -eq 0 ] || grep -v '^\[  *\(OK\|RUN\)' /tmp/out >&2
		grep '^skipped: ' /tmp/out >&2
		rm -f /tmp/out
	done
done
END
[ "$status" -eq 0 ] || fail "exit status $status"
! grep -v ' 0$' "$work/out" || fail 'a test fails on this kernel'
# Two runs and two arguments above for each.
[ "$(wc -l <"$work/out")" -eq $# ] || fail 'not all tests ran'
cat "$work/err"
