#!/bin/sh
# The C tests of plan, journal and rollback on Debian's kernel, as root and as an ordinary user.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

build=${BUILD:-build}
set --
for name in unit/test_journal unit/test_plan unit/test_sysctl_d unit/test_parse unit/test_identity; do
	set -- "$@" --file "$build/tests/$name:/tests/${name#*/}"
done
boot "$@" - <<'END'
#!/bin/sh
cd /tests
for user in env as_user; do
	for test in test_*; do
		$user ./"$test" >/tmp/out 2>&1
		status=$?
		echo "$user $test $status"
		[ $status -eq 0 ] || grep -v '^\[  *\(OK\|RUN\)' /tmp/out >&2
		rm -f /tmp/out
	done
done
exit 0
END
[ "$status" -eq 0 ] || fail "exit status $status"
[ "$(grep -c ' 0$' "$work/out")" = 10 ] || fail 'a test fails on this kernel'
