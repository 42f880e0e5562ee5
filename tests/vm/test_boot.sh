#!/bin/sh
# The disposable machine: input, output, exit status, time limit, and no remains on the host.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"
machine=$vm/machine
harness=
# shellcheck disable=SC2154 # the trap sets it
trap 'ended=$?; [ -z "$harness" ] || kill -9 "$harness" 2>/dev/null; finish $ended' EXIT

# Prints the pids that have a word on their command line; grep reads the word from its input.
carrying() {
	# shellcheck disable=SC2062
	echo "$1" | grep -las -f - /proc/[0-9]*/cmdline | cut -d / -f 3
}

printf 'bytes \000\377\n' >"$work/file"
boot --file "$work/file:/root/sub/file" --get "/root/answer:$work/answer" - 'two words' "it's" <<'END'
#!/bin/sh
echo "$# $1 $2"
echo out >/dev/stdout
echo err >/dev/stderr
uname -r
nproc
ip link add d0 type dummy && ip link add v0 type veth && : </dev/net/tun && ls /sys/class/net
as_user sh -c 'id -u; echo x >/root/not-mine || echo refused'
cp /root/sub/file /root/answer
ip -o link | grep -cE ': (eth|en)'
sleep 100 >/dev/null &
exit 37
END
[ "$status" -eq 37 ] || fail "exit status $status, not 37"
cmp -s "$work/file" "$work/answer" || fail 'the copied file differs'
[ "$(grep -c '^err$' "$work/err")" -eq 1 ] || fail 'standard error was not passed on'
{ read -r arguments; read -r out; read -r release; read -r cpus; } <"$work/out"
[ "$arguments $out" = "2 two words it's out" ] || fail "arguments: $arguments, output: $out"
case $release in "$EPOLLTUNE_KERNEL".*) ;; *) [ "$EPOLLTUNE_KERNEL" = newest ] || fail "kernel release $release" ;; esac
[ "$cpus" = 2 ] || fail "$cpus CPUs"
for i in d0 v0 lo; do grep -qx $i "$work/out" || fail "no interface $i: modules do not load"; done
[ "$(tail -n 3 "$work/out" | tr '\n' ' ')" = '1000 refused 0 ' ] || fail "not an ordinary user, or a network: $(tail -n 3 "$work/out")"

boot --time 6 --append "mark=$$.time" - <<'END'
#!/bin/sh
echo begun
exec sleep 100
END
[ "$status" -eq 124 ] || fail "exit status $status after the time limit, not 124"
[ -z "$(carrying "mark=$$.time")" ] || fail 'QEMU runs after its time limit'

boot - <<'END'
#!/bin/sh
echo before
echo c >/proc/sysrq-trigger
END
[ "$status" -eq 125 ] || fail "exit status $status after a crash, not 125"
grep -q 'sysrq triggered crash' "$work/err" || fail 'the last messages of the kernel are missing'

boot --get "/nowhere:$work/nowhere" - <<'END'
#!/bin/sh
true
END
[ "$status" -eq 125 ] || fail "exit status $status with a result file missing, not 125"
grep -q '/nowhere' "$work/err" || fail 'the missing result file is not named'

# QEMU dies with a harness that is killed.
printf '#!/bin/sh\nsleep 100\n' >"$work/script"
"$machine" --append "mark=$$.kill" "$work/script" >"$work/out" 2>"$work/err" &
harness=$!
tries=0
left=
while [ -z "$left" ] && [ $tries -le 900 ]; do
	sleep 0.1
	tries=$((tries + 1))
	left=$(carrying "mark=$$.kill" | sed 's|.*|/proc/&/cmdline|' | xargs -r cat 2>/dev/null | tr '\0' '\n' |
		sed -n 's|/initrd$||p' | head -n 1)
done
[ -d "$left" ] || fail 'QEMU did not start'
kill -9 "$harness"
wait "$harness" 2>/dev/null
harness=
tries=0
while [ "$(carrying "mark=$$.kill")" ] && [ $tries -le 300 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
[ $tries -le 300 ] || fail 'QEMU runs after its harness was killed'
rm -rf "$left"

for bad in '--nic rtl8139' '--time 0' '--memory 1e3' '--file nowhere' '--what x' '--kernel 6.2'; do
	# shellcheck disable=SC2086
	"$machine" $bad - >"$work/out" 2>"$work/err" </dev/null
	[ $? -eq 64 ] || fail "$bad was not refused"
done
