#!/bin/sh
# The runbook of epolltune-apply(1).
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

# All blocks of the section as one script; sudo and systemctl are replaced by scripts, the time for the confirmation by
# one that suffices on a slow machine, and the target by one with a single probe. A report that is compared is made again
# while a busy machine leaves its wall unmeasured.
setup() {
	sed -n '/^\.Sh RUNBOOK/,/^\.Sh JSON/p' "$root/man/epolltune-apply.1" |
		sed -n '/^\.Bd/,/^\.Ed/{ /^\.[BE]d/d; s/\\-/-/g; p; }' >runbook
	[ "$(grep -c epolltune runbook)" -ge 8 ] || fail 'there is no runbook in the man page'
	mkdir bin lib sysctl.d
	printf '#!/bin/sh\nexec "$@"\n' >bin/sudo
	printf '#!/bin/sh\n[ "$1 $2" = "restart nginx" ]\n' >bin/systemctl
	chmod +x bin/sudo bin/systemctl
	grep -q -- '--confirm 300s$' runbook || fail 'the time for the confirmation is another'
	sed -i 's/--confirm 300s/--confirm 600s/; s/--rate 50k/& --probe accept-queue/
		s/^\(epolltune check .* --format json\) >\(.*\)/measured \2 \1/' runbook
	{
		cat <<-'EOF'
			measured() { # FILE COMMAND…
				file=$1
				shift
				for _ in 1 2 3; do
					"$@" >"$file"
					! jq -e '.walls[] | select(.name == "accept-queue") | .method == "measured"' "$file" >/dev/null || break
				done
			}
		EOF
		echo 'state() { cat /proc/sys/net/core/somaxconn; ls -A /etc/sysctl.d; }'
		sed 's/^# 6\..*/echo "kept $(state | tr "\\n" " ")"/' runbook
		echo 'echo "back $(state | tr "\n" " ")"'
	} >pasted
}

test_the_runbook_raises_proves_persists_and_rolls_back_a_short_wall() {
	options=-Urnmpf
	if ! unshare -Urn test -e /proc/sys/net/core/somaxconn; then options=-nmpf; fi
	in_namespace "$options --mount-proc"
	[ -e /proc/sys/net/core/somaxconn ] || skip 'no private network namespace with net.core'
	mount --bind lib /var/lib && mount --bind sysctl.d /etc/sysctl.d || skip '/etc/sysctl.d cannot be bound here'
	# A machine, not a container whose files nothing reads at boot.
	mount -t tmpfs none /run && mkdir -p /run/systemd/system
	echo 16 >/proc/sys/net/core/somaxconn
	expect 0 env PATH="$work/bin:$PATH" LC_ALL=C.UTF-8 sh pasted </dev/null
	# Each command before confirm prints that the run waits.
	! grep -v '^epolltune: run 1 will be rolled back in [0-9]* s; confirm with: epolltune confirm$' err || fail 'errors'
	matches out '^accept-queue .* SHORT' 'accept-queue .*short → ok *better' '^kept 8192 90-epolltune.conf $' '^back 16 $'
	said 'Applied as run 1. Will be rolled back in 600 s unless confirmed: epolltune confirm' \
		'Run 1 is confirmed: the changes stay, also after a reboot.' 'Run 1 rolled back; all values restored.'
}

# A block is pasted as a whole: one that changes something neither confirms nor undoes it, and nothing follows what
# counts down on a terminal until the change is confirmed elsewhere.
test_no_block_undoes_its_own_change() {
	for page in "$root"/man/epolltune*.[17] "$root/README.md"; do
		awk '/^\.Bd/ { literal = 1 } /^\.Ed/ { literal = 0 } /^```/ { literal = !literal }
			!literal || /^\.Bd|^```/ { change = counts = 0 } !literal { next }
			/^[a-z#$ ]*(epolltune|sudo|systemctl) / && counts { print FILENAME ": " FNR ": " $0; bad = 1 }
			/epolltune apply/ && !/--dry-run/ { change = 1 }
			/epolltune apply.*--confirm/ { counts = 1 }
			/^[a-z#$ ]*epolltune (rollback|confirm)/ && change { print FILENAME ": " FNR ": " $0; bad = 1 }
			END { exit bad }' "$page" || fail 'a block that undoes or confirms its own change, or that waits for that'
	done
}

run_tests "$@"
